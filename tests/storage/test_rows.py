"""A row holds all of a lease, and what is no row is told as such."""

import dataclasses
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.entry import Entry
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.storage import rows
from dnsregistry.storage.rows import Row, check_row, read_row, write_instance, write_row
from tests.storage.conftest import Make

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Half a surrogate pair is a string in Python, and may come with a dialect.
    | st.text(st.characters(exclude_categories=()), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
LABELS = st.lists(st.from_regex(r"[a-zA-Z0-9]{1,20}", fullmatch=True), max_size=3)
INSTANCES = st.builds(
    admit,
    id=st.from_regex(r"[!#-&(-.0-\[\]-^a-~]{3,63}", fullmatch=True),
    service=st.just("web"),
    address=st.lists(st.ip_addresses().map(str), min_size=1, max_size=3).filter(
        lambda texts: _is_admitted(texts)
    )
    | st.just("Db.Example.org."),
    port=st.integers(1, 65535),
    protocol=st.sampled_from(["tcp", "udp"]),
    ports=st.dictionaries(st.sampled_from(["http", "grpc"]), st.integers(1, 65535)),
    priority=st.integers(0, 65535),
    weight=st.integers(0, 65535),
    tags=LABELS,
    capabilities=LABELS,
    metadata=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    version=st.none() | st.text(max_size=5),
    ttl=st.none() | st.floats(1, 1e7),
    status=st.sampled_from(Status),
)
TIMES = st.floats(0, 1e10)


def _is_admitted(texts: list[str]) -> bool:
    try:
        admit(id="a", service="web", address=texts, port=1)
    except InvalidField:
        return False
    return True


@given(INSTANCES, st.integers(1), st.integers(1, 2**62 - 1), TIMES, TIMES)
def test_a_row_is_read_back_as_it_was_written(
    instance: Instance, sequence: int, revision: int, granted_at: float, renewed_at: float
) -> None:
    text = write_row(write_instance(instance), revision, granted_at, renewed_at)
    row = read_row(sequence, text)
    assert row == Row(Entry(instance, sequence, revision, granted_at), renewed_at)
    assert "\n" not in text
    check_row(row)


@given(JSON)
def test_what_is_no_row_is_a_value_error(value: object) -> None:
    texts = [json.dumps(value), json.dumps({"instance": value, "granted_at": 1, "revision": 1})]
    for text in texts:
        with pytest.raises(ValueError):
            read_row(1, text)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_metadata_that_is_no_json_is_refused(make: Make, number: float) -> None:
    with pytest.raises(InvalidField, match="metadata: cannot be written as JSON"):
        write_instance(make(metadata={"deep": [number]}))


@pytest.mark.parametrize(
    "change",
    [
        {"port": 0},
        {"port": "80"},
        {"service": "Web"},
        {"service": 7},
        {"id": "a b"},
        {"tags": ["a.b"]},
        {"ttl": 0.5},
        {"addresses": []},
        {"host": "db.example.org"},
        {"metadata": []},
        {"protocol": "sctp"},
    ],
)
def test_a_row_that_no_registration_comes_to_is_found(
    make: Make, change: Mapping[str, object]
) -> None:
    kept = json.loads(write_instance(make())) | change
    with pytest.raises((ValueError, TypeError, AttributeError, InvalidField)):
        check_row(read_row(1, json.dumps({"revision": 1, "granted_at": 1.0, "instance": kept})))


def test_every_field_of_an_instance_is_kept() -> None:
    """A field that is added to it has its place in the row too."""
    fields = {field.name for field in dataclasses.fields(Instance) if field.init}
    assert fields == rows.KEPT


@pytest.mark.parametrize("dump", [None, rows._dump])
def test_a_row_is_the_same_with_and_without_orjson(
    make: Make, monkeypatch: pytest.MonkeyPatch, dump: object
) -> None:
    monkeypatch.setattr(rows, "_dump", dump)
    instance = make(version="é\u2028", tags=["v1"], ports={"http": 80}, ttl=2.5)
    row = read_row(1, write_row(write_instance(instance), 1, 1.0, 1.0))
    assert row.entry.instance == instance
