"""Names that are not ours: who has them asked for, and what is said of that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from dnsregistry.answers.access import Client
from dnsregistry.answers.protocol import Rcode
from tests.answers.elsewhere import Elsewhere

if TYPE_CHECKING:
    from tests.answers.conftest import House

INSIDE, OUTSIDE = Client("10.0.0.1", tcp=False), Client("192.0.2.1", tcp=False)


def _query(name: str, *, rd: bool = True, edns: int | None = None, rtype: str = "A") -> bytes:
    options: list[dns.edns.Option] = [] if edns is None else [dns.edns.NSIDOption(b"")]
    flags = dns.flags.RD if rd else 0
    use_edns = -1 if edns is None else 0
    return dns.message.make_query(
        name, rtype, flags=flags, use_edns=use_edns, payload=edns, options=options
    ).to_wire()


def _read(reply: object) -> dns.message.Message:
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


@pytest.fixture
def open_house(build: Callable[..., House]) -> tuple[House, Elsewhere]:
    """Recursion for 10.0.0.0/8; one instance, and a server id."""
    elsewhere = Elsewhere()
    house = build(recursion=elsewhere.open_to("10.0.0.0/8"), server_id="n")
    house.add("a")
    return house, elsewhere


@pytest.mark.parametrize(
    ("tcp", "edns", "limit"),
    [(False, None, 512), (False, 900, 900), (False, 4096, 1232), (True, None, 65535)],
)
def test_others_names_are_asked_for_in_the_clients_size(
    open_house: tuple[House, Elsewhere], tcp: bool, edns: int | None, limit: int
) -> None:
    house, elsewhere = open_house
    message = _query("example.org", edns=edns)
    assert house.responder.respond(message, Client("10.0.0.1", tcp)) == b"theirs"
    ((query, passed, told, options),) = elsewhere.asked
    assert (str(query.question.name), passed, told) == ("example.org.", message, limit)
    # Ours to answer, so that theirs has only to put them into its OPT.
    assert options == (b"" if edns is None else b"\0\x03\0\x01n")
    assert house.responder.tally.forwarded == 1
    assert house.responder.tally.rcodes.total() == 1


async def test_a_reply_that_comes_later_is_passed_on_as_such(
    build: Callable[..., House],
) -> None:
    future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    house = build(recursion=Elsewhere(future).open_to())
    assert house.responder.respond(_query("example.org"), INSIDE) is future


@pytest.mark.parametrize(
    ("client", "rd", "code", "why"),
    [
        (INSIDE, False, 20, "recursion was not asked for"),
        (OUTSIDE, True, 18, "this client may not have others asked"),
        (OUTSIDE, False, 20, "recursion was not asked for"),
    ],
    ids=str,
)
def test_without_desire_or_permission_others_names_are_refused_and_it_is_said_why(
    open_house: tuple[House, Elsewhere], client: Client, rd: bool, code: int, why: str
) -> None:
    house, elsewhere = open_house
    reply = _read(house.responder.respond(_query("example.org", rd=rd, edns=1232), client))
    (told,) = (option for option in reply.options if isinstance(option, dns.edns.EDEOption))
    assert (told.code, why in (told.text or "")) == (code, True)
    assert reply.rcode() == dns.rcode.REFUSED
    assert not reply.flags & dns.flags.AA
    assert elsewhere.asked == []
    assert house.responder.tally.rcodes == {Rcode.REFUSED: 1}


@pytest.mark.parametrize(("client", "available"), [(INSIDE, True), (OUTSIDE, False)])
@pytest.mark.parametrize("rd", [False, True])
def test_ra_says_whether_this_client_may(
    open_house: tuple[House, Elsewhere], client: Client, available: bool, rd: bool
) -> None:
    """RFC 1035, 4.1.1: "denotes whether recursive query support is available"."""
    house, elsewhere = open_house
    for name in ("user-service.registry.local", "unknown.registry.local", "registry.local"):
        reply = _read(house.responder.respond(_query(name, rd=rd), client))
        assert bool(reply.flags & dns.flags.RA) == available
        assert bool(reply.flags & dns.flags.RD) == rd
        assert reply.flags & dns.flags.AA
    assert elsewhere.asked == []


def test_without_recursion_it_is_never_available(build: Callable[..., House]) -> None:
    reply = _read(build().responder.respond(_query("registry.local"), INSIDE))
    assert not reply.flags & dns.flags.RA


def test_other_classes_and_transfers_are_not_passed_on(
    open_house: tuple[House, Elsewhere],
) -> None:
    house, elsewhere = open_house
    for query in (_query("example.org", rtype="AXFR"), _query("example.org", rtype="TKEY")):
        house.responder.respond(query, INSIDE)
    chaos = dns.message.make_query("version.bind", "TXT", "CH").to_wire()
    house.responder.respond(chaos, INSIDE)
    assert elsewhere.asked == []
