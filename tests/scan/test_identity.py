"""What an answer may say, and what is made of it."""

import json
from contextlib import suppress
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.scan.identity import SCANNED, NoIdentity, make_instance, read_identity
from dnsregistry.scan.ranges import Target

TARGET = Target(ip_address("192.168.1.10"), 8080)
DOCUMENTED = {
    "service_type": "coordinator",
    "service_id": "coordinator_192.168.1.10_8080",
    "metadata": {"host": "192.168.1.10", "port": 8080, "total_clients": 5},
}


def test_the_documented_answer_is_an_instance_at_the_address_that_was_asked() -> None:
    instance = make_instance(read_identity(json.dumps(DOCUMENTED).encode()), TARGET, 75)
    assert instance.id == "coordinator_192.168.1.10_8080"
    assert instance.service == "coordinator"
    assert instance.endpoints == ((ip_address("192.168.1.10"), 8080),)
    assert instance.metadata == DOCUMENTED["metadata"]
    assert instance.tags == (SCANNED,)
    assert instance.ttl == 75
    assert instance.weight == 1


def test_an_answer_speaks_for_no_other_address() -> None:
    claims = {**DOCUMENTED, "metadata": {"host": "10.0.0.1", "port": 22}, "host": "10.0.0.1"}
    instance = make_instance(read_identity(json.dumps(claims).encode()), TARGET, 75)
    assert instance.endpoints == ((TARGET.address, 8080),)


def test_several_ports_and_a_weight_are_taken_in() -> None:
    more = {**DOCUMENTED, "ports": {"metrics": 9100, "admin": 9200}, "weight": 20}
    instance = make_instance(read_identity(json.dumps(more).encode()), TARGET, 75)
    assert dict(instance.ports) == {"metrics": 9100, "admin": 9200}
    assert instance.weight == 20


def test_without_an_id_one_is_made_of_type_address_and_port() -> None:
    instance = make_instance(read_identity(b'{"service_type": "gateway"}'), TARGET, 75)
    assert instance.id == "gateway_192.168.1.10_8080"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "no JSON"),
        (b"[1]", "no JSON object"),
        (b'{"service_type": NaN}', "no JSON"),
        (b'{"service_type": "a", "metadata": {"x": 1e999}}', "no JSON"),
        (b'{"service_type": "a", "metadata": {"x": "\\ud800"}}', "no JSON"),
        (b'{"service_type": "\xff"}', "no JSON"),
        (b'{"service_type": ' + b"9" * 5000 + b"}", "no JSON"),
        (b'{"a":' * 3000 + b"1" + b"}" * 3000, "no JSON|service_type is missing"),
        (b"{}", "service_type is missing"),
        (b'{"service_type": 5}', "service_type must be text"),
        (b'{"service_type": "a", "service_id": []}', None),
        (b'{"service_type": "a", "service_id": 7}', "service_id must be text"),
        (b'{"service_type": "a", "metadata": [1]}', "metadata must be an object"),
        (b'{"service_type": "a", "weight": true}', "weight must be a whole number"),
        (b'{"service_type": "a", "weight": -1}', "weight: -1 is not between"),
        (b'{"service_type": "a", "ports": {"m": "9"}}', r"ports\.m must be a whole number"),
        (b'{"service_type": "a", "ports": {"m": 0}}', r"ports\.m: 0 is not between"),
        (b'{"service_type": "a b"}', "service_type: 'a b_192.168.1.10_8080' may"),
        (b'{"service_type": "cap"}', "service_type: 'cap' is a name of the zone"),
        (b'{"service_type": "a", "service_id": "x y"}', "service_id: 'x y' may hold only"),
        (b'{"service_type": "a", "service_id": "' + b"x" * 64 + b'"}', "service_id: has 64"),
        (b'{"service_type": "a", "metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 41, "deeper"),
        (b'{"service_type": "a", "metadata": {"a": "' + b"x" * 17000 + b'"}}', "17008 octets"),
    ],
)
def test_what_cannot_be_registered_is_told_with_the_name_and_the_rule(
    answer: bytes, reason: str | None
) -> None:
    if reason is None:
        make_instance(read_identity(answer), TARGET, 75)
        return
    with pytest.raises(NoIdentity, match=reason):
        make_instance(read_identity(answer), TARGET, 75)


@given(st.binary(max_size=200) | st.from_regex(rb"\{.*\}", fullmatch=True))
def test_no_octets_raise_anything_else(octets: bytes) -> None:
    with suppress(NoIdentity):
        make_instance(read_identity(octets), TARGET, 75)


@given(
    st.dictionaries(
        st.sampled_from(["service_type", "service_id", "metadata", "ports", "weight"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=70) | st.floats(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_no_object_raises_anything_else(answer: dict[str, object]) -> None:
    with suppress(NoIdentity):
        instance = make_instance(read_identity(json.dumps(answer).encode()), TARGET, 75)
        json.dumps(instance.metadata, allow_nan=False).encode()
