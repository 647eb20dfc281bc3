"""How much of the metadata goes into TXT (RFC 6763, 6)."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.zone.text import MOST_OCTETS, write_text

KEYS = st.text("aAb=\x7f é", max_size=3)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.text("x", min_size=240, max_size=260)
    | st.lists(st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2)
)


def _write(metadata: dict[str, object], version: str | None = None) -> tuple[bytes, ...]:
    instance = admit(
        id="a", service="s", address="10.0.0.1", port=1, metadata=metadata, version=version
    )
    return write_text(instance)


@pytest.mark.parametrize(("octets", "total"), [(41, 1299), (42, MOST_OCTETS), (43, 1255)])
def test_the_record_is_filled_to_its_last_octet(octets: int, total: int) -> None:
    metadata: dict[str, object] = {f"k{place}": "x" * 247 for place in range(5)}
    strings = _write({**metadata, "l": "y" * octets})
    assert sum(len(string) + 1 for string in strings) == total


def test_what_does_not_fit_leaves_room_for_what_does() -> None:
    metadata: dict[str, object] = {f"k{place}": "x" * 252 for place in range(6)}
    strings = _write({**metadata, "short": "1"})
    assert len(strings) == 6
    assert strings[-1] == b"short=1"


def test_a_version_that_is_too_long_is_left_out() -> None:
    assert _write({"a": "b"}, "9" * 255) == (b"a=b",)


def test_a_version_that_metadata_denies_is_not_told() -> None:
    assert _write({"version": None}, "1.0") == (b"",)


def _read(strings: tuple[bytes, ...]) -> dict[str, str | bool]:
    """As RFC 6763, 6.4 has clients read them."""
    found: dict[str, str | bool] = {}
    for string in strings:
        key, equals, value = string.decode().partition("=")
        if key:
            found.setdefault(key.lower(), value if equals else True)
    return found


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(KEYS, VALUES, max_size=10))
def test_a_client_reads_what_was_registered(metadata: dict[str, object]) -> None:
    strings = _write(metadata)
    read = _read(strings)
    assert len(read) == len(strings) or strings == (b"",)
    by_key: dict[str, list[object]] = {}
    for key, value in metadata.items():
        by_key.setdefault(key.lower(), []).append(value)
    for key, text in read.items():
        assert key.isascii()
        assert key.isprintable()
        values = [v if isinstance(v, str | bool) else json.dumps(v) for v in by_key[key]]
        plain = text.replace(" ", "") if isinstance(text, str) else text
        assert plain in [v.replace(" ", "") if isinstance(v, str) else v for v in values]
    fitting = {key for key, value in metadata.items() if value and isinstance(value, bool)}
    sound = {key.lower() for key in fitting if key.isascii() and key.isprintable() and key}
    if len(metadata) < 5:
        assert {key for key in sound if "=" not in key} <= read.keys()
