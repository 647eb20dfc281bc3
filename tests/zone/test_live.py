"""What each owner name answers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations
from typing import TYPE_CHECKING

import pytest

from dnsregistry.registry.names import host_label
from dnsregistry.zone.lookup import Found, NoData, NoName

if TYPE_CHECKING:
    from tests.zone.conftest import House

LONG_ID = "user-service-7d9c6b5f4-x2x9z"


def test_the_service_name_answers_every_instance_with_its_address(users: House) -> None:
    assert users.lines("_user-service._tcp", "SRV") == [
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i1.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8081 i2.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i3.i.registry.local.",
    ]
    assert users.additional("_user-service._tcp") == [
        "i1.i.registry.local. 5 IN A 10.0.0.1",
        "i2.i.registry.local. 5 IN A 10.0.0.1",
        "i3.i.registry.local. 5 IN A 10.0.0.2",
    ]


def test_the_plain_name_answers_each_address_once(users: House) -> None:
    assert users.lines("user-service", "A") == [
        "user-service.registry.local. 5 IN A 10.0.0.1",
        "user-service.registry.local. 5 IN A 10.0.0.2",
    ]
    assert users.data("user-service", "SRV") == users.data("_user-service._tcp", "SRV")
    assert users.additional("user-service") == users.additional("_user-service._tcp")
    assert users.says("user-service", "AAAA") == "NoData"


def test_case_does_not_matter(users: House) -> None:
    assert users.lines("USER-Service", "A") == users.lines("user-service", "A")
    assert users.lines("_User-SERVICE._TCP.Registry.Local.", "SRV") == users.lines(
        "_user-service._tcp", "SRV"
    )


def test_a_protocol_has_a_name_of_its_own(house: House) -> None:
    house.add("t", port=53)
    house.add("u", port=54, protocol="udp")
    assert house.data("_user-service._tcp", "SRV") == ["0 1 53 t.i.registry.local."]
    assert house.data("_user-service._udp", "SRV") == ["0 1 54 u.i.registry.local."]
    assert len(house.data("user-service", "SRV")) == 2


@pytest.mark.parametrize("field", ["tags", "capabilities"])
def test_a_tag_or_capability_narrows_the_service(house: House, field: str) -> None:
    house.add("new", address="10.0.0.2", **{field: ["V1"]})
    house.add("old", address="10.0.0.1")
    house.add("other", service="task-service", address="10.0.0.3", **{field: ["v1"]})
    assert house.lines("v1.user-service", "A") == [
        "v1.user-service.registry.local. 5 IN A 10.0.0.2"
    ]
    assert house.data("V1.user-service", "SRV") == ["0 1 8080 new.i.registry.local."]
    assert house.says("v2.user-service", "A") == "NoName"
    assert house.says("v1.unknown", "A") == "NoName"


def test_a_capability_gathers_instances_of_any_service(house: House) -> None:
    house.add("a", capabilities=["Greet"])
    house.add("b", service="task-service", address="10.0.0.2", capabilities=["greet"])
    house.add("c", service="task-service", address="10.0.0.3", tags=["greet"])
    house.add("d", address="10.0.0.4", protocol="udp", capabilities=["greet"])
    assert house.data("greet.cap", "A") == ["10.0.0.1", "10.0.0.2", "10.0.0.4"]
    assert len(house.data("greet.cap", "SRV")) == 3
    assert house.data("_greet._tcp.cap", "SRV") == [
        "0 1 8080 a.i.registry.local.",
        "0 1 8080 b.i.registry.local.",
    ]
    assert house.data("_greet._udp.cap", "SRV") == ["0 1 8080 d.i.registry.local."]
    assert house.additional("_greet._udp.cap") == ["d.i.registry.local. 5 IN A 10.0.0.4"]
    assert house.says("_unknown._tcp.cap", "SRV") == "NoName"


def test_a_named_port_is_found_by_its_name(house: House) -> None:
    house.add("a", ports={"HTTP": 80, "grpc": 90})
    house.add("b", address="10.0.0.2", ports={"http": 81})
    house.add("c", address="10.0.0.3", ports={"http": 82}, protocol="udp")
    house.add("d", address="10.0.0.4")
    assert house.data("_http._tcp.user-service", "SRV") == [
        "0 1 80 a.i.registry.local.",
        "0 1 81 b.i.registry.local.",
    ]
    assert house.additional("_grpc._tcp.user-service") == ["a.i.registry.local. 5 IN A 10.0.0.1"]
    assert house.data("_http._udp.user-service", "SRV") == ["0 1 82 c.i.registry.local."]
    assert house.says("_http._tcp.user-service", "A") == "NoData"
    assert house.says("_grpc._udp.user-service", "SRV") == "NoName"
    assert house.says("_tcp.user-service", "SRV") == "NoData"


def test_the_name_above_named_ports_is_there_only_with_them(house: House) -> None:
    house.add("a")
    house.add("b", address="10.0.0.2", ports={"http": 80}, protocol="udp")
    assert house.says("_tcp.user-service", "A") == "NoName"
    assert house.says("_udp.user-service", "A") == "NoData"


@pytest.mark.parametrize("instance_id", ["i1", "WEB-1", "web.1", "under_score", LONG_ID])
def test_a_host_name_answers_one_instance(house: House, instance_id: str) -> None:
    house.add(instance_id, address=["10.0.0.1", "2001:db8::1"])
    house.add("another", address="10.0.0.2")
    host = f"{host_label(instance_id)}.i"
    assert house.data(host, "A") == ["10.0.0.1"]
    assert house.data(host, "AAAA") == ["2001:db8::1"]
    assert house.says(host, "SRV") == "NoData"
    assert house.data("user-service", "SRV")[0] == f"0 1 8080 {host}.registry.local."


def test_an_id_that_is_not_its_host_label_is_no_host(house: House) -> None:
    house.add(LONG_ID)
    assert house.says(f"{LONG_ID}.i", "A") == "NoName"


def test_the_apex_has_soa_and_name_server(house: House) -> None:
    assert house.lines("", "NS") == ["registry.local. 5 IN NS ns1.registry.local."]
    assert house.lines("", "SOA") == [
        "registry.local. 1 IN SOA ns1.registry.local. hostmaster.registry.local. 7 60 15 86400 1"
    ]
    lookup = house.ask("", "NS")
    assert isinstance(lookup, Found)
    (glue,) = lookup.additional.values()
    assert [line for rrset in glue for line in rrset.lines()] == [
        "ns1.registry.local. 5 IN A 127.0.0.1",
        "ns1.registry.local. 5 IN AAAA ::1",
    ]
    assert house.says("", "A") == "NoData"
    assert house.says("", "SRV") == "NoData"


def test_the_name_server_has_its_glue(house: House) -> None:
    assert house.lines("ns1", "A") == ["ns1.registry.local. 5 IN A 127.0.0.1"]
    assert house.lines("ns1", "AAAA") == ["ns1.registry.local. 5 IN AAAA ::1"]
    assert house.says("ns1", "SOA") == "NoData"


def test_a_name_server_of_one_family_denies_the_other(build: Callable[..., House]) -> None:
    house = build(name_server=("192.0.2.1", "192.0.2.2"))
    assert house.data("ns1", "A") == ["192.0.2.1", "192.0.2.2"]
    assert house.says("ns1", "AAAA") == "NoData"


@pytest.mark.parametrize("name", ["_tcp", "_udp", "i", "cap", "_tcp.cap", "_udp.cap"])
def test_an_empty_branch_is_there_without_data(house: House, name: str) -> None:
    for rtype in ("A", "SRV", "SOA", "NS", "TYPE65280"):
        assert house.says(name, rtype) == "NoData"


@pytest.mark.parametrize(
    "name",
    [
        "unknown",
        "_unknown._tcp",
        "_user-service",
        "user-service._tcp",
        "unknown.i",
        "unknown.cap",
        "x.ns1",
        "x.i1.i",
        "www.example.com",
        "a.b.c.d.e",
        "caf\\233",
        "_tcp._tcp._tcp",
        "_sctp",
    ],
)
def test_a_name_that_is_not_there_is_denied_with_the_soa(users: House, name: str) -> None:
    for rtype in ("A", "SRV", "SOA", "ANY"):
        lookup = users.ask(name, rtype)
        assert isinstance(lookup, NoName)
        assert lookup.soa == users.zone.soa()


@pytest.mark.parametrize("rtype", ["MX", "HINFO", "TYPE65280", "SOA", "NS", "CNAME"])
def test_a_type_that_is_not_there_is_denied_with_the_soa(users: House, rtype: str) -> None:
    for name in ("user-service", "_user-service._tcp", "i1.i"):
        lookup = users.ask(name, rtype)
        assert isinstance(lookup, NoData)
        assert lookup.soa == users.zone.soa()


@pytest.mark.parametrize("name", [".", "local.", "example.org.", "xregistry.local."])
def test_a_name_outside_is_not_ours(users: House, name: str) -> None:
    assert users.says(name, "A") == "NotOurs"


def test_the_root_can_be_the_origin(build: Callable[..., House]) -> None:
    house = build(origin=".")
    house.add("i1")
    assert house.lines("user-service.", "A") == ["user-service. 5 IN A 10.0.0.1"]
    assert house.lines(".", "NS") == [". 5 IN NS ns1."]


def test_a_dual_stack_instance_answers_both_families(house: House) -> None:
    house.add("a", address=["10.0.0.1", "2001:db8::1", "10.0.0.2"])
    assert house.data("user-service", "A") == ["10.0.0.1", "10.0.0.2"]
    assert house.data("user-service", "AAAA") == ["2001:db8::1"]
    assert house.data("user-service", "SRV") == ["0 1 8080 a.i.registry.local."]
    assert house.additional("user-service") == [
        "a.i.registry.local. 5 IN A 10.0.0.1",
        "a.i.registry.local. 5 IN A 10.0.0.2",
        "a.i.registry.local. 5 IN AAAA 2001:db8::1",
    ]


def test_an_ipv6_service_denies_ipv4(house: House) -> None:
    house.add("a", address="2001:db8::1")
    assert house.data("user-service", "AAAA") == ["2001:db8::1"]
    assert house.says("user-service", "A") == "NoData"
    assert house.says("a.i", "A") == "NoData"


def test_the_same_address_and_port_stands_once(house: House) -> None:
    house.add("a", address="10.0.0.1")
    house.add("b", address="10.0.0.1")
    house.add("c", address=["10.0.0.1", "10.0.0.2"])
    house.add("d", address="10.0.0.1", port=9090)
    assert house.data("user-service", "SRV") == [
        "0 1 8080 c.i.registry.local.",  # it is also reached elsewhere
        "0 1 9090 d.i.registry.local.",
    ]
    assert house.data("user-service", "A") == ["10.0.0.1", "10.0.0.2"]
    assert house.data("b.i", "A") == ["10.0.0.1"]


def test_of_those_at_one_address_and_port_the_best_stands_whatever_came_first(
    build: Callable[..., House],
) -> None:
    """Runs and nodes hold them in orders of their own, and answer the same."""
    described: dict[str, dict[str, object]] = {
        "b": {"priority": 1, "weight": 3},
        "c": {"priority": 1, "weight": 5},
        "a": {"priority": 2, "weight": 7},
    }
    for order in permutations(described):
        house = build()
        for added in order:
            house.add(added, **described[added])
        for updated in order:
            assert house.data("_user-service._tcp", "SRV") == ["1 3 8080 b.i.registry.local."]
            house.add(updated, **described[updated], metadata={"seen": "again"})


def test_a_named_port_shared_at_one_address_stands_once(house: House) -> None:
    house.add("a", port=1, ports={"http": 80, "admin": 90})
    house.add("b", port=2, ports={"http": 80, "admin": 91})
    assert house.data("_http._tcp.user-service", "SRV") == ["0 1 80 a.i.registry.local."]
    assert len(house.data("_admin._tcp.user-service", "SRV")) == 2


def test_priority_and_weight_pass_unchanged(house: House) -> None:
    house.add("a", priority=0, weight=65535)
    house.add("b", address="10.0.0.2", priority=65535, weight=0)
    assert house.data("user-service", "SRV") == [
        "0 65535 8080 a.i.registry.local.",
        "65535 0 8080 b.i.registry.local.",
    ]
    assert house.found("user-service", "SRV").preferences == ((0, 65535), (65535, 0))


def test_a_shared_address_prefers_the_best_priority_and_adds_its_weights(house: House) -> None:
    house.add("a", port=1, priority=5, weight=7)
    house.add("b", port=2, priority=1, weight=2)
    house.add("c", port=3, priority=1, weight=3)
    house.add("d", port=4, priority=9, weight=9)
    assert house.found("user-service", "A").preferences == ((1, 5),)


def test_a_single_host_name_is_an_alias(house: House) -> None:
    house.add("a", address="Api.Example.org.", port=3000)
    for name in ("user-service", "a.i"):
        for rtype in ("A", "AAAA", "SRV", "TXT", "CNAME", "MX"):
            assert house.lines(name, rtype) == [
                f"{name}.registry.local. 5 IN CNAME api.example.org."
            ]
    assert house.data("_user-service._tcp", "SRV") == ["0 1 3000 api.example.org."]
    assert house.additional("_user-service._tcp") == []
    assert house.says("_user-service._tcp", "A") == "NoData"


def test_several_host_names_are_no_alias(house: House) -> None:
    house.add("a", address="a.example.org")
    house.add("b", address="b.example.org")
    house.add("c", address="b.example.org")
    for rtype in ("A", "AAAA", "CNAME"):
        assert house.says("user-service", rtype) == "NoData"
    assert house.data("user-service", "SRV") == [
        "0 1 8080 a.example.org.",
        "0 1 8080 b.example.org.",
    ]


def test_an_address_stands_alone_beside_host_names(house: House) -> None:
    house.add("a", address="api.example.org")
    house.add("b", address="10.0.0.2")
    assert house.data("user-service", "A") == ["10.0.0.2"]
    assert house.says("user-service", "CNAME") == "NoData"
    assert house.data("user-service", "SRV") == [
        "0 1 8080 b.i.registry.local.",
        "0 1 8080 api.example.org.",
    ]
    assert house.additional("user-service") == ["b.i.registry.local. 5 IN A 10.0.0.2"]
    house.registry.revoke("b", house.now)
    assert house.lines("user-service", "A") == [
        "user-service.registry.local. 5 IN CNAME api.example.org."
    ]


def test_a_host_name_of_four_letters_is_not_the_address_of_its_octets(house: House) -> None:
    house.add("a", address="abcd")
    house.add("b", address="97.98.99.100")
    assert house.data("user-service", "SRV") == ["0 1 8080 b.i.registry.local.", "0 1 8080 abcd."]


def test_an_instance_knows_its_names(house: House) -> None:
    instance = house.add("web.1", tags=["v1"], capabilities=["Greet"], ports={"http": 80})
    names = house.zone.names_of(instance)
    assert names == [
        "user-service.registry.local",
        "_user-service._tcp.registry.local",
        f"{host_label('web.1')}.i.registry.local",
        "web\\.1._user-service._tcp.registry.local",
        *(
            name
            for label in instance.labels
            for name in (
                f"{label}.user-service.registry.local",
                f"{label}._sub._user-service._tcp.registry.local",
            )
        ),
        "_http._tcp.user-service.registry.local",
        "greet.cap.registry.local",
        "_greet._tcp.cap.registry.local",
    ]
    for name in names:
        assert "Found" in {house.says(f"{name}.", rtype) for rtype in ("A", "SRV", "PTR")}


def test_only_names_that_exist_are_kept(users: House) -> None:
    users.add("short", service="task-service", ttl=2)
    for name in ("user-service", "_user-service._tcp", "i1.i", "task-service"):
        assert users.says(name, "SRV") != "NoName"
    kept = len(users.zone._nodes)
    assert kept == 4
    for place in range(1000):
        assert users.says(f"unknown-{place}", "A") == "NoName"
        assert users.says(f"_u{place}._tcp", "SRV") == "NoName"
    assert len(users.zone._nodes) == kept
    users.now += 2
    assert users.says("task-service", "A") == "NoName"
    assert len(users.zone._nodes) == kept - 1
