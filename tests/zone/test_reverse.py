"""Reverse zones: which host has an address."""

from collections.abc import Callable
from ipaddress import ip_address, ip_network

import dns.rdatatype
import dns.reversename
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.instance import Status
from dnsregistry.registry.names import host_label
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName
from dnsregistry.zone.name import Name
from dnsregistry.zone.reverse import ReverseZones, reverse_name, reverse_origin
from tests.zone.conftest import House

V6 = "2001:db8::1"


class Reversed:
    """A house with reverse zones: the networks, or `auto`."""

    def __init__(self, house: House, *networks: str) -> None:
        self.house = house
        self.authority = Authority([house.zone])
        catalogue, soa = house.registry.catalogue, house.zone.soa
        self.zones = ReverseZones(self.authority, catalogue, house.policy, soa)
        if networks == ("auto",):
            self.zones.follow_addresses()
        else:
            self.zones.declare(map(ip_network, networks))
        house.registry.feed.subscribe(self.zones.apply)

    def ask(self, name: str, rtype: str = "PTR") -> Lookup:
        """Look up an address, or a name where it ends in `arpa`."""
        asked = Name.from_text(name) if "arpa" in name else reverse_name(ip_address(name))
        return self.authority.lookup(asked, dns.rdatatype.from_text(rtype), self.house.now)

    def lines(self, name: str, rtype: str = "PTR") -> list[str]:
        """The records that must be there."""
        lookup = self.ask(name, rtype)
        assert isinstance(lookup, Found), lookup
        return lookup.rrset.lines()

    def says(self, name: str, rtype: str = "PTR") -> str:
        """The kind of the answer."""
        return type(self.ask(name, rtype)).__name__


@pytest.fixture
def declared(house: House) -> Reversed:
    """Two networks of our own, without instances."""
    return Reversed(house, "10.0.0.0/24", "2001:db8::/64")


@pytest.fixture
def auto(house: House) -> Reversed:
    """Networks that follow the addresses."""
    return Reversed(house, "auto")


def test_an_address_answers_with_its_host(declared: Reversed) -> None:
    declared.house.add("a", address=["10.0.0.1", V6])
    assert declared.lines("10.0.0.1") == ["1.0.0.10.in-addr.arpa. 5 IN PTR a.i.registry.local."]
    six = "1" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa."
    assert declared.lines(V6) == [f"{six} 5 IN PTR a.i.registry.local."]


def test_every_host_of_an_address_is_told_and_leads_back(declared: Reversed) -> None:
    house = declared.house
    house.add("a")
    house.add("b", port=81)
    house.add("Web.1", service="task-service", address=["10.0.0.1", "10.0.0.2"])
    house.add("c", address="10.0.0.3")
    hosts = [line.split()[-1] for line in declared.lines("10.0.0.1")]
    assert hosts == [f"{host_label(i)}.i.registry.local." for i in ("a", "b", "Web.1")]
    assert all("10.0.0.1" in house.data(host, "A") for host in hosts)


@pytest.mark.parametrize("name", ["10.0.0.9", "2001:db8::9", "x.1.0.0.10.in-addr.arpa"])
def test_an_unknown_address_is_denied_with_the_soa_of_its_zone(
    declared: Reversed, name: str
) -> None:
    declared.house.add("a", address=["10.0.0.1", V6])
    for rtype in ("PTR", "A", "SOA"):
        lookup = declared.ask(name, rtype)
        assert isinstance(lookup, NoName)
        assert str(lookup.soa.owner) in (
            "0.0.10.in-addr.arpa.",
            "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
        )
        assert lookup.soa.rdatas == declared.house.zone.soa().rdatas


@pytest.mark.parametrize("rtype", ["A", "TXT", "SOA", "NS", "TYPE65280"])
def test_a_known_address_has_no_other_type(declared: Reversed, rtype: str) -> None:
    declared.house.add("a", address=["10.0.0.1", V6])
    for address in ("10.0.0.1", V6):
        lookup = declared.ask(address, rtype)
        assert isinstance(lookup, NoData)
        assert lookup.soa.owner != declared.house.zone.soa().owner


def test_the_apex_of_a_reverse_zone_has_soa_and_name_server(declared: Reversed) -> None:
    apex = "0.0.10.in-addr.arpa."
    assert declared.lines(apex, "SOA") == [
        f"{apex} 1 IN SOA ns1.registry.local. hostmaster.registry.local. 7 60 15 86400 1"
    ]
    assert declared.lines(apex, "NS") == [f"{apex} 5 IN NS ns1.registry.local."]
    assert declared.says(apex, "PTR") == "NoData"
    declared.house.add("a")
    assert " 8 60 15 " in declared.lines(apex, "SOA")[0]


@pytest.mark.parametrize(
    "name", ["10.0.1.1", "2001:db8:0:1::1", "0.10.in-addr.arpa", "in-addr.arpa", "arpa"]
)
def test_an_address_outside_is_not_ours(declared: Reversed, name: str) -> None:
    declared.house.add("a", address=["10.0.1.1", "2001:db8:0:1::1"])
    assert declared.says(name) == "NotOurs"


def test_a_name_above_an_address_is_there_without_data(house: House) -> None:
    zones = Reversed(house, "10.0.0.0/8", "2001:db8::/32")
    above = [
        "2.10.in-addr.arpa",
        "1.2.10.in-addr.arpa",
        "0.8.b.d.0.1.0.0.2.ip6.arpa",
        ".".join("0" * 23) + ".8.b.d.0.1.0.0.2.ip6.arpa",
    ]
    assert {zones.says(name) for name in above} == {"NoName"}
    house.add("a", address=["10.2.1.7", V6])
    for name in above:
        assert zones.says(name) == zones.says(name, "SOA") == "NoData"
    assert zones.says("1.0.8.b.d.0.1.0.0.2.ip6.arpa") == "NoName"
    house.add("b", address=["10.2.1.8"])
    house.registry.revoke("a", house.now)
    assert [zones.says(name) for name in above] == ["NoData", "NoData", "NoName", "NoName"]


@pytest.mark.parametrize(
    "name",
    [
        "01.0.0.10.in-addr.arpa",
        "+1.0.0.10.in-addr.arpa",
        "256.0.0.10.in-addr.arpa",
        "\\255.0.0.10.in-addr.arpa",
        "1_0.0.0.10.in-addr.arpa",
        "01" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa",
        "g" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa",
        "_" + ".0" * 23 + ".8.b.d.0.1.0.0.2.ip6.arpa",
    ],
)
def test_an_address_has_one_spelling(declared: Reversed, name: str) -> None:
    declared.house.add("a", address=["10.0.0.1", "10.0.0.10", V6])
    assert declared.says(name) == "NoName"


def test_letters_may_be_of_either_case(declared: Reversed) -> None:
    declared.house.add("a", address="2001:db8::abcd")
    name = str(reverse_name(ip_address("2001:db8::abcd")))
    assert declared.says(name.upper().replace("IP6.ARPA", "ip6.arpa")) == "Found"


def test_a_lease_ends_here_too(declared: Reversed) -> None:
    house = declared.house
    house.add("a", ttl=4)
    house.add("b", port=81, ttl=60)
    assert " 4 IN PTR " in declared.lines("10.0.0.1")[0]
    house.now += 2.5
    assert " 1 IN PTR " in declared.lines("10.0.0.1")[0]
    house.now += 1.5
    assert declared.lines("10.0.0.1") == ["1.0.0.10.in-addr.arpa. 5 IN PTR b.i.registry.local."]
    house.now += 56
    assert declared.says("10.0.0.1") == "NoName"


def test_the_ttl_is_that_of_the_service(build: Callable[..., House]) -> None:
    zones = Reversed(build(ttls={"user-service": 60, "task-*": 20}), "10.0.0.0/24")
    zones.house.add("a")
    assert " 60 IN PTR " in zones.lines("10.0.0.1")[0]
    zones.house.add("b", service="task-service")
    assert {line.split()[1] for line in zones.lines("10.0.0.1")} == {"20"}


@pytest.mark.parametrize("status", [Status.DRAINING, Status.MAINTENANCE])
def test_who_is_out_of_service_has_no_address_here(declared: Reversed, status: Status) -> None:
    house = declared.house
    house.add("a")
    house.registry.set_status("a", status, house.now)
    assert declared.says("10.0.0.1") == "NoName"
    house.add("b", port=81)
    assert len(declared.lines("10.0.0.1")) == 1
    house.registry.set_status("a", Status.HEALTHY, house.now)
    assert len(declared.lines("10.0.0.1")) == 2


def test_host_names_have_no_address_to_reverse(auto: Reversed) -> None:
    auto.house.add("a", address="api.example.org")
    assert auto.says("10.0.0.1") == "NotOurs"


def test_the_deeper_of_two_networks_answers(house: House) -> None:
    zones = Reversed(house, "10.0.0.0/8", "10.0.0.0/24")
    house.add("a", address=["10.0.0.1", "10.0.1.1"])
    for address, origin in (("10.0.0.1", "0.0.10.in-addr.arpa."), ("10.0.1.1", "10.in-addr.arpa.")):
        lookup = zones.ask(address, "A")
        assert isinstance(lookup, NoData)
        assert str(lookup.soa.owner) == origin


@pytest.mark.parametrize("address", ["10.0.0.1", V6])
def test_a_network_of_one_address_answers_it_at_its_apex(house: House, address: str) -> None:
    zones = Reversed(house, address)
    assert zones.says(address) == "NoData"
    house.add("a", address=address)
    assert zones.lines(address)[0].endswith(" PTR a.i.registry.local.")
    assert zones.says(address, "SOA") == zones.says(address, "NS") == "Found"
    assert zones.says(address, "A") == "NoData"


def test_networks_come_and_go_with_the_addresses(auto: Reversed) -> None:
    house = auto.house
    assert auto.says("10.0.0.1") == "NotOurs"
    house.add("a", address=["10.0.0.1", V6])
    house.add("b", address=["10.0.0.2"])
    assert [auto.says(a) for a in ("10.0.0.1", "10.0.0.2", V6)] == ["Found"] * 3
    assert auto.says("10.0.0.3") == auto.says("2001:db8::3") == "NoName"
    assert auto.says("10.0.1.1") == auto.says("2001:db8:0:1::1") == "NotOurs"
    house.add("a", address="10.0.1.1")
    assert auto.says(V6) == "NotOurs"
    assert (auto.says("10.0.0.1"), auto.says("10.0.1.1")) == ("NoName", "Found")
    house.registry.revoke("b", house.now)
    assert auto.says("10.0.0.1") == "NotOurs"


def test_a_network_stays_while_its_instance_moves_inside_it(auto: Reversed) -> None:
    auto.house.add("a", address="10.0.0.1")
    auto.house.add("a", address="10.0.0.2")
    assert (auto.says("10.0.0.1"), auto.says("10.0.0.2")) == ("NoName", "Found")


@pytest.mark.parametrize("network", ["10.0.0.0/25", "10.0.0.0/7", "2001:db8::/65", "2000::/3"])
def test_a_network_that_ends_inside_a_label_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=f"{network}: the prefix is not a multiple of [48] bits"):
        reverse_origin(ip_network(network))


@pytest.mark.parametrize(
    ("network", "origin"),
    [
        ("0.0.0.0/0", "in-addr.arpa."),
        ("10.0.0.0/8", "10.in-addr.arpa."),
        ("192.0.2.0/24", "2.0.192.in-addr.arpa."),
        ("192.0.2.1/32", "1.2.0.192.in-addr.arpa."),
        ("::/0", "ip6.arpa."),
        ("2001:db8::/32", "8.b.d.0.1.0.0.2.ip6.arpa."),
        ("2001:db8::/36", "0.8.b.d.0.1.0.0.2.ip6.arpa."),
    ],
)
def test_the_origin_of_a_network_ends_at_its_prefix(network: str, origin: str) -> None:
    assert str(reverse_origin(ip_network(network))) == origin


@settings(deadline=None)
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6, network="2000::/3"))
def test_dnspython_spells_an_address_the_same_way(address: object) -> None:
    ours = reverse_name(ip_address(str(address)))
    assert str(ours) == dns.reversename.from_address(str(address)).to_text()
