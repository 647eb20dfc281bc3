"""In which order a message is turned away, and which records a client gets of too many."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from dnsregistry.answers.access import Client
from dnsregistry.answers.protocol import Rcode

if TYPE_CHECKING:
    from tests.answers.conftest import House

CLIENT = Client("192.0.2.1", tcp=False)
CLIENT_COOKIE = b"clientco"
SERVICE = "_user-service._tcp.registry.local"


def _query(
    options: Mapping[int, bytes] | None = None,
    name: str = "user-service.registry.local",
    rtype: str = "A",
    payload: int = 1232,
) -> bytes:
    given: list[dns.edns.Option] = [
        dns.edns.GenericOption(dns.edns.OptionType.make(code), octets)
        for code, octets in (options or {}).items()
    ]
    query = dns.message.make_query(name, rtype, use_edns=0, payload=payload, options=given)
    return query.to_wire()


def _read(house: House, message: bytes, client: Client = CLIENT) -> dns.message.Message | None:
    reply = house.responder.respond(message, client)
    assert reply is None or isinstance(reply, bytes)
    return None if reply is None else dns.message.from_wire(reply, one_rr_per_rrset=True)


def _said(house: House, message: bytes, client: Client = CLIENT) -> str:
    """The rcode, `slip` for an empty truncated answer, `silence` for none."""
    reply = _read(house, message, client)
    if reply is None:
        return "silence"
    if reply.flags & dns.flags.TC:
        assert reply.answer == reply.authority == reply.additional == []
        assert reply.question
        return "slip"
    return dns.rcode.to_text(reply.rcode())


@pytest.fixture
def limited(build: Callable[..., House]) -> House:
    """One response a second, to the networks that may ask; one instance."""
    house = build(rate=1, allowed=("192.0.2.0/25",))
    house.add("a")
    return house


def test_past_the_rate_every_second_response_is_slipped(limited: House) -> None:
    said = [_said(limited, _query()) for _ in range(7)]
    assert said == ["NOERROR", *["silence", "slip"] * 3]
    assert limited.responder.tally.limited == 6
    assert limited.responder.tally.rcodes == {Rcode.NOERROR: 1}


def test_a_slipped_answer_is_no_longer_than_its_question(limited: House) -> None:
    query = _query()
    replies = [limited.responder.respond(query, CLIENT) for _ in range(3)]
    assert isinstance(replies[2], bytes)
    assert len(replies[2]) <= len(query)


def test_with_time_there_are_answers_again(limited: House) -> None:
    for _ in range(5):
        _said(limited, _query())
    limited.now += 1
    assert _said(limited, _query()) == "NOERROR"
    assert _said(limited, _query()) == "silence"


def test_silence_is_not_counted_against_anyone(limited: House) -> None:
    """The guard comes first."""
    for _ in range(5):
        assert _said(limited, b"short") == "silence"
        assert _said(limited, b"\0\0\x80" + bytes(9)) == "silence"
    assert _said(limited, _query()) == "NOERROR"
    assert limited.responder.tally.limited == 0


def test_faults_are_counted_and_held_back_too(limited: House) -> None:
    fault = _query() + b"\0"
    assert [_said(limited, fault) for _ in range(3)] == ["FORMERR", "silence", "FORMERR"]
    assert _said(limited, _query()) == "silence"


def test_tcp_is_not_limited(limited: House) -> None:
    tcp = Client(CLIENT.address, tcp=True)
    assert [_said(limited, _query(), tcp) for _ in range(50)] == ["NOERROR"] * 50
    assert _said(limited, _query()) == "NOERROR"


def test_a_cookie_that_holds_lifts_the_limit(limited: House) -> None:
    """The options are read before the limit."""
    reply = _read(limited, _query({10: CLIENT_COOKIE}))
    assert reply is not None
    (cookie,) = reply.options
    baked = cookie.to_wire()
    assert baked is not None
    for _ in range(20):
        assert _said(limited, _query({10: baked})) == "NOERROR"
    assert _said(limited, _query({10: CLIENT_COOKIE})) == "silence"
    assert _said(limited, _query({10: baked[:-1] + b"!"})) == "slip"
    elsewhere = Client("192.0.2.2", tcp=False)
    assert _said(limited, _query({10: baked}), elsewhere) == "silence"
    limited.now += 3700
    assert _said(limited, _query()) == "NOERROR"
    assert _said(limited, _query({10: baked})) == "slip"


def test_malformed_options_are_answered_only_within_the_limit(limited: House) -> None:
    said = [_said(limited, _query({10: b"bad"})) for _ in range(3)]
    assert said == ["FORMERR", "silence", "slip"]
    assert limited.responder.tally.rcodes == {Rcode.FORMERR: 1}


def test_whoever_may_not_ask_is_limited_too(limited: House) -> None:
    stranger = Client("192.0.2.200", tcp=False)
    assert [_said(limited, _query(), stranger) for _ in range(3)] == ["REFUSED", "silence", "slip"]


def test_a_malformed_option_is_told_before_who_may_ask(limited: House) -> None:
    assert _said(limited, _query({10: b"bad"}), Client("198.51.100.1", tcp=True)) == "FORMERR"


def test_whoever_may_not_ask_gets_no_decision(limited: House) -> None:
    stranger = Client("198.51.100.1", tcp=True)
    for name in ("user-service.registry.local", "unknown.registry.local", "example.org"):
        assert _said(limited, _query(name=name), stranger) == "REFUSED"


@pytest.mark.parametrize(
    ("name", "client", "ede"),
    [
        ("user-service.registry.local", "192.0.2.1", None),
        ("example.org", "192.0.2.1", dns.edns.EDECode.NOT_AUTHORITATIVE),
        ("user-service.registry.local", "198.51.100.1", dns.edns.EDECode.PROHIBITED),
    ],
)
def test_a_refusal_says_why_to_people(
    limited: House, name: str, client: str, ede: dns.edns.EDECode | None
) -> None:
    """RFC 8914, 4.19 and 4.21; only where the query has an OPT."""
    reply = _read(limited, _query(name=name), Client(client, tcp=True))
    assert reply is not None
    assert [error.code for error in reply.extended_errors()] == ([] if ede is None else [ede])
    plain = dns.message.make_query(name, "A").to_wire()
    reply = _read(limited, plain, Client(client, tcp=True))
    assert reply is not None
    assert reply.edns == -1


def test_a_slipped_answer_brings_the_cookie_that_lifts_the_limit(limited: House) -> None:
    for _ in range(2):
        _said(limited, _query())
    reply = _read(limited, _query({10: CLIENT_COOKIE}))
    assert reply is not None
    assert reply.flags & dns.flags.TC
    (cookie,) = reply.options
    baked = cookie.to_wire()
    assert baked is not None
    assert _said(limited, _query({10: baked})) == "NOERROR"


def test_networks_are_limited_apart(build: Callable[..., House]) -> None:
    house = build(rate=1)
    house.add("a")
    for place in range(5):
        assert _said(house, _query(), Client(f"198.51.{place}.1", tcp=False)) == "NOERROR"
    assert _said(house, _query(), Client("198.51.0.2", tcp=False)) == "silence"


def test_exempt_networks_and_no_limit_are_never_held_back(build: Callable[..., House]) -> None:
    house = build(rate=1)
    house.add("a")
    exempt = Client("192.0.2.255", tcp=False)
    assert {_said(house, _query(), exempt) for _ in range(50)} == {"NOERROR"}
    unlimited = build()
    unlimited.add("a")
    assert {_said(unlimited, _query(), CLIENT) for _ in range(500)} == {"NOERROR"}


def test_options_are_answered_on_every_rcode(limited: House) -> None:
    tcp = Client(CLIENT.address, tcp=True)
    for name, more in (
        ("user-service.registry.local", []),
        ("x.registry.local", []),
        ("example.org", [15]),
    ):
        reply = _read(limited, _query({10: CLIENT_COOKIE, 11: b""}, name), tcp)
        assert reply is not None
        assert sorted(int(option.otype) for option in reply.options) == [10, 11, *more]


def _fill(house: House, count: int, **fields: object) -> None:
    for place in range(count):
        house.add(f"h{place}", address=f"10.0.{place >> 8}.{place & 255}", **fields)


def _records(house: House, client: str, rtype: str = "SRV", payload: int = 512) -> list[str]:
    name = SERVICE if rtype in ("SRV", "PTR") else "user-service.registry.local"
    query = _query(name=name, rtype=rtype, payload=payload)
    reply = _read(house, query, Client(client, tcp=False))
    assert reply is not None
    assert reply.flags & dns.flags.TC
    assert reply.additional == []
    return [rrset[0].to_text() for rrset in reply.answer]


@pytest.fixture
def many(build: Callable[..., House]) -> House:
    """Sixty instances, and chance that is chance."""
    house = build(draws=random.Random(4).random)
    _fill(house, 60, tags=["v1"])
    return house


@pytest.mark.parametrize("rtype", ["A", "SRV", "PTR"])
@pytest.mark.parametrize("payload", [512, 700])
def test_a_truncated_answer_is_the_same_set_for_the_same_client(
    many: House, rtype: str, payload: int
) -> None:
    first = _records(many, "10.1.0.1", rtype, payload)
    assert 5 < len(first) < 60
    orders = set()
    for _ in range(100):
        records = _records(many, "10.1.0.1", rtype, payload)
        assert set(records) == set(first)
        orders.add(tuple(records))
    # Pointers have no weights, so their order means nothing.
    assert (len(orders) > 1) == (rtype != "PTR")


@pytest.mark.parametrize("rtype", ["A", "SRV", "PTR"])
def test_different_clients_get_different_sets(many: House, rtype: str) -> None:
    sets = {frozenset(_records(many, f"10.1.0.{place}", rtype)) for place in range(50)}
    assert len(sets) == 50
    assert len(frozenset().union(*sets)) == 60


def test_one_instance_more_or_less_moves_at_most_one_record(many: House) -> None:
    clients = [f"10.1.0.{place}" for place in range(20)]
    before = {client: set(_records(many, client)) for client in clients}
    many.registry.revoke("h7", many.now)
    gone = {client: set(_records(many, client)) for client in clients}
    for client in clients:
        assert len(before[client] - gone[client]) <= 1
        assert all("h7." in record for record in before[client] - gone[client])
    assert gone != before
    many.add("h7", address="10.0.0.7", tags=["v1"])
    assert {client: set(_records(many, client)) for client in clients} == before


def test_the_truncated_set_follows_the_priority(build: Callable[..., House]) -> None:
    house = build()
    _fill(house, 40)
    house.add("first", address="10.9.0.1", priority=0)
    for place in range(40):
        house.add(f"h{place}", address=f"10.0.0.{place}", priority=1)
    for place in range(30):
        assert _records(house, f"10.1.0.{place}")[0].endswith(" first.i.registry.local.")


def test_a_chain_before_a_long_end_is_kept(many: House) -> None:
    many.add("to-users", service="web", address="user-service.registry.local")
    query = _query(name="web.registry.local", payload=512)
    replies = [_read(many, query, Client("10.1.0.1", tcp=False)) for _ in range(20)]
    sets = set()
    for reply in replies:
        assert reply is not None
        assert reply.flags & dns.flags.TC
        first, *rest = [rrset[0].to_text() for rrset in reply.answer]
        assert first == "user-service.registry.local."
        sets.add(frozenset(rest))
    assert len(sets) == 1


def test_a_limit_by_setting_is_no_truncation(build: Callable[..., House]) -> None:
    many = build(limits={"user-*": 3}, draws=random.Random(5).random)
    _fill(many, 40)
    clients = [f"10.1.0.{place}" for place in range(30)]
    sets = set()
    for client in clients:
        replies = [_read(many, _query(), Client(client, tcp=False)) for _ in range(5)]
        shown = set()
        for reply in replies:
            assert reply is not None
            assert not reply.flags & dns.flags.TC
            assert len(reply.answer) == 3
            shown.add(frozenset(rrset[0].to_text() for rrset in reply.answer))
        assert len(shown) == 1
        sets |= shown
    assert len(sets) > 25
    # ANY is never more than A.
    reply = _read(many, _query(rtype="ANY"), Client(clients[0], tcp=False))
    assert reply is not None
    assert len(reply.answer) == 3
