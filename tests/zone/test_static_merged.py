"""Static records over the live zone, as the registry changes under them."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName
from dnsregistry.zone.merged import RETELL, MergedZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.tree import Tree
from tests.zone.conftest import House
from tests.zonefiles.text import ask, rrsets_of, tell

ORIGIN = "registry.local"
Lay = Callable[[str], MergedZone]


@pytest.fixture
def told() -> list[str]:
    """Names and types that the merged zone told of."""
    return []


@pytest.fixture
def lay(users: House, told: list[str]) -> Lay:
    """Lay the records of a text over the live zone of three instances."""

    def lay_over(text: str) -> MergedZone:
        overlay = Tree(users.origin, rrsets_of(text, ORIGIN))
        return MergedZone(users.zone, overlay, lambda name, rtype: told.append(f"{name} {rtype}"))

    return lay_over


def test_a_static_rrset_stands_in_the_place_of_the_live_one(
    users: House, lay: Lay, told: list[str]
) -> None:
    zone = lay("user-service 60 A 192.0.2.1\n")
    assert tell(ask(zone, f"user-service.{ORIGIN}", "A", users.now)) == [
        f"user-service.{ORIGIN}. 60 IN A 192.0.2.1"
    ]
    # The other types of the name are live.
    live = users.zone.lookup(Name.from_text(f"user-service.{ORIGIN}"), 33, users.now)
    assert isinstance(live, Found)
    assert ask(zone, f"user-service.{ORIGIN}", "SRV", users.now) == live
    assert isinstance(ask(zone, f"user-service.{ORIGIN}", "AAAA", users.now), NoData)
    for _ in range(3):
        ask(zone, f"user-service.{ORIGIN}", "A", users.now)
    assert told == [f"user-service.{ORIGIN}. 1"]


def test_a_live_rrset_that_comes_later_is_told_within_a_minute(
    users: House, lay: Lay, told: list[str]
) -> None:
    zone = lay("late 60 A 192.0.2.1\n")
    name = f"late.{ORIGIN}"
    assert isinstance(ask(zone, name, "A", users.now), Found)
    users.add("l1", service="late")
    ask(zone, name, "A", users.now + RETELL - 1)
    assert told == []
    ask(zone, name, "A", users.now + RETELL)
    ask(zone, name, "A", users.now + 3 * RETELL)
    assert told == [f"{name}. 1"]


def test_a_static_name_that_shadows_nothing_is_not_told(
    users: House, lay: Lay, told: list[str]
) -> None:
    zone = lay("printer 60 A 192.0.2.1\ni 60 CNAME printer\n")
    ask(zone, f"printer.{ORIGIN}", "A", users.now)
    ask(zone, f"i.{ORIGIN}", "A", users.now)
    assert told == []


def test_a_static_alias_takes_the_whole_name(users: House, lay: Lay, told: list[str]) -> None:
    zone = lay("user-service 60 CNAME www.example.org.\n")
    alias = [f"user-service.{ORIGIN}. 60 IN CNAME www.example.org."]
    for rtype in ("A", "AAAA", "SRV", "TXT", "CNAME"):
        assert tell(ask(zone, f"user-service.{ORIGIN}", rtype, users.now)) == alias
    assert told == [f"user-service.{ORIGIN}. 5"]


def test_a_live_alias_gives_way_to_static_records(users: House, lay: Lay, told: list[str]) -> None:
    users.add("far", service="far", address="www.example.org")
    zone = lay("far 60 TXT note\n")
    assert users.says("far", "A") == "Found"
    assert isinstance(ask(zone, f"far.{ORIGIN}", "A", users.now), NoData)
    assert isinstance(ask(zone, f"far.{ORIGIN}", "CNAME", users.now), NoData)
    assert tell(ask(zone, f"far.{ORIGIN}", "TXT", users.now)) == [f'far.{ORIGIN}. 60 IN TXT "note"']
    assert told == [f"far.{ORIGIN}. 16"]


def test_names_exist_where_either_zone_has_them(users: House, lay: Lay) -> None:
    zone = lay("printer.office 60 A 192.0.2.1\nnew.v9.user-service 60 A 192.0.2.2\n")
    assert isinstance(ask(zone, f"office.{ORIGIN}", "A", users.now), NoData)
    assert isinstance(ask(zone, f"v9.user-service.{ORIGIN}", "A", users.now), NoData)
    assert isinstance(ask(zone, f"nobody.{ORIGIN}", "A", users.now), NoName)
    assert isinstance(ask(zone, f"x.office.{ORIGIN}", "A", users.now), NoName)
    assert isinstance(ask(zone, f"i1.i.{ORIGIN}", "A", users.now), Found)
    denial = ask(zone, f"nobody.{ORIGIN}", "A", users.now)
    assert isinstance(denial, NoName)
    assert denial.soa == users.zone.soa()


def test_a_wildcard_covers_no_live_name_and_nothing_below_one(users: House, lay: Lay) -> None:
    zone = lay("* 60 A 192.0.2.9\n")
    assert tell(ask(zone, f"nobody.{ORIGIN}", "A", users.now)) == [
        f"nobody.{ORIGIN}. 60 IN A 192.0.2.9"
    ]
    assert isinstance(ask(zone, f"nobody.{ORIGIN}", "AAAA", users.now), NoData)
    assert isinstance(ask(zone, f"user-service.{ORIGIN}", "AAAA", users.now), NoData)
    # Their closest enclosers are live names (RFC 4592, 3.3.1).
    assert isinstance(ask(zone, f"x.user-service.{ORIGIN}", "A", users.now), NoName)
    assert isinstance(ask(zone, f"x.y.user-service.{ORIGIN}", "A", users.now), NoName)
    assert isinstance(ask(zone, f"x.i.{ORIGIN}", "A", users.now), NoName)
    assert isinstance(ask(zone, f"x.y.nobody.{ORIGIN}", "A", users.now), Found)
    users.registry.revoke("i1", users.now)
    users.registry.revoke("i2", users.now)
    users.registry.revoke("i3", users.now)
    assert isinstance(ask(zone, f"x.user-service.{ORIGIN}", "A", users.now), Found)


def test_static_addresses_of_targets_come_with_live_answers(users: House, lay: Lay) -> None:
    zone = lay("ns1 60 A 203.0.113.5\ni3.i 60 A 192.0.2.3\n")
    ns = ask(zone, ORIGIN, "NS", users.now)
    assert isinstance(ns, Found)
    assert [line for rrsets in ns.additional.values() for r in rrsets for line in r.lines()] == [
        f"ns1.{ORIGIN}. 60 IN A 203.0.113.5",
        f"ns1.{ORIGIN}. 5 IN AAAA ::1",
    ]
    srv = ask(zone, f"_user-service._tcp.{ORIGIN}", "SRV", users.now)
    assert isinstance(srv, Found)
    addresses = {
        str(target): [line for rrset in rrsets for line in rrset.lines()]
        for target, rrsets in srv.additional.items()
    }
    assert addresses[f"i1.i.{ORIGIN}."] == [f"i1.i.{ORIGIN}. 5 IN A 10.0.0.1"]
    assert addresses[f"i3.i.{ORIGIN}."] == [f"i3.i.{ORIGIN}. 60 IN A 192.0.2.3"]


def test_addresses_of_targets_below_a_delegation_do_not_come(users: House, lay: Lay) -> None:
    zone = lay("i 60 NS ns1\n")
    srv = ask(zone, f"_user-service._tcp.{ORIGIN}", "SRV", users.now)
    assert isinstance(srv, Found)
    assert srv.additional == {}


def test_static_records_come_with_live_pointers(users: House, lay: Lay) -> None:
    """RFC 6763, 12.1: SRV, TXT and addresses come with a PTR."""
    instance = f"i3._user-service._tcp.{ORIGIN}."
    zone = lay("i3._user-service._tcp 60 TXT static\ni3.i 60 A 192.0.2.3\ni1.i 60 CNAME x\n")
    lookup = ask(zone, f"_user-service._tcp.{ORIGIN}", "PTR", users.now)
    assert isinstance(lookup, Found)
    told = {
        str(target): [(str(r.owner), [str(rdata) for rdata in r.rdatas]) for r in rrsets]
        for target, rrsets in lookup.additional.items()
    }
    assert told[instance] == [
        (instance, [f"0 1 8080 i3.i.{ORIGIN}."]),
        (instance, ['"static"']),
        (f"i3.i.{ORIGIN}.", ["192.0.2.3"]),
    ]
    first = f"i1._user-service._tcp.{ORIGIN}."
    assert [owner for owner, _ in told[first]] == [first, first]


def test_a_limit_of_live_records_is_kept(users: House, lay: Lay) -> None:
    class Limited:
        origin = users.origin

        def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
            found = users.zone.lookup(name, rtype, now)
            return replace(found, most=2) if isinstance(found, Found) else found

    overlay = Tree(users.origin, rrsets_of("user-service 60 A 192.0.2.1\n", ORIGIN))
    zone = MergedZone(Limited(), overlay, lambda *_: None)
    live = ask(zone, f"_user-service._tcp.{ORIGIN}", "SRV", users.now)
    static = ask(zone, f"user-service.{ORIGIN}", "A", users.now)
    assert isinstance(live, Found)
    assert isinstance(static, Found)
    assert (live.most, static.most) == (2, 0)


def test_live_addresses_come_with_static_answers(users: House, lay: Lay) -> None:
    zone = lay("@ 60 MX 10 user-service\n_ldap._tcp 60 SRV 0 0 389 i3.i\n")
    for name, target in (("", "user-service"), ("_ldap._tcp.", "i3.i")):
        lookup = ask(zone, f"{name}{ORIGIN}", "SRV" if name else "MX", users.now)
        assert isinstance(lookup, Found)
        assert list(lookup.additional) == [Name.from_text(f"{target}.{ORIGIN}")]


def test_a_delegation_takes_live_names_with_it(users: House, lay: Lay) -> None:
    zone = lay("user-service 60 NS ns.user-service\nns.user-service 60 A 192.0.2.2\n")
    for name in ("user-service", "v1.user-service", "x.y.user-service"):
        assert tell(ask(zone, f"{name}.{ORIGIN}", "A", users.now)) == [
            f"user-service.{ORIGIN}. 60 IN NS ns.user-service.{ORIGIN}.",
            f"ns.user-service.{ORIGIN}. 60 IN A 192.0.2.2",
        ]
    assert isinstance(ask(zone, f"user-service.{ORIGIN}", "DS", users.now), NoData)
    # A delegation to our own server is glued with its live address.
    zone = lay("sub 60 NS ns1\n")
    assert f"ns1.{ORIGIN}. 5 IN A 127.0.0.1" in tell(ask(zone, f"x.sub.{ORIGIN}", "A", users.now))


def test_the_apex_keeps_the_live_soa_and_its_serial(users: House, lay: Lay) -> None:
    zone = lay("@ 60 TXT hello\n@ 60 NS ns.example.org.\n")
    before = ask(zone, ORIGIN, "SOA", users.now)
    assert before == Found(users.zone.soa())
    users.add("i9")
    assert ask(zone, ORIGIN, "SOA", users.now) == Found(users.zone.soa()) != before
    assert tell(ask(zone, ORIGIN, "NS", users.now)) == [f"{ORIGIN}. 60 IN NS ns.example.org."]


def test_a_name_outside_is_not_ours(lay: Lay) -> None:
    assert tell(ask(lay("x 60 TXT x\n"), "example.org", "A")) == "not ours"


def test_a_denial_that_a_live_name_between_makes_is_not_for_keeping(users: House, lay: Lay) -> None:
    zone = lay("* 60 A 192.0.2.1\n")
    denied = ask(zone, f"nobody.user-service.{ORIGIN}", "A", users.now)
    assert isinstance(denied, NoName)
    assert denied.until == 0


def test_an_answer_that_names_another_service_is_not_for_keeping(users: House, lay: Lay) -> None:
    users.add("h1", service="far", address=f"user.{ORIGIN}")
    zone = lay("static 60 A 192.0.2.1\n")
    found = ask(zone, f"_far._tcp.{ORIGIN}", "SRV", users.now)
    assert isinstance(found, Found)
    assert (found.additional, found.until) == ({}, 0)
    near = ask(zone, f"_user-service._tcp.{ORIGIN}", "SRV", users.now)
    assert isinstance(near, Found)
    assert near.until > users.now
