"""Names that are answered here and asked nowhere (RFC 6761, 6303, 7793, 7686)."""

from ipaddress import ip_address

import pytest

from dnsregistry.zone.authority import Authority
from dnsregistry.zone.locals import EMPTY_ORIGINS, EmptyZone, local_zones
from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType

SOA = "{0} 10800 IN SOA {0} nobody.invalid. 1 3600 1200 604800 10800"


def _ask(zones: list[EmptyZone], text: str, rtype: int = 12) -> Lookup:
    return Authority(zones).lookup(Name.from_text(text), rtype, 0.0)


def _found(text: str, rtype: int) -> list[str]:
    lookup = _ask(local_zones(), text, rtype)
    assert isinstance(lookup, Found), lookup
    return lookup.rrset.lines()


@pytest.mark.parametrize("name", ["localhost.", "a.localhost.", "_x.y.localhost."])
def test_localhost_and_all_below_it_are_loopback(name: str) -> None:
    assert _found(name, RRType.A) == [f"{name} 10800 IN A 127.0.0.1"]
    assert _found(name, RRType.AAAA) == [f"{name} 10800 IN AAAA ::1"]
    nodata = _ask(local_zones(), name, RRType.TXT)
    assert isinstance(nodata, NoData)
    assert nodata.soa.lines() == [SOA.format("localhost.")]


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.1",
        "192.168.1.1",
        "127.0.0.1",
        "0.0.0.0",
        "169.254.7.7",
        "192.0.2.3",
        "198.51.100.3",
        "203.0.113.3",
        "100.64.0.1",
        "100.127.255.1",
        "fd00::1",
        "fe80::1",
        "fe9f::1",
        "feaf::1",
        "febf::1",
        "2001:db8::1",
    ],
)
def test_reverse_names_of_private_addresses_do_not_exist(address: str) -> None:
    lookup = _ask(local_zones(), ip_address(address).reverse_pointer)
    assert isinstance(lookup, NoName)
    assert lookup.soa.lines() == [SOA.format(lookup.soa.owner)]


@pytest.mark.parametrize("address", ["255.255.255.255", "::", "::1"])
def test_single_addresses_are_zones_of_their_own(address: str) -> None:
    origin = ip_address(address).reverse_pointer
    assert isinstance(_ask(local_zones(), origin), NoData)
    assert _found(origin, RRType.SOA) == [SOA.format(f"{origin}.")]


@pytest.mark.parametrize(
    "address",
    [
        "9.9.9.9",
        "11.0.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "192.167.1.1",
        "100.63.0.1",
        "100.128.0.1",
        "169.253.0.1",
        "255.255.255.254",
        "fc00::1",
        "fec0::1",
        "fe7f::1",
        "2001:db9::1",
        "::2",
    ],
)
def test_reverse_names_of_other_addresses_are_not_ours(address: str) -> None:
    assert _ask(local_zones(), ip_address(address).reverse_pointer) == NotOurs()


@pytest.mark.parametrize("text", ["a.invalid", "a.b.invalid", "x.onion"])
def test_names_that_nobody_has_do_not_exist(text: str) -> None:
    assert isinstance(_ask(local_zones(), text, RRType.A), NoName)


@pytest.mark.parametrize(
    "text", ["www.test", "example.com", "arpa", "in-addr.arpa", "172.in-addr.arpa", "."]
)
def test_other_names_are_not_ours(text: str) -> None:
    assert _ask(local_zones(), text, RRType.A) == NotOurs()


@pytest.mark.parametrize("origin", EMPTY_ORIGINS)
def test_every_empty_zone_has_an_apex(origin: str) -> None:
    name = str(Name.from_text(origin))
    assert _found(origin, RRType.SOA) == [SOA.format(name)]
    assert _found(origin, RRType.NS) == [f"{name} 10800 IN NS {name}"]
    apex = _ask(local_zones(), origin, RRType.A)
    assert isinstance(apex, NoData)
    assert apex.soa.lines() == [SOA.format(name)]


def test_no_origin_is_named_twice_or_under_another() -> None:
    names = [Name.from_text(origin) for origin in EMPTY_ORIGINS]
    for name in names:
        assert [other for other in names if name.relative_to(other) is not None] == [name]


def test_a_zone_at_or_under_what_is_known_elsewhere_is_left_out() -> None:
    zones = local_zones([Name.from_text("10.in-addr.arpa"), Name.from_text("ip6.arpa")])
    assert _ask(zones, "1.0.0.10.in-addr.arpa") == NotOurs()
    assert _ask(zones, ip_address("fd00::1").reverse_pointer) == NotOurs()
    assert isinstance(_ask(zones, "1.1.168.192.in-addr.arpa"), NoName)


def test_a_zone_above_what_is_known_elsewhere_has_a_hole_there() -> None:
    zones = local_zones([Name.from_text("1.20.10.in-addr.arpa")])
    assert _ask(zones, "1.20.10.in-addr.arpa") == NotOurs()
    assert _ask(zones, "7.1.20.10.in-addr.arpa") == NotOurs()
    assert isinstance(_ask(zones, "7.2.20.10.in-addr.arpa"), NoName)
    # What lies between is there, since something is below it (RFC 8020).
    assert isinstance(_ask(zones, "20.10.in-addr.arpa"), NoData)


def test_a_zone_asked_about_another_name_says_so() -> None:
    zone = EmptyZone(Name.from_text("invalid"))
    assert zone.lookup(Name.from_text("example"), RRType.A, 0.0) == NotOurs()
