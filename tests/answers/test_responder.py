"""From message to message: limits, access, failure and counts."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.access import Client
from dnsregistry.answers.protocol import Rcode

if TYPE_CHECKING:
    from tests.answers.conftest import House

UDP, TCP = Client("127.0.0.1", tcp=False), Client("127.0.0.1", tcp=True)
SERVICE = "_user-service._tcp"


def _fill(house: House, instances: int) -> None:
    for place in range(instances):
        house.add(f"host-{place:05}", address=f"10.0.{place // 256}.{place % 256}")


def test_a_question_is_answered(users: House) -> None:
    reply = users.send(SERVICE, "SRV")
    assert reply.rcode() == dns.rcode.NOERROR
    assert dns.flags.to_text(reply.flags) == "QR AA RD"
    assert len(reply.answer[0]) == 3
    assert len(reply.additional) == 3
    assert reply.edns == -1


@pytest.mark.parametrize(
    ("payload", "limit"),
    [
        (None, 512),
        (0, 512),
        (511, 512),
        (512, 512),
        (800, 800),
        (1232, 1232),
        (1233, 1232),
        (4096, 1232),
        (65535, 1232),
    ],
)
def test_a_datagram_keeps_to_the_smaller_of_two_sizes(
    house: House, payload: int | None, limit: int
) -> None:
    _fill(house, 60)
    query = dns.message.make_query(
        f"{SERVICE}.registry.local", "SRV", use_edns=None if payload is None else 0, payload=payload
    )
    wire = house.responder.respond(query.to_wire(), UDP)
    assert isinstance(wire, bytes)
    reply = dns.message.from_wire(wire)
    assert limit - 50 < len(wire) <= limit
    assert reply.flags & dns.flags.TC
    assert reply.edns == (-1 if payload is None else 0)
    if payload is not None:
        assert reply.payload == 1232


@pytest.mark.parametrize("payload", [None, 512, 4096])
def test_tcp_carries_all(house: House, payload: int | None) -> None:
    _fill(house, 1100)
    reply = house.send(SERVICE, "SRV", TCP, payload)
    assert not reply.flags & dns.flags.TC
    assert len(reply.answer[0]) == 1100


def test_the_case_of_the_question_comes_back(users: House) -> None:
    reply = users.send("UsEr-SeRvIcE.ReGiStRy.LoCaL.", "A")
    assert reply.question[0].name.to_text() == "UsEr-SeRvIcE.ReGiStRy.LoCaL."
    assert reply.answer[0].name.to_text() == "UsEr-SeRvIcE.ReGiStRy.LoCaL."


@pytest.mark.parametrize(
    ("address", "rcode"),
    [
        ("10.1.2.3", "NOERROR"),
        ("::ffff:10.1.2.3", "NOERROR"),
        ("fe80::1%eth0", "NOERROR"),
        ("127.0.0.1", "REFUSED"),
        ("::ffff:127.0.0.1", "REFUSED"),
        ("2001:db8::1", "REFUSED"),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_only_who_may_ask_is_answered(
    build: Callable[..., House], address: str, rcode: str, tcp: bool
) -> None:
    house = build(allowed=("10.0.0.0/8", "fe80::/10"))
    house.add("a")
    reply = house.send("user-service", "A", Client(address, tcp), payload=1232)
    assert dns.rcode.to_text(reply.rcode()) == rcode
    assert bool(reply.answer) == (rcode == "NOERROR")
    assert not reply.flags & dns.flags.RA
    assert bool(reply.flags & dns.flags.AA) == (rcode == "NOERROR")
    assert reply.edns == 0


def test_the_answer_is_that_of_the_moment(house: House) -> None:
    house.add("a", ttl=2)
    assert house.send("user-service", "A").rcode() == dns.rcode.NOERROR
    house.now += 2
    denial = house.send("user-service", "A")
    assert denial.rcode() == dns.rcode.NXDOMAIN
    assert [rrset.to_text().split()[:4] for rrset in denial.authority] == [
        ["registry.local.", "1", "IN", "SOA"]
    ]


def test_chance_is_drawn_for_each_answer(build: Callable[..., House]) -> None:
    house = build(draws=random.Random(3).random)
    for place in range(3):
        house.add(f"i{place}", address=f"10.0.0.{place}")
    firsts = {house.send("user-service", "A").answer[0].to_text().split()[4] for _ in range(40)}
    assert len(firsts) == 3


def test_a_fault_is_answered_and_a_response_is_not(house: House) -> None:
    query = dns.message.make_query("user-service.registry.local", "A")
    fault = house.responder.respond(query.to_wire() + b"\0", UDP)
    assert isinstance(fault, bytes)
    assert dns.message.from_wire(fault).rcode() == dns.rcode.FORMERR
    assert house.responder.respond(dns.message.make_response(query).to_wire(), UDP) is None
    assert house.responder.respond(b"", UDP) is None


def test_an_access_list_does_not_silence_faults(build: Callable[..., House]) -> None:
    house = build(allowed=("10.0.0.0/8",))
    reply = house.responder.respond(b"\0\x01" + bytes(10), UDP)
    assert isinstance(reply, bytes)
    assert dns.message.from_wire(reply).rcode() == dns.rcode.FORMERR


def test_a_failure_of_ours_is_answered_as_one(users: House) -> None:
    query = dns.message.make_query("user-service.registry.local", "A", want_dnssec=True)
    reply = users.responder.fail(query.to_wire())
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert query.is_response(message)
    assert message.rcode() == dns.rcode.SERVFAIL
    assert message.ednsflags & dns.flags.DO
    assert not message.flags & dns.flags.AA
    assert message.answer == message.authority == message.additional == []
    assert users.responder.fail(b"\0") is None
    fault = users.responder.fail(query.to_wire() + b"\0")
    assert isinstance(fault, bytes)
    assert dns.message.from_wire(fault).rcode() == dns.rcode.FORMERR


def test_what_was_answered_is_counted(users: House) -> None:
    query = dns.message.make_query("user-service.registry.local", "A").to_wire()
    users.send("user-service", "A")
    users.send("user-service", "AAAA")
    users.send("unknown", "A")
    users.send("example.org.", "A")
    users.responder.respond(query + b"\0", UDP)
    users.responder.respond(b"", UDP)
    users.responder.respond(query[:2] + b"\x80" + query[3:], UDP)
    users.responder.fail(query)
    users.responder.fail(b"")
    tally = users.responder.tally
    assert dict(tally.rcodes) == {
        Rcode.NOERROR: 2,
        Rcode.NXDOMAIN: 1,
        Rcode.REFUSED: 1,
        Rcode.FORMERR: 1,
        Rcode.SERVFAIL: 1,
    }
    assert tally.silent == 2  # what `fail` is given was counted before
    assert (tally.udp, tally.tcp, tally.faults, tally.dropped) == (0, 0, 0, 0)


def test_the_clients_that_are_remembered_are_bounded(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.answers.responder.MOST_STANDINGS", 4)
    for place in range(10):
        standing = house.responder.stand(f"10.0.0.{place}", house.now)
        assert house.responder.stand(f"10.0.0.{place}", house.now) is standing
        assert len(house.responder._standings) <= 4


@settings(max_examples=200, deadline=None)
@given(tail=st.binary(max_size=60), flags=st.integers(0, 0x7FFF), counts=st.binary(max_size=8))
def test_any_octets_are_answered_in_the_space_of_a_datagram(
    build: Callable[..., House], tail: bytes, flags: int, counts: bytes
) -> None:
    house = build()
    message = b"\xbe\xef" + flags.to_bytes(2) + counts.ljust(8, b"\0") + tail
    reply = house.responder.respond(message, UDP)
    assert isinstance(reply, bytes)
    assert reply[:2] == b"\xbe\xef"
    assert reply[2] & 0x80
    assert len(reply) <= 512
