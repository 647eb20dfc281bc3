"""Services as browsers see them (RFC 6763), and what metadata looks like in DNS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Status
from dnsregistry.zone.lookup import Found
from dnsregistry.zone.text import MOST_OCTETS, write_text

if TYPE_CHECKING:
    from tests.zone.conftest import House


def test_a_service_lists_its_instances(users: House) -> None:
    users.add("Web.1", address="10.0.0.9", metadata={"rack": "b"})
    assert users.data("_user-service._tcp", "PTR") == [
        "i1._user-service._tcp.registry.local.",
        "i2._user-service._tcp.registry.local.",
        "i3._user-service._tcp.registry.local.",
        "web\\.1._user-service._tcp.registry.local.",
    ]
    assert users.says("_user-service._udp", "PTR") == "NoName"


def test_what_is_listed_comes_along_and_is_there(users: House) -> None:
    lookup = users.ask("_user-service._tcp", "PTR")
    assert isinstance(lookup, Found)
    for rdata in lookup.rrset.rdatas:
        target = next(name for name in lookup.additional if str(name) == str(rdata))
        service, text, *addresses = lookup.additional[target]
        assert service == users.found(str(target), "SRV")
        assert text == users.found(str(target), "TXT")
        assert [rrset.rtype for rrset in addresses] == [1]


def test_an_instance_is_described_under_its_own_name(house: House) -> None:
    house.add("Web.1", metadata={"rack": "b", "beta": True}, version="1.2")
    name = "WEB\\.1._user-service._tcp"
    assert house.data(name, "TXT") == ['"version=1.2" "rack=b" "beta"']
    (service,) = house.data(name, "SRV")
    assert house.data("_user-service._tcp", "SRV") == [service]
    host = service.split()[3]
    assert house.data(host, "TXT") == house.data(name, "TXT")
    assert house.data(host, "A") == ["10.0.0.1"]
    assert house.says(name, "A") == "NoData"
    for other in ("web\\.1._other._tcp", "web\\.1._user-service._udp", "x._user-service._tcp"):
        assert house.says(other, "SRV") == "NoName"


@pytest.mark.parametrize("status", [Status.DRAINING, Status.MAINTENANCE])
def test_what_is_out_of_service_is_not_listed(users: House, status: Status) -> None:
    users.registry.set_status("i1", status, users.now)
    assert len(users.data("_user-service._tcp", "PTR")) == 2
    for rtype in ("SRV", "TXT"):
        assert users.says("i1._user-service._tcp", rtype) == "NoData"


def test_a_listed_lease_ends_at_its_deadline(house: House) -> None:
    house.add("a", ttl=2, tags=["v1"])
    names = ("_user-service._tcp", "v1._sub._user-service._tcp", "_services._dns-sd._udp")
    for name in names:
        assert len(house.data(name, "PTR")) == 1
    house.now += 2
    assert [house.says(name, "PTR") for name in names] == ["NoName", "NoName", "NoData"]
    assert house.says("a._user-service._tcp", "SRV") == "NoName"
    assert house.says("_sub._user-service._tcp", "PTR") == "NoName"


def test_the_types_of_service_are_listed_once(users: House) -> None:
    users.add("u", service="task-service", protocol="udp")
    users.add("d", service="old-service", status=Status.DRAINING)
    assert users.data("_services._dns-sd._udp", "PTR") == [
        "_task-service._udp.registry.local.",
        "_user-service._tcp.registry.local.",
    ]
    assert users.says("_dns-sd._udp", "PTR") == "NoData"


def test_no_type_of_service_is_no_data(house: House) -> None:
    assert house.says("_services._dns-sd._udp", "PTR") == "NoData"


def test_a_type_is_listed_whichever_of_its_many_instances_is_well(house: House) -> None:
    types = "_services._dns-sd._udp"
    for number in range(40):
        house.add(f"i{number}", address="10.0.0.2", status=Status.DRAINING)
    assert house.says(types, "PTR") == "NoData"
    house.add("last", address="10.0.0.3")
    assert house.data(types, "PTR") == ["_user-service._tcp.registry.local."]


def test_the_types_are_looked_for_again_only_when_one_may_be_gone(house: House) -> None:
    types = "_services._dns-sd._udp"
    house.add("a", ttl=4)
    house.add("b", address="10.0.0.2", ttl=30)
    house.add("c", service="task-service", address="10.0.0.3", ttl=20)
    first = house.found(types, "PTR")
    assert first.ttl == 5
    # The first lease of a type ends, and others of it are left.
    house.now += 14.5
    assert house.found(types, "PTR") is first
    house.now += 1.5
    assert house.found(types, "PTR").ttl == 4
    house.registry.renew("c", house.now)
    house.now += 3.5
    assert house.found(types, "PTR").ttl == 5
    house.registry.revoke("b", house.now)
    house.now += 0.25
    assert house.data(types, "PTR") == ["_task-service._tcp.registry.local."]
    house.add("e", service="extra", address="10.0.0.4")
    assert len(house.data(types, "PTR")) == 2


def test_a_subtype_lists_those_with_the_label(house: House) -> None:
    house.add("a", tags=["V1"])
    house.add("b", address="10.0.0.2", capabilities=["greet"])
    house.add("c", address="10.0.0.3", tags=["v1"], protocol="udp")
    assert house.data("v1._sub._user-service._tcp", "PTR") == [
        "a._user-service._tcp.registry.local."
    ]
    assert house.data("greet._sub._user-service._tcp", "PTR") == [
        "b._user-service._tcp.registry.local."
    ]
    assert house.says("_sub._user-service._tcp", "PTR") == "NoData"
    assert house.says("v2._sub._user-service._tcp", "PTR") == "NoName"
    assert house.says("_sub._other._tcp", "PTR") == "NoName"


def _text(metadata: dict[str, object], version: str | None = None) -> list[str]:
    instance = admit(
        id="a", service="s", address="10.0.0.1", port=1, metadata=metadata, version=version
    )
    return [string.decode() for string in write_text(instance)]


@pytest.mark.parametrize(
    ("metadata", "strings"),
    [
        ({}, [""]),
        ({"a": "b", "c": ""}, ["a=b", "c="]),
        ({"on": True, "off": False, "none": None}, ["on"]),
        (
            {"n": 1, "f": 1.5, "l": [1, 2], "d": {"x": "y"}},
            ["n=1", "f=1.5", "l=[1,2]", 'd={"x":"y"}'],
        ),
        ({"a b": "é"}, ["a b=é"]),
        ({"": "x", "a=b": "x", "é": "x", "a\n": "x"}, [""]),
        ({"k": "1", "K": "2"}, ["k=1"]),
        ({"k": "x" * 253, "l": "x" * 254}, ["k=" + "x" * 253]),
        ({"Version": "mine"}, ["Version=mine"]),
    ],
)
def test_metadata_is_written_as_pairs(metadata: dict[str, object], strings: list[str]) -> None:
    assert _text(metadata) == strings


def test_the_version_stands_first_unless_metadata_has_one() -> None:
    assert _text({"a": "b"}, "1.0") == ["version=1.0", "a=b"]
    assert _text({"VERSION": "2"}, "1.0") == ["VERSION=2"]


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=300)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=40))
def test_any_metadata_makes_strings_that_dns_carries(metadata: dict[str, object]) -> None:
    instance = admit(id="a", service="s", address="10.0.0.1", port=1, metadata=metadata)
    strings = write_text(instance)
    assert strings
    assert all(len(string) <= 255 for string in strings)
    assert sum(len(string) + 1 for string in strings) <= MOST_OCTETS
    keys = [string.partition(b"=")[0].lower() for string in strings]
    assert len(set(keys)) == len(keys)
