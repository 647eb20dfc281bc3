"""An alias that leaves our zones, followed for whoever asks for recursion."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from dnsregistry.answers.access import Client
from dnsregistry.answers.answer import Answer
from dnsregistry.answers.chase import ask_for_end, join_end, read_name
from dnsregistry.answers.message import encode
from dnsregistry.answers.protocol import Rcode
from dnsregistry.answers.query import Query, decode
from dnsregistry.zone.name import Name
from tests.answers.elsewhere import Elsewhere

if TYPE_CHECKING:
    from tests.answers.conftest import House

CLIENT = Client("10.0.0.1", tcp=False)
TARGET = Name.from_text("api.example.org")
ALIAS = "web.registry.local. 5 IN CNAME api.example.org."
THEIRS = (
    "API.example.org. 60 IN CNAME lb.example.net.",
    "lb.example.net. 30 IN A 192.0.2.1",
    "lb.example.net. 30 IN A 192.0.2.2",
)


def _reply(*lines: str, rcode: str = "NOERROR", rtype: str = "A") -> bytes:
    """What upstream says of the target, its names compressed."""
    query = dns.message.make_query("api.example.org", rtype)
    reply = dns.message.make_response(query)
    reply.set_rcode(dns.rcode.from_text(rcode))
    for line in lines:
        owner, ttl, rclass, kind, data = line.split(" ", 4)
        rrset = dns.rrset.from_text(owner, int(ttl), rclass, kind, data)
        reply.answer.append(rrset)
    return reply.to_wire()


def _ask(rtype: str = "A", *, rd: bool = True, payload: int = 1232) -> bytes:
    flags = dns.flags.RD if rd else 0
    query = dns.message.make_query(
        "WEB.registry.local", rtype, flags=flags, use_edns=0, payload=payload
    )
    return query.to_wire()


def _read(reply: object) -> tuple[str, str, list[str]]:
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    lines = [rrset.to_text() for rrset in message.answer]
    return dns.rcode.to_text(message.rcode()), dns.flags.to_text(message.flags), lines


def _open(build: Callable[..., House], elsewhere: Elsewhere) -> House:
    house = build(recursion=elsewhere.open_to("10.0.0.0/8"))
    house.add("a", service="web", address="api.example.org")
    return house


def test_the_question_for_the_end_is_one_of_a_resolver() -> None:
    query, message = ask_for_end(TARGET, 28)
    assert decode(message) == query
    theirs = dns.message.from_wire(message)
    assert theirs.question[0].to_text() == "api.example.org. IN AAAA"
    assert dns.flags.to_text(theirs.flags) == "RD"


@pytest.mark.parametrize("at", [12, 255, 256, 0x1FFF, 0x3FFF])
def test_a_name_is_read_from_as_far_as_a_pointer_reaches(at: int) -> None:
    reply = bytes(at) + b"\3API\0" + b"\3www" + (0xC000 | at).to_bytes(2) + b"?"
    assert read_name(reply, at + 5) == (Name.from_text("www.api"), at + 11)


def test_the_end_stands_behind_the_alias(build: Callable[..., House]) -> None:
    elsewhere = Elsewhere(_reply(*THEIRS))
    house = _open(build, elsewhere)
    rcode, flags, lines = _read(house.responder.respond(_ask(), CLIENT))
    assert (rcode, flags) == ("NOERROR", "QR AA RD RA")
    # Names are told in the client's case where it wrote them, else in lower case.
    assert [line.lower() for line in lines] == [line.lower() for line in (ALIAS, *THEIRS)]
    ((query, message, limit, options),) = elsewhere.asked
    assert query == decode(message)
    assert isinstance(query, Query)
    assert (query.question.name, limit, options) == (TARGET, 65535, b"")


async def test_an_end_that_comes_later_is_waited_for(build: Callable[..., House]) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    house = _open(build, Elsewhere(future))
    reply = house.responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    assert not reply.done()
    assert house.responder.tally.rcodes.total() == 0
    future.set_result(_reply("api.example.org. 9 IN A 192.0.2.9"))
    assert _read(await reply)[2] == [
        ALIAS.replace("web", "WEB"),
        "api.example.org. 9 IN A 192.0.2.9",
    ]
    assert house.responder.tally.rcodes == {Rcode.NOERROR: 1}


async def test_whoever_waits_no_longer_withdraws_the_question(build: Callable[..., House]) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    reply = _open(build, Elsewhere(future)).responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    reply.cancel()
    await asyncio.sleep(0)
    assert future.cancelled()
    await asyncio.sleep(0)


async def test_whoever_goes_at_the_moment_of_the_reply_is_no_error(
    build: Callable[..., House],
) -> None:
    loop = asyncio.get_running_loop()
    errors: list[object] = []
    loop.set_exception_handler(lambda _, context: errors.append(context))
    future: asyncio.Future[bytes] = loop.create_future()
    reply = _open(build, Elsewhere(future)).responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    future.set_result(_reply(*THEIRS))
    reply.cancel()
    await asyncio.sleep(0)
    assert errors == []


async def test_a_question_that_is_withdrawn_is_not_answered(build: Callable[..., House]) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    reply = _open(build, Elsewhere(future)).responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    future.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reply


@pytest.mark.parametrize("octets", [b"", b"\0\0\x80\0\0\1\0\1\0\0\0\0\0\0\1\0\1"])
async def test_a_reply_that_cannot_be_read_is_told_to_whoever_waits(
    build: Callable[..., House], octets: bytes
) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    reply = _open(build, Elsewhere(future)).responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    future.set_result(octets)
    with pytest.raises(IndexError):
        await reply


async def test_a_failure_elsewhere_is_told_to_whoever_waits(build: Callable[..., House]) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    reply = _open(build, Elsewhere(future)).responder.respond(_ask(), CLIENT)
    assert isinstance(reply, asyncio.Future)
    future.set_exception(OSError("a fault that was put in"))
    with pytest.raises(OSError, match="put in"):
        await reply


@pytest.mark.parametrize("rd", [False, True])
@pytest.mark.parametrize("client", ["10.0.0.1", "192.0.2.1"])
def test_without_desire_or_permission_the_alias_stands_alone(
    build: Callable[..., House], rd: bool, client: str
) -> None:
    elsewhere = Elsewhere(_reply(*THEIRS))
    house = _open(build, elsewhere)
    _, _, lines = _read(house.responder.respond(_ask(rd=rd), Client(client, tcp=False)))
    chased = rd and client == "10.0.0.1"
    assert len(lines) == (4 if chased else 1)
    assert len(elsewhere.asked) == chased
    assert house.responder.tally.rcodes == {Rcode.NOERROR: 1}


@pytest.mark.parametrize("rtype", ["SRV", "TXT", "CNAME", "MX", "ANY"])
def test_for_types_that_no_program_connects_by_the_alias_stands_alone(
    build: Callable[..., House], rtype: str
) -> None:
    elsewhere = Elsewhere()
    reply = _open(build, elsewhere).responder.respond(_ask(rtype), CLIENT)
    assert len(_read(reply)[2]) == 1
    assert elsewhere.asked == []


def test_an_end_that_is_not_there_is_denied_with_the_alias(build: Callable[..., House]) -> None:
    """RFC 6604, 3: the rcode is that of the chain's end."""
    house = _open(build, Elsewhere(_reply(rcode="NXDOMAIN")))
    rcode, _, lines = _read(house.responder.respond(_ask(), CLIENT))
    assert (rcode, len(lines)) == ("NXDOMAIN", 1)
    assert house.responder.tally.rcodes == {Rcode.NXDOMAIN: 1}


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "FORMERR", "NOTIMP", "YXDOMAIN"])
def test_an_end_that_nobody_could_tell_is_a_failure(
    build: Callable[..., House], rcode: str
) -> None:
    house = _open(build, Elsewhere(_reply(*THEIRS, rcode=rcode)))
    assert _read(house.responder.respond(_ask(), CLIENT))[::2] == ("SERVFAIL", [])


def test_what_is_no_alias_and_no_address_is_left_out() -> None:
    rrsig = "A 8 2 60 20300101000000 20200101000000 1 example.org. AAAA"
    reply = _reply(
        "api.example.org. 60 IN AAAA 2001:db8::1", f"api.example.org. 60 IN RRSIG {rrsig}"
    )
    joined = join_end(Answer(Rcode.NOERROR, authoritative=True), reply)
    assert [line for rrset in joined.answer for line in rrset.lines()] == [
        "api.example.org. 60 IN AAAA 2001:db8::1"
    ]


def test_a_denial_of_the_end_brings_the_soa_of_its_zone() -> None:
    """RFC 2308, 3: without it no cache may keep the denial."""
    query = dns.message.make_query("api.example.org", "A")
    reply = dns.message.make_response(query)
    soa = "ns.example.org. host.example.org. 7 60 15 86400 9"
    reply.authority.append(dns.rrset.from_text("example.org.", 30, "IN", "SOA", soa))
    reply.authority.append(dns.rrset.from_text("example.org.", 30, "IN", "NS", "ns.example.org."))
    joined = join_end(Answer(Rcode.NOERROR), reply.to_wire())
    assert [line for rrset in joined.authority for line in rrset.lines()] == [
        f"example.org. 30 IN SOA {soa}"
    ]


def test_records_of_one_set_share_the_shortest_ttl() -> None:
    """RFC 2181, 5.2."""
    reply = _reply("api.example.org. 60 IN A 192.0.2.1", "api.example.org. 20 IN A 192.0.2.2")
    joined = join_end(Answer(Rcode.NOERROR), reply)
    assert [line for rrset in joined.answer for line in rrset.lines()] == [
        "api.example.org. 20 IN A 192.0.2.1",
        "api.example.org. 20 IN A 192.0.2.2",
    ]


def test_a_long_end_is_cut_to_the_clients_size(build: Callable[..., House]) -> None:
    many = [f"api.example.org. 60 IN A 192.0.2.{place}" for place in range(60)]
    house = _open(build, Elsewhere(_reply(*many)))
    reply = house.responder.respond(_ask(payload=512), CLIENT)
    assert isinstance(reply, bytes)
    assert len(reply) <= 512
    _, flags, lines = _read(reply)
    assert "TC" in flags
    assert lines[0].endswith("CNAME api.example.org.")
    again = house.responder.respond(_ask(payload=512), CLIENT)
    assert set(_read(again)[2]) == set(lines)


def test_what_was_joined_is_what_was_sent() -> None:
    """Our own writer's replies are read back too."""
    query, _ = ask_for_end(TARGET, 1)
    first = join_end(Answer(Rcode.NOERROR), _reply(*THEIRS))
    again = join_end(Answer(Rcode.NOERROR), encode(query, first, 65535))
    assert again == first
