"""What is answered: found, denied, followed, refused."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import dns.flags
import dns.rcode
import pytest

from dnsregistry.answers.answer import NO_TRANSFER, NOT_READY, REFUSED, Answer
from dnsregistry.answers.protocol import Rcode
from dnsregistry.registry.instance import Status
from dnsregistry.zone import rdata
from dnsregistry.zone.lookup import Found, Lookup, NoData, NotOurs, Referral
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.unread import UnreadZone

if TYPE_CHECKING:
    from tests.answers.conftest import House

SOA = "registry.local. 1 IN SOA ns1.registry.local. hostmaster.registry.local. {} 60 15 86400 1"


NS = RRset(Name.from_text("sub.example.org"), 2, 5, (rdata.NS(Name.from_text("ns.example.net")),))
GLUE = (RRset(Name.from_text("ns.example.net"), 1, 5, (rdata.A(IPv4Address("192.0.2.1")),)),)


class Delegating:
    """A zone that knows the servers of `sub.example.org` and nothing else."""

    origin = Name.from_text("example.org")

    def lookup(self, name: Name, rtype: int, now: float) -> Referral:
        """Refer whatever is asked."""
        return Referral(NS, GLUE)


def _lines(rrsets: tuple[RRset, ...]) -> list[str]:
    return [line for rrset in rrsets for line in rrset.lines()]


def _assert_denied(house: House, answer: Answer, rcode: Rcode) -> None:
    """Denied with aa and exactly one SOA, owned by the apex."""
    assert (answer.rcode, answer.authoritative) == (rcode, True)
    assert (answer.answer, answer.additional) == ((), ())
    assert _lines(answer.authority) == [SOA.format(house.zone.serial)]


def _alias(house: House, service: str, target: str) -> None:
    house.add(f"to-{service}"[:16], service=service, address=target)


def test_a_service_is_answered_with_the_addresses_of_its_targets(users: House) -> None:
    answer = users.decide("_user-service._tcp", "SRV")
    assert (answer.rcode, answer.authoritative, answer.authority) == (Rcode.NOERROR, True, ())
    assert _lines(answer.answer) == [
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i1.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8081 i2.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i3.i.registry.local.",
    ]
    assert _lines(answer.additional) == [
        "i1.i.registry.local. 5 IN A 10.0.0.1",
        "i2.i.registry.local. 5 IN A 10.0.0.1",
        "i3.i.registry.local. 5 IN A 10.0.0.2",
    ]


def test_additional_addresses_stand_in_the_order_of_the_records(
    build: Callable[..., House],
) -> None:
    drawn = iter([0.9, 0.1, 0.5])
    house = build(draws=lambda: next(drawn))
    for place in (1, 2, 3):
        house.add(f"i{place}", address=[f"10.0.0.{place}", f"2001:db8::{place}"])
    answer = house.decide("_user-service._tcp", "SRV")
    assert [line.split()[-1] for line in _lines(answer.answer)] == [
        "i2.i.registry.local.",
        "i3.i.registry.local.",
        "i1.i.registry.local.",
    ]
    assert _lines(answer.additional) == [
        "i2.i.registry.local. 5 IN A 10.0.0.2",
        "i2.i.registry.local. 5 IN AAAA 2001:db8::2",
        "i3.i.registry.local. 5 IN A 10.0.0.3",
        "i3.i.registry.local. 5 IN AAAA 2001:db8::3",
        "i1.i.registry.local. 5 IN A 10.0.0.1",
        "i1.i.registry.local. 5 IN AAAA 2001:db8::1",
    ]


def test_a_target_outside_the_zone_brings_no_address(house: House) -> None:
    house.add("a", address="api.example.org")
    house.add("b", address="api.example.org", port=9)
    house.add("c")
    answer = house.decide("_user-service._tcp", "SRV")
    assert len(_lines(answer.answer)) == 3
    assert _lines(answer.additional) == ["c.i.registry.local. 5 IN A 10.0.0.1"]


@pytest.mark.parametrize("name", ["unknown", "_unknown._tcp", "www.example.com", "unknown.i"])
@pytest.mark.parametrize("rtype", ["A", "SRV", "SOA", "NS", "ANY", "TYPE65280"])
def test_an_unknown_name_is_denied(users: House, name: str, rtype: str) -> None:
    _assert_denied(users, users.decide(name, rtype), Rcode.NXDOMAIN)


@pytest.mark.parametrize("name", ["user-service", "i1.i", "_tcp", "i"])
@pytest.mark.parametrize("rtype", ["AAAA", "MX", "HINFO", "TYPE65280", "SOA", "NS", "TYPE0"])
def test_an_absent_type_is_denied(users: House, name: str, rtype: str) -> None:
    _assert_denied(users, users.decide(name, rtype), Rcode.NOERROR)


@pytest.mark.parametrize(
    ("empty_service", "rcode"),
    [(EmptyService.NODATA, Rcode.NOERROR), (EmptyService.NXDOMAIN, Rcode.NXDOMAIN)],
)
def test_a_service_without_a_healthy_instance_is_denied(
    build: Callable[..., House], empty_service: EmptyService, rcode: Rcode
) -> None:
    house = build(empty_service=empty_service)
    house.add("a", status=Status.DRAINING)
    for name, rtype in (("user-service", "A"), ("_user-service._tcp", "SRV")):
        _assert_denied(house, house.decide(name, rtype), rcode)


def test_the_apex_answers_its_soa_and_name_server(house: House) -> None:
    answer = house.decide("", "SOA")
    assert _lines(answer.answer) == [SOA.format(7)]
    assert (answer.authoritative, answer.authority) == (True, ())
    answer = house.decide("", "NS")
    assert _lines(answer.answer) == ["registry.local. 5 IN NS ns1.registry.local."]
    assert _lines(answer.additional) == ["ns1.registry.local. 5 IN A 127.0.0.1"]
    assert house.lines("ns1", "A") == ["ns1.registry.local. 5 IN A 127.0.0.1"]


@pytest.mark.parametrize("name", ["example.org.", "local.", ".", "xregistry.local."])
@pytest.mark.parametrize("rtype", ["A", "SOA", "ANY", "NS"])
def test_a_name_outside_is_left_to_others(users: House, name: str, rtype: str) -> None:
    assert users.leave(name, rtype) == NotOurs()
    reply = users.send(name, rtype)
    assert dns.rcode.to_text(reply.rcode()) == "REFUSED"
    assert not reply.flags & (dns.flags.AA | dns.flags.RA)
    assert reply.answer == reply.authority == reply.additional == []


@pytest.mark.parametrize("rtype", ["AXFR", "IXFR"])
@pytest.mark.parametrize("name", ["", "user-service", "example.org."])
def test_a_transfer_is_refused(users: House, name: str, rtype: str) -> None:
    assert users.decide(name, rtype) == NO_TRANSFER


@pytest.mark.parametrize(
    ("rtype", "rcode"),
    [
        ("OPT", Rcode.FORMERR),
        ("TSIG", Rcode.FORMERR),
        ("TKEY", Rcode.NOTIMP),
        ("MAILA", Rcode.NOTIMP),
        ("MAILB", Rcode.NOTIMP),
        ("TYPE128", Rcode.NOTIMP),
    ],
)
def test_a_type_that_is_no_data_is_not_looked_up(users: House, rtype: str, rcode: Rcode) -> None:
    assert users.decide("user-service", rtype) == Answer(rcode)


@pytest.mark.parametrize("rclass", [0, 2, 4, 254, 255, 65535])
def test_another_class_is_refused(users: House, rclass: int) -> None:
    assert users.decide("user-service", "A", rclass) == REFUSED


def test_any_answers_the_addresses_and_no_more(users: House) -> None:
    assert users.lines("user-service", "ANY") == users.lines("user-service", "A")
    assert users.decide("user-service", "ANY").additional == ()
    assert users.lines("i1.i", "ANY") == users.lines("i1.i", "A")


@pytest.mark.parametrize("name", ["_user-service._tcp", "", "i"])
def test_any_of_a_name_without_address_is_a_refusal_in_data(users: House, name: str) -> None:
    answer = users.decide(name, "ANY")
    assert (answer.rcode, answer.authoritative) == (Rcode.NOERROR, True)
    owner = f"{name}.registry.local.".removeprefix(".")
    assert _lines(answer.answer) == [f'{owner} 1 IN HINFO "RFC8482" ""']
    assert (answer.authority, answer.additional) == ((), ())


def test_any_of_an_alias_is_the_alias(house: House) -> None:
    _alias(house, "web", "api.example.org")
    assert house.lines("web", "ANY") == ["web.registry.local. 5 IN CNAME api.example.org."]


def test_an_alias_out_of_the_zone_stands_alone(house: House) -> None:
    _alias(house, "web", "api.example.org")
    for rtype in ("A", "AAAA", "CNAME", "MX"):
        answer = house.decide("web", rtype)
        assert answer.rcode is Rcode.NOERROR
        assert answer.authoritative
        assert _lines(answer.answer) == ["web.registry.local. 5 IN CNAME api.example.org."]
        assert answer.authority == ()
        left = None if rtype == "CNAME" else Name.from_text("api.example.org")
        assert answer.open_end == left


def test_an_alias_in_the_zone_is_followed_in_order(users: House) -> None:
    _alias(users, "web", "api.registry.local")
    _alias(users, "api", "user-service.registry.local")
    assert users.lines("web", "A") == [
        "web.registry.local. 5 IN CNAME api.registry.local.",
        "api.registry.local. 5 IN CNAME user-service.registry.local.",
        "user-service.registry.local. 5 IN A 10.0.0.1",
        "user-service.registry.local. 5 IN A 10.0.0.2",
    ]
    assert users.lines("web", "CNAME") == ["web.registry.local. 5 IN CNAME api.registry.local."]


def test_an_alias_to_a_service_brings_the_addresses_of_its_targets(users: House) -> None:
    _alias(users, "web", "user-service.registry.local")
    answer = users.decide("web", "SRV")
    assert len(_lines(answer.answer)) == 4
    assert len(_lines(answer.additional)) == 3


@pytest.mark.parametrize(
    ("target", "rtype", "rcode"),
    [("unknown", "A", Rcode.NXDOMAIN), ("user-service", "AAAA", Rcode.NOERROR)],
)
def test_the_end_of_a_chain_decides(users: House, target: str, rtype: str, rcode: Rcode) -> None:
    _alias(users, "web", f"{target}.registry.local")
    answer = users.decide("web", rtype)
    assert (answer.rcode, answer.authoritative) == (rcode, True)
    assert _lines(answer.answer) == [f"web.registry.local. 5 IN CNAME {target}.registry.local."]
    assert _lines(answer.authority) == [SOA.format(users.zone.serial)]


@pytest.mark.parametrize("links", [1, 2, 3, 8])
def test_a_loop_ends_in_failure(house: House, links: int) -> None:
    for place in range(links):
        _alias(house, f"s{place}", f"s{(place + 1) % links}.registry.local")
    for place in range(links):
        assert house.decide(f"s{place}", "A") == Answer(Rcode.SERVFAIL)
    assert len(house.lines("s0", "CNAME")) == 1


def test_a_loop_further_on_ends_in_failure(house: House) -> None:
    _alias(house, "web", "s0.registry.local")
    _alias(house, "s0", "s1.registry.local")
    _alias(house, "s1", "s0.registry.local")
    assert house.decide("web", "A") == Answer(Rcode.SERVFAIL)


def test_eight_aliases_are_followed_and_no_more(house: House) -> None:
    house.add("end", service="s0")
    for place in range(1, 10):
        _alias(house, f"s{place}", f"s{place - 1}.registry.local")
    answer = house.decide("s8", "A")
    assert answer.rcode is Rcode.NOERROR
    assert [rrset.rtype for rrset in answer.answer] == [5] * 8 + [1]
    assert house.decide("s9", "A") == Answer(Rcode.SERVFAIL)


def test_a_lease_past_its_deadline_is_denied(house: House) -> None:
    house.add("a", ttl=2)
    assert house.lines("user-service", "A") == ["user-service.registry.local. 2 IN A 10.0.0.1"]
    house.now += 2
    _assert_denied(house, house.decide("user-service", "A"), Rcode.NXDOMAIN)


@pytest.mark.parametrize("rtype", ["A", "NS", "SOA", "CNAME", "ANY"])
def test_a_delegated_name_is_referred_without_authority(house: House, rtype: str) -> None:
    house.zones.put(Delegating())
    referral = Answer(Rcode.NOERROR, authority=(NS,), additional=GLUE, additional_needed=True)
    assert house.decide("x.sub.example.org.", rtype) == referral


def test_an_alias_into_a_delegated_zone_is_ours_and_its_end_is_not(house: House) -> None:
    house.zones.put(Delegating())
    _alias(house, "web", "x.sub.example.org")
    answer = house.decide("web", "A")
    assert (answer.rcode, answer.authoritative) == (Rcode.NOERROR, True)
    assert _lines(answer.answer) == ["web.registry.local. 5 IN CNAME x.sub.example.org."]
    assert (answer.authority, answer.additional) == ((NS,), GLUE)


class Redirecting:
    """A zone whose `old` has a DNAME, and that has addresses everywhere else."""

    origin = Name.from_text("example.org")

    def __init__(self, target: str) -> None:
        octets = Name.from_text(target).to_wire()
        opaque = rdata.Opaque(39, octets, target)
        self.dname = RRset(Name.from_text("old.example.org"), 39, 60, (opaque,))

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer the DNAME for what is below its owner, and at it for its own type."""
        below = name.relative_to(self.dname.owner)
        if below or (below is not None and rtype == 39):
            return Found(self.dname)
        if below is not None or rtype != 1:
            return NoData(RRset(self.origin, 6, 1, ()))
        return Found(RRset(name, 1, 5, (rdata.A(IPv4Address("192.0.2.7")),)))


DNAME = "old.example.org. 60 IN TYPE39 {}"


def test_below_a_redirection_a_name_is_an_alias(house: House) -> None:
    """RFC 6672, 3.2 and 3.3: the DNAME, the CNAME made of it with its TTL, then the end."""
    house.zones.put(Redirecting("new.example.org."))
    assert house.lines("a.b.old.example.org.", "A") == [
        DNAME.format("new.example.org."),
        "a.b.old.example.org. 60 IN CNAME a.b.new.example.org.",
        "a.b.new.example.org. 5 IN A 192.0.2.7",
    ]
    for rtype in ("CNAME", "ANY"):
        assert len(house.lines("a.old.example.org.", rtype)) == 2
    assert house.lines("old.example.org.", "DNAME") == [DNAME.format("new.example.org.")]


def test_a_redirection_out_of_our_zones_has_an_open_end(house: House) -> None:
    house.zones.put(Redirecting("example.net."))
    answer = house.decide("a.old.example.org.", "A")
    assert [rrset.rtype for rrset in answer.answer] == [39, 5]
    assert answer.open_end == Name.from_text("a.example.net")


def test_a_redirection_to_too_long_a_name_is_told_with_its_dname(house: House) -> None:
    """RFC 6672, 2.2: a name over 255 octets is answered YXDOMAIN."""
    house.zones.put(Redirecting(".".join(["x" * 63] * 3 + ["x" * 55]) + "."))
    answer = house.decide("a-long-label.old.example.org.", "A")
    assert (answer.rcode, answer.authoritative) == (Rcode.YXDOMAIN, True)
    assert [rrset.rtype for rrset in answer.answer] == [39]
    assert house.decide("a.old.example.org.", "A").rcode is Rcode.NOERROR


def test_a_redirection_into_itself_ends_in_failure(house: House) -> None:
    house.zones.put(Redirecting("a.old.example.org."))
    assert house.decide("a.old.example.org.", "A") == Answer(Rcode.SERVFAIL)


@pytest.mark.parametrize("rtype", ["A", "SOA", "ANY", "CNAME"])
def test_a_zone_that_could_never_be_read_is_a_failure(house: House, rtype: str) -> None:
    house.zones.put(UnreadZone(Name.from_text("example.org")))
    for name in ("example.org.", "www.example.org."):
        assert house.decide(name, rtype) == NOT_READY
    assert house.leave("example.net.", rtype) == NotOurs()
    _alias(house, "web", "www.example.org")
    assert house.decide("web", "A") == NOT_READY
