"""Only the upstream's own reply to this very question counts; all else is passed over."""

import asyncio
import socket
import struct

import pytest

from dnsregistry.answers.protocol import EDNS_UDP_OCTETS
from dnsregistry.forward.inquiry import MOST_SENDS, MOST_STRANGERS
from tests.forward.conftest import Build, Listen
from tests.forward.fakes import ADDRESS, Behaviour, Seen, gives, gives_address, is_silent, respond

ANSWER = ["www.example. 300 IN A 192.0.2.1"]
FORGED = "@ 300 IN A 203.0.113.66"


def _turn(seen: Seen, octet: int, bits: int) -> bytes:
    """A forged reply with some bits of an octet turned."""
    wire = bytearray(respond(seen, FORGED))
    wire[octet] ^= bits
    return bytes(wire)


def _ask_other(seen: Seen, old: bytes, new: bytes) -> bytes:
    return respond(seen, FORGED).replace(old, new)


STRANGERS: dict[str, Behaviour] = {
    "one octet": lambda _: [b"\0"],
    "noise": lambda _: [b"\x00" * 40, b"\xff" * 600],
    "its header alone": lambda seen: [respond(seen, FORGED)[:12]],
    "another id": lambda seen: [_turn(seen, 1, 1), _turn(seen, 0, 0x80)],
    "a query": lambda seen: [_turn(seen, 2, 0x80), seen.wire],
    "another opcode": lambda seen: [_turn(seen, 2, 0x10)],
    "no question": lambda seen: [_turn(seen, 5, 1)],
    "two questions": lambda seen: [_turn(seen, 5, 3)],
    "another name": lambda seen: [_turn(seen, 13, 1)],
    "another type": lambda seen: [_turn(seen, 12 + 13 + 1, 2)],
    "another class": lambda seen: [_turn(seen, 12 + 13 + 3, 2)],
}


@pytest.mark.parametrize("kind", STRANGERS)
async def test_a_reply_to_something_else_is_passed_over(
    build: Build, listen: Listen, kind: str
) -> None:
    house = build(await listen(lambda seen: [*STRANGERS[kind](seen), *gives_address(seen)]))
    reply = await house.ask()
    assert reply.answer == ANSWER
    (tally,) = (upstream.tally for upstream in house.forwarder.upstreams())
    assert tally.asked == 1
    assert tally.strangers >= 1


async def test_a_reply_from_another_port_is_passed_over(build: Build, listen: Listen) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as elsewhere:
        elsewhere.bind(("127.0.0.1", 0))

        def behave(seen: Seen) -> list[bytes]:
            elsewhere.sendto(respond(seen, FORGED), seen.peer)
            return [respond(seen, ADDRESS)]

        assert (await build(await listen(behave, delay=0.05)).ask()).answer == ANSWER


async def test_a_late_true_reply_wins_over_early_forged_ones(build: Build, listen: Listen) -> None:
    upstream = await listen(is_silent)

    def behave(seen: Seen) -> list[bytes]:
        asyncio.get_running_loop().call_later(
            0.1, upstream._transport.sendto, respond(seen, ADDRESS), seen.peer
        )
        return [_turn(seen, 1, 1)] * 10

    upstream.behave = behave
    assert (await build(upstream).ask()).answer == ANSWER


async def test_very_many_strangers_end_in_asking_by_tcp(build: Build, listen: Listen) -> None:
    upstream = await listen(
        lambda seen: [_turn(seen, 1, 1)] * MOST_STRANGERS + [respond(seen, FORGED)],
        by_tcp=gives_address,
    )
    assert (await build(upstream).ask()).answer == ANSWER


async def test_ids_ports_and_case_differ_from_query_to_query(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    for number in range(40):
        await house.ask(f"a-name-with-letters{number}.example.")
    ids = {seen.wire[:2] for seen in upstream.seen}
    ports = {seen.peer[1] for seen in upstream.seen}
    cases = {seen.wire[13:33] for seen in upstream.seen}
    # Forty draws of 65,536 ids, 28,000 ports or 2^17 cases: four alike would be a miracle.
    assert min(len(ids), len(ports), len(cases)) > 36
    assert all(case.lower() != case for case in cases)


async def test_a_query_to_an_upstream_says_what_it_should(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    await house.ask(edns=4096, dnssec_ok=True)
    await house.ask("plain.example.")
    first, second = (seen.message for seen in upstream.seen)
    assert (first.edns, first.payload, first.ednsflags) == (0, EDNS_UDP_OCTETS, 0x8000)
    assert (second.edns, second.payload, second.ednsflags) == (0, EDNS_UDP_OCTETS, 0)
    assert first.flags == second.flags == 0x0100
    assert not first.options


def _lower(behave: Behaviour) -> Behaviour:
    """An upstream that gives every name back in lower case."""
    return lambda seen: [
        respond(Seen(seen.wire[:12] + seen.wire[12:].lower(), seen.tcp, seen.peer), ADDRESS)
        for _ in behave(seen)
    ]


NAME = "a-name-with-very-many-letters.example."


async def test_another_case_is_asked_for_again_by_tcp(build: Build, listen: Listen) -> None:
    def forge(seen: Seen) -> list[bytes]:
        wire = respond(seen, FORGED)
        return [wire[:12] + wire[12:50].swapcase() + wire[50:]]

    upstream = await listen(forge, by_tcp=gives_address)
    house = build(upstream)
    assert (await house.ask(NAME)).rdatas == ["192.0.2.1"]
    assert [seen.tcp for seen in upstream.seen] == [False, True]
    # Who keeps the case over TCP bears it: nothing is switched off for one forged reply.
    await house.ask("another-" + NAME)
    assert upstream.seen[-1].wire[12:50] != upstream.seen[-1].wire[12:50].lower()


async def test_mixed_case_is_given_up_where_tcp_shows_that_it_is_not_borne(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(_lower(gives_address))
    house = build(upstream)
    assert (await house.ask(NAME)).rdatas == ["192.0.2.1"]
    upstream.seen.clear()
    assert (await house.ask("other-" + NAME)).rdatas == ["192.0.2.1"]
    (seen,) = upstream.seen
    assert not seen.tcp
    assert seen.wire[12:50] == seen.wire[12:50].lower()


async def test_mixed_case_is_given_up_within_one_query_where_there_is_no_tcp(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(_lower(gives_address), tcp=False)
    house = build(upstream)
    reply = await house.ask(NAME.upper())
    assert reply.answer == [f"{NAME.upper()} 300 IN A 192.0.2.1"]
    assert len(upstream.seen) <= MOST_SENDS


async def test_tc_is_asked_for_again_by_tcp(build: Build, listen: Listen) -> None:
    records = tuple(f"@ 300 IN A 192.0.2.{number}" for number in range(200))
    upstream = await listen(gives("@ 300 IN A 192.0.2.0", flags=0x0200), by_tcp=gives(*records))
    house = build(upstream)
    reply = await house.ask(tcp=True)
    assert len(reply.answer) == 200
    assert reply.flags == "QR RD RA"
    assert [seen.tcp for seen in upstream.seen] == [False, True]
    assert upstream.seen[0].wire == upstream.seen[1].wire
    # What came whole is kept whole, and given to a small client as far as it fits.
    small = house.ask_at_once()
    assert small.flags == "QR TC RD RA"
    assert 0 < len(small.answer) < 200
    assert len(small.wire) <= 512


async def test_tc_over_tcp_or_no_tcp_at_all_gives_the_second_ones_answer(
    build: Build, listen: Listen
) -> None:
    cut = gives(FORGED, flags=0x0200)
    for first in (await listen(cut), await listen(cut, tcp=False)):
        house = build(first, await listen(gives_address))
        assert (await house.ask()).answer == ANSWER


def _hang_up(_: Seen) -> list[bytes]:
    raise ConnectionResetError


TCP_TROUBLE: dict[str, Behaviour] = {
    "hangs up": _hang_up,
    "says nothing": is_silent,
    "another id": lambda seen: [_turn(seen, 1, 1)],
    "another name": lambda seen: [_turn(seen, 13, 1)],
    "noise": lambda _: [b"\xff" * 300],
    "an empty message": lambda _: [b""],
    "a broken record": lambda seen: [respond(seen, ADDRESS)[:-1]],
    "TC again": gives(FORGED, flags=0x0200),
}


@pytest.mark.parametrize("kind", TCP_TROUBLE)
async def test_trouble_over_tcp_gives_the_second_ones_answer(
    build: Build, listen: Listen, kind: str
) -> None:
    first = await listen(gives(FORGED, flags=0x0200), by_tcp=TCP_TROUBLE[kind])
    assert (await build(first, await listen(gives_address)).ask()).answer == ANSWER


def _patch(seen: Seen, at: int, octets: bytes) -> bytes:
    wire = bytearray(respond(seen, ADDRESS))
    wire[at : at + len(octets)] = octets
    return bytes(wire)


HOSTILE: dict[str, Behaviour] = {
    "a pointer to itself": lambda seen: [_patch(seen, 29, b"\xc0\x1d")],
    "a pointer forward": lambda seen: [_patch(seen, 29, b"\xc0\x2a")],
    "a pointer into the header": lambda seen: [_patch(seen, 29, b"\xc0\x04")],
    "a label of type 01": lambda seen: [_patch(seen, 29, b"\x41")],
    "an answer too many": lambda seen: [_patch(seen, 6, b"\0\2")],
    "all answers that can be": lambda seen: [_patch(seen, 6, b"\xff\xff")],
    "an answer too few": lambda seen: [_patch(seen, 6, b"\0\0")],
    "data longer than the message": lambda seen: [_patch(seen, 39, b"\xff\xff")],
    "data shorter than an address": lambda seen: [_patch(seen, 39, b"\0\3")],
    "octets left over": lambda seen: [respond(seen, ADDRESS) + b"\0"],
    "a cut record": lambda seen: [respond(seen, ADDRESS)[:-2]],
    "a cname that loops": lambda seen: [
        respond(seen)[:6]
        + b"\0\1\0\0\0\0"
        + respond(seen)[12:29]
        + struct.pack("!HHHIHH", 0xC00C, 5, 1, 60, 2, 0xC000 | 41)
    ],
    "two opts": lambda seen: [
        respond(seen)[:10] + b"\0\2" + respond(seen)[12:29] + (b"\0\0\x29\4\xd0" + bytes(6)) * 2
    ],
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_a_hostile_reply_gives_the_second_ones_answer(
    build: Build, listen: Listen, kind: str
) -> None:
    house = build(await listen(HOSTILE[kind]), await listen(gives_address))
    assert (await house.ask()).answer == ANSWER
    assert house.forwarder.upstreams()[0].tally.faults["unreadable"] == 1


def _without_edns(rcode: str) -> Behaviour:
    """An upstream from before EDNS."""

    def behave(seen: Seen) -> list[bytes]:
        return [respond(seen, ADDRESS) if seen.message.edns < 0 else respond(seen, rcode=rcode)]

    return behave


@pytest.mark.parametrize("rcode", ["FORMERR", "NOTIMP", "BADVERS"])
async def test_an_upstream_without_edns_is_asked_without_from_then_on(
    build: Build, listen: Listen, rcode: str
) -> None:
    upstream = await listen(_without_edns(rcode))
    house = build(upstream)
    assert (await house.ask(edns=1232)).answer == ANSWER
    assert [seen.message.edns for seen in upstream.seen] == [0, -1]
    await house.ask("next.example.")
    assert [seen.message.edns for seen in upstream.seen] == [0, -1, -1]


async def test_a_header_alone_that_says_formerr_is_asked_again_without_edns(
    build: Build, listen: Listen
) -> None:
    def behave(seen: Seen) -> list[bytes]:
        if seen.message.edns < 0:
            return [respond(seen, ADDRESS)]
        return [seen.wire[:2] + b"\x81\x81" + bytes(8)]

    house = build(await listen(behave))
    assert (await house.ask()).answer == ANSWER


async def test_one_formerr_that_stays_does_not_give_edns_up(build: Build, listen: Listen) -> None:
    def behave(seen: Seen) -> list[bytes]:
        return [respond(seen, rcode="FORMERR")]

    upstream = await listen(behave)
    house = build(upstream)
    assert (await house.ask()).rcode == "SERVFAIL"
    upstream.behave = gives_address
    assert (await house.ask("next.example.")).rcode == "NOERROR"
    assert upstream.seen[-1].message.edns == 0


async def test_no_option_of_the_upstream_goes_on(build: Build, listen: Listen) -> None:
    def behave(seen: Seen) -> list[bytes]:
        wire = bytearray(respond(seen, ADDRESS))
        wire[11] = 1
        option = struct.pack("!HH", 10, 16) + bytes(16)
        return [bytes(wire) + struct.pack("!BHHIH", 0, 41, 4096, 0x8000, len(option)) + option]

    house = build(await listen(behave))
    reply = await house.ask(edns=4096)
    assert (reply.opts, reply.message.payload, reply.message.ednsflags) == (1, EDNS_UDP_OCTETS, 0)
    assert not reply.message.options
    assert house.ask_at_once().opts == 0
    assert house.ask_at_once(edns=512, dnssec_ok=False).opts == 1


async def test_forged_replies_alone_are_no_answer(build: Build, listen: Listen) -> None:
    house = build(await listen(is_silent), await listen(lambda seen: [_turn(seen, 1, 1)]))
    pending = house.begin()
    assert isinstance(pending, asyncio.Future)
    done, _ = await asyncio.wait([pending], timeout=1)
    assert not done


async def test_an_upstream_is_asked_over_ipv6(build: Build, listen: Listen, ipv6: str) -> None:
    upstream = await listen(gives(FORGED, flags=0x0200), by_tcp=gives_address, host=ipv6)
    assert (await build(upstream).ask()).answer == ANSWER
    assert [seen.tcp for seen in upstream.seen] == [False, True]
