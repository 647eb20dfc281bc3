"""JSON says what was put in, with the extra `speed` and without; times are cut, not rounded."""

import json
import math
from datetime import datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dnsregistry.api import replies
from dnsregistry.api.replies import encode, write_time
from dnsregistry.registry.instance import Status

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("fast", [True, False])
@given(value=VALUES)
@example(value=2**64)
@example(value={"a": [10**400, "é"]})
def test_what_is_written_is_read_back(value: object, *, fast: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if not fast:
            patch.setattr(replies, "_dump", None)
        octets = encode(value)
    assert octets.endswith(b"\n")
    assert octets.count(b"\n") == 1
    assert json.loads(octets) == value


@pytest.mark.parametrize("fast", [True, False])
def test_both_ways_write_the_same_octets(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not fast:
        monkeypatch.setattr(replies, "_dump", None)
    value = {"tags": ("a", "b"), "status": Status.DRAINING, "text": "é/\x7f", "ttl": 2.5}
    expected = '{"tags":["a","b"],"status":"draining","text":"é/\x7f","ttl":2.5}\n'
    assert encode(value) == expected.encode()


def test_text_that_is_no_utf8_is_told_back_with_a_mark_in_its_place() -> None:
    assert encode({"path": "a\udcff"}) == b'{"path":"a?"}\n'


@given(st.floats(0, 4e9))
@example(1_700_000_000.999)
@example(1_699_999_999.9999999)
def test_a_time_is_told_to_the_millisecond_and_never_ahead(time: float) -> None:
    text = write_time(time)
    assert text is not None
    told = datetime.fromisoformat(text).timestamp()
    # A microsecond is what a double of that size still tells apart from its neighbours.
    assert told - 1e-6 <= time < told + 0.001 + 1e-6
    assert len(text) == len("2026-01-01T00:00:00.000Z")


def test_no_end_is_no_time() -> None:
    assert write_time(math.inf) is None
