"""The door: the canonical form of what is admitted, and the one fault of what is not."""

import dataclasses
import math
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import (
    LONGEST_TTL,
    METADATA_OCTETS,
    MOST_METADATA,
    MOST_VERSION,
    admit,
)
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance, Status

Make = Callable[..., Instance]


def test_an_instance_of_which_little_is_said_has_the_defaults() -> None:
    assert admit(id="a", service="web", address="10.0.0.1", port=80) == Instance(
        id="a",
        service="web",
        protocol="tcp",
        addresses=(ip_address("10.0.0.1"),),
        host=None,
        port=80,
        ports=(),
        priority=0,
        weight=1,
        tags=(),
        capabilities=(),
        metadata={},
        version=None,
        ttl=None,
        status=Status.HEALTHY,
    )


def test_an_instance_of_which_all_is_said_is_in_canonical_form() -> None:
    admitted = admit(
        id="Web-1",
        service="User-Service",
        address=["2001:DB8:0::1", "10.0.0.1", "2001:db8::1"],
        port=65535,
        protocol="udp",
        ports={"HTTP": 80, "grpc": 1},
        priority=65535,
        weight=0,
        tags=iter(["V1", "v1", "edge"]),
        capabilities=["Greet", "greet", "v1"],
        metadata={"rack": 7},
        version="1.0",
        ttl=30,
        status=Status.DRAINING,
    )
    assert admitted == Instance(
        id="Web-1",
        service="user-service",
        protocol="udp",
        addresses=(ip_address("2001:db8::1"), ip_address("10.0.0.1")),
        host=None,
        port=65535,
        ports=(("http", 80), ("grpc", 1)),
        priority=65535,
        weight=0,
        tags=("V1", "edge"),
        capabilities=("Greet", "v1"),
        metadata={"rack": 7},
        version="1.0",
        ttl=30.0,
        status=Status.DRAINING,
    )
    assert isinstance(admitted.ttl, float)
    assert admitted.labels == {"v1", "edge", "greet"}
    assert admitted.endpoints == (
        (ip_address("2001:db8::1"), 65535),
        (ip_address("10.0.0.1"), 65535),
    )


def test_a_host_name_stands_in_place_of_addresses(make: Make) -> None:
    admitted = make(address="Api.Example.org.")
    assert (admitted.addresses, admitted.host) == ((), "api.example.org")
    assert admitted.endpoints == (("api.example.org", 80),)
    assert make(address=["api.example.org"]) == admitted


@pytest.mark.parametrize(
    "fields",
    [
        {"port": 1},
        {"port": 65535},
        {"priority": 0},
        {"weight": 65535},
        {"ttl": 1},
        {"ttl": LONGEST_TTL},
        {"ttl": None},
        {"ports": {}},
        {"ports": {f"p{n}": 1 + n for n in range(64)}},
        {"ports": {"x" * 62: 65535}},
        {"tags": ["x" * 63]},
        {"tags": [f"t{n}" for n in range(64)]},
        {"tags": ["v1", "V1"] * 100},
        {"tags": [f"t{n}" for n in range(32)], "capabilities": [f"t{n}" for n in range(32)]},
        {"address": [f"10.0.0.{n}" for n in range(1, 17)]},
        {"metadata": None},
    ],
)
def test_a_field_at_its_bound_is_admitted(make: Make, fields: dict[str, Any]) -> None:
    admitted = make(**fields)
    for name in fields.keys() & {"port", "priority", "weight", "ttl"}:
        assert getattr(admitted, name) == fields[name]


@pytest.mark.parametrize(
    ("fields", "field", "rule"),
    [
        ({"id": ""}, "id", "is empty; leave it out to be given one"),
        ({"service": "cap"}, "service", "'cap' is a name of the zone itself; choose another"),
        ({"protocol": "sctp"}, "protocol", "'sctp' is not one of tcp, udp"),
        ({"protocol": "TCP"}, "protocol", "'TCP' is not one of tcp, udp"),
        ({"address": []}, "address", "is an empty list; at least one address is needed"),
        (
            {"address": [f"10.0.0.{n}" for n in range(1, 18)]},
            "address",
            "at most 16 addresses are allowed",
        ),
        (
            {"address": ["10.0.0.1", "0.0.0.0"]},
            "address",
            "'0.0.0.0' is no address that a client can connect to",
        ),
        *(
            (
                {"address": addresses},
                "address",
                "a host name stands alone, without other addresses",
            )
            for addresses in [["a.example", "10.0.0.1"], ["a.example", "a.example"]]
        ),
        ({"port": 0}, "port", "0 is not between 1 and 65535"),
        ({"port": 65536}, "port", "65536 is not between 1 and 65535"),
        ({"priority": -1}, "priority", "-1 is not between 0 and 65535"),
        ({"priority": 65536}, "priority", "65536 is not between 0 and 65535"),
        ({"weight": -1}, "weight", "-1 is not between 0 and 65535"),
        ({"weight": 65536}, "weight", "65536 is not between 0 and 65535"),
        ({"ports": {"HTTP": 0}}, "ports.http", "0 is not between 1 and 65535"),
        (
            {"ports": {"http": 80, "HTTP": 81}},
            "ports",
            "'http' is given twice; case does not matter",
        ),
        ({"ports": {"a.b": 80}}, "ports", "'a.b' holds a dot, which ends a DNS label"),
        (
            {"ports": {"x" * 63: 80}},
            "ports",
            f"{'x' * 63!r} has 63 octets; this label holds at most 62",
        ),
        (
            {"ports": {f"p{n}": 80 for n in range(65)}},
            "ports",
            "at most 64 named ports are allowed",
        ),
        ({"tags": ["ok", ""]}, "tags", "'' is empty"),
        (
            {"capabilities": ["a b"]},
            "capabilities",
            "'a b' may hold only letters, digits, hyphens and underscores",
        ),
        (
            {"capabilities": ["x" * 63]},
            "capabilities",
            f"{'x' * 63!r} has 63 octets; this label holds at most 62",
        ),
        (
            {"tags": [f"t{n}" for n in range(33)], "capabilities": [f"c{n}" for n in range(32)]},
            "tags",
            "at most 64 tags and capabilities are allowed",
        ),
        *(
            ({"ttl": ttl}, "ttl", f"{ttl} is not between 1 and 31536000 seconds; null means no end")
            for ttl in [0, -1, 0.999, 31_536_001, 31_536_000.5, math.inf, math.nan, 10**400]
        ),
    ],
)
def test_a_field_past_its_bound_is_refused_with_field_and_rule(
    make: Make, fields: dict[str, Any], field: str, rule: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        make(**fields)
    assert (refused.value.field, refused.value.rule) == (field, rule)


@given(st.from_type(Instance))
@settings(max_examples=100, deadline=None)
def test_admitting_what_was_admitted_changes_nothing(admitted: Instance) -> None:
    told = (field.name for field in dataclasses.fields(admitted) if field.init)
    fields = {name: getattr(admitted, name) for name in told}
    fields.pop("health")
    addresses, host = fields.pop("addresses"), fields.pop("host")
    fields["address"] = host or [str(address) for address in addresses]
    fields["ports"] = dict(fields["ports"])
    del fields["owner"]
    again = admit(**fields)
    assert again == admitted
    assert (again.endpoints, again.labels) == (admitted.endpoints, admitted.labels)


def test_a_version_has_a_largest_length(make: Make) -> None:
    largest = "\U0001f600" * MOST_VERSION
    assert make(version=largest).version == largest
    with pytest.raises(InvalidField) as caught:
        make(version=largest + "x")
    assert (caught.value.field, "255 characters" in caught.value.rule) == ("version", True)


def test_a_protocol_that_is_none_is_told_back_in_part(make: Make) -> None:
    with pytest.raises(InvalidField) as caught:
        make(protocol="x" * 100_000)
    assert len(caught.value.rule) < 200


def _metadata_of(octets: int) -> dict[str, object]:
    """Metadata whose JSON without spaces has so many octets; an ü has two."""
    rest = octets - len('{"a":"ü","b":[1,2]}'.encode())
    return {"a": "ü" + "x" * rest, "b": [1, 2]}


def test_metadata_has_a_largest_size_in_octets_of_json(make: Make) -> None:
    largest = _metadata_of(METADATA_OCTETS)
    assert make(metadata=largest).metadata == largest
    with pytest.raises(InvalidField) as refused:
        make(metadata=_metadata_of(METADATA_OCTETS + 1))
    assert refused.value.field == "metadata"
    assert refused.value.rule == "has 16385 octets as JSON; at most 16384 are allowed"


def test_metadata_has_a_largest_number_of_names(make: Make) -> None:
    names = [f"n{number}" for number in range(MOST_METADATA + 1)]
    assert make(metadata=dict.fromkeys(names[1:])).metadata.keys() == set(names[1:])
    with pytest.raises(InvalidField) as refused:
        make(metadata=dict.fromkeys(names))
    assert (refused.value.field, refused.value.rule) == (
        "metadata",
        "at most 256 names are allowed",
    )


def test_metadata_that_is_no_unicode_is_measured_all_the_same(make: Make) -> None:
    assert make(metadata={"a": "\ud800"}).metadata == {"a": "\ud800"}
