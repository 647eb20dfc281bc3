"""Limits: who is answered how often, cookies, malformed options, and crowds of connections."""

import asyncio
import re
import statistics
from collections import Counter

import dns.edns
import pytest

from tests.conftest import Start
from tests.machine import require
from tests.program import PATIENCE, Program, TcpClient
from tests.wire import Reply, make_query, with_length

NAME = "user-service.registry.local"
LOOPBACK_COUNTS = "192.0.2.0/24"
"""What to exempt in the place of loopback and private networks."""
COOKIE = dns.edns.OptionType.COOKIE


def _option(code: int, octets: bytes) -> dns.edns.Option:
    return dns.edns.GenericOption(dns.edns.OptionType.make(code), octets)


def _kind(reply: Reply) -> str:
    """`slip` for an answer that says nothing but to come by TCP."""
    if "TC" in reply.flags:
        assert (reply.rcode, reply.answer, reply.authority) == ("NOERROR", [], [])
        return "slip"
    return reply.rcode


@pytest.fixture
async def limited(start: Start) -> Program:
    """Five responses a second, loopback included; the clock stands, so that none are added."""
    program = await start(rate_limit=5, rate_limit_exempt=LOOPBACK_COUNTS)
    await program.register("i1")
    return program


async def _exhaust(program: Program) -> None:
    """Ask until nothing is left; the next refused response is dropped, the one after slipped."""
    client = program.dns.udp()
    for _ in range(5):
        assert Reply.of(await client.exchange(make_query(NAME))).rcode == "NOERROR"


async def test_past_the_rate_every_second_response_is_slipped(limited: Program) -> None:
    client = limited.dns.udp()
    for number in range(25):
        await client.send(make_query(NAME, id=number))
    replies = [Reply.of(await client.receive()) for _ in range(15)]
    assert Counter(map(_kind, replies)) == {"NOERROR": 5, "slip": 10}
    assert len({reply.id for reply in replies}) == 15
    stats = (await limited.read_stats())["dns"]
    assert (stats["limited"], stats["rcodes"]) == (20, {"NOERROR": 5})


async def test_with_time_there_are_answers_again(limited: Program) -> None:
    await _exhaust(limited)
    limited.clock.advance(0.2)
    assert (await limited.ask(NAME)).rcode == "NOERROR"
    client = limited.dns.udp()
    await client.send(make_query(NAME, id=1))
    assert _kind(Reply.of(await client.exchange(make_query(NAME, id=2)))) == "slip"


async def test_tcp_is_not_limited(limited: Program) -> None:
    await _exhaust(limited)
    client = await limited.dns.tcp()
    for _ in range(50):
        assert Reply.of(await client.exchange(make_query(NAME))).rcode == "NOERROR"
    assert (await limited.read_stats())["dns"]["limited"] == 0


async def test_a_network_is_limited_as_one_and_another_is_not(limited: Program) -> None:
    await _exhaust(limited)
    same = limited.dns.udp(source="127.0.0.99")
    await same.send(make_query(NAME))
    assert _kind(Reply.of(await same.exchange(make_query(NAME)))) == "slip"
    assert (await limited.ask(NAME, source="127.0.7.1")).rcode == "NOERROR"


async def test_denials_and_faults_are_limited_as_answers_are(limited: Program) -> None:
    client = limited.dns.udp()
    for query in (
        make_query("nobody.registry.local"),
        make_query("example.org"),
        make_query(NAME) + b"left over",
        make_query(NAME, edns=1232, version=1),
        make_query(NAME, edns=1232, options=[_option(COOKIE, b"bad")]),
    ):
        await client.exchange(query)
    await client.send(make_query(NAME))
    assert _kind(Reply.of(await client.exchange(make_query(NAME)))) == "slip"


async def test_loopback_is_exempt_by_default(start: Start) -> None:
    program = await start(rate_limit=5)
    for _ in range(100):
        assert (await program.ask(NAME)).rcode == "NXDOMAIN"


async def test_a_valid_cookie_lifts_the_limit(limited: Program) -> None:
    """RFC 7873, 5.2.3 to 5.2.5; RFC 9018."""
    first = await limited.ask(NAME, edns=1232, options=[_option(COOKIE, b"clientco")])
    [cookie] = first.message.options
    octets = cookie.to_wire()
    assert octets is not None
    assert (octets[:8], len(octets)) == (b"clientco", 24)
    for _ in range(30):
        reply = await limited.ask(NAME, edns=1232, options=[_option(COOKIE, octets)])
        assert (reply.rcode, reply.rdatas) == ("NOERROR", ["10.0.0.1"])
    # From another address it proves nothing, and is no error either.
    stolen = await limited.ask(
        NAME, edns=1232, options=[_option(COOKIE, octets)], source="127.0.9.1"
    )
    assert stolen.rcode == "NOERROR"
    assert stolen.message.options[0].to_wire() != octets


async def _dig(program: Program, *arguments: str) -> str:
    command = [require("dig"), "@127.0.0.1", "-p", str(program.port), "+tries=1", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_dig_finds_our_cookies_good(limited: Program) -> None:
    output = await _dig(limited, "+cookie=0102030405060708", NAME)
    match = re.search(r"; COOKIE: (0102030405060708[0-9a-f]{32}) \(good\)", output)
    assert match, output
    await _exhaust_with_slip(limited)
    output = await _dig(limited, f"+cookie={match[1]}", "+ignore", NAME)
    assert "status: NOERROR" in output
    assert "flags: qr aa rd;" in output
    assert f"; COOKIE: {match[1]} (good)" in output


async def test_dig_comes_by_tcp_where_its_answer_was_slipped(limited: Program) -> None:
    await _exhaust(limited)
    client = limited.dns.udp()
    await client.send(make_query(NAME))
    output = await _dig(limited, "+nocookie", NAME)
    assert ";; Truncated, retrying in TCP mode." in output
    assert "10.0.0.1" in output


async def _exhaust_with_slip(program: Program) -> None:
    """Ask until a response is slipped; the next refused one is dropped."""
    client = program.dns.udp()
    for _ in range(4):
        assert Reply.of(await client.exchange(make_query(NAME))).rcode == "NOERROR"
    await client.send(make_query(NAME))
    assert _kind(Reply.of(await client.exchange(make_query(NAME)))) == "slip"


@pytest.mark.parametrize(
    ("code", "octets"),
    [
        (COOKIE, b""),
        (COOKIE, b"seven77"),
        (COOKIE, b"clientco7777777"),
        (COOKIE, bytes(41)),
        (8, b""),
        (8, b"\0\1\x18\x18\xc0\0\2"),
        (8, b"\0\1\x18\0\xc0\0"),
        (8, b"\0\1\x17\0\xc0\0\3"),
        (8, b"\0\7\x18\0\xc0\0\2"),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
async def test_a_malformed_option_is_a_format_error(
    program: Program, code: int, octets: bytes, tcp: bool
) -> None:
    """RFC 7873, 5.2.2; RFC 7871, 6: "SHOULD return FORMERR to reject the packet"."""
    reply = await program.ask(NAME, edns=1232, options=[_option(code, octets)], tcp=tcp)
    assert (reply.rcode, reply.flags, reply.opts) == ("FORMERR", "QR RD", 1)
    assert reply.question == [f"{NAME}. IN A"]
    assert reply.message.options == ()


async def test_options_are_answered_where_they_mean_something(start: Start) -> None:
    program = await start(chaos_id="node-1", tcp_idle=7.5)
    options = [
        _option(3, b""),
        _option(8, b"\0\1\x18\0\xc0\0\2"),
        _option(11, b""),
        _option(65001, b"x"),
    ]
    for tcp in (False, True):
        reply = await program.ask(NAME, edns=1232, options=options, tcp=tcp)
        told = {int(option.otype): option.to_wire() for option in reply.message.options}
        keepalive = {11: b"\0\x4b"} if tcp else {}
        assert told == {3: b"node-1", 8: b"\0\1\x18\0\xc0\0\2", **keepalive}


async def test_no_option_is_answered_that_was_not_asked(program: Program) -> None:
    assert (await program.ask(NAME, edns=1232)).message.options == ()
    assert (await program.ask(NAME, tcp=True)).opts == 0


async def _hold_open(program: Program, source: str) -> TcpClient:
    """A connection that was used once and stays."""
    client = await program.dns.tcp(source=source)
    await client.exchange(make_query(NAME))
    return client


async def _hold_half_open(program: Program, source: str) -> TcpClient:
    """A connection that brought half of a query."""
    client = await program.dns.tcp(source=source)
    await client.send_octets(with_length(make_query(NAME))[:20])
    return client


async def test_a_crowd_of_connections_does_not_delay_udp(start: Start) -> None:
    program = await start(tcp_idle=3600)
    await program.register("i1")
    held = [await _hold_open(program, "127.0.0.2") for _ in range(100)]
    held += [await _hold_half_open(program, f"127.0.0.{3 + n // 100}") for n in range(200)]
    client = program.dns.udp()
    loop = asyncio.get_running_loop()
    took = []
    for number in range(1000):
        began = loop.time()
        reply = await client.exchange(make_query(NAME, id=number))
        took.append(loop.time() - began)
        assert reply[:2] == number.to_bytes(2)
    # The slower half is the machine's: how often it was away.
    assert statistics.median(took) < 0.05
    # They are all still there, and none was turned away.
    assert (await program.read_stats())["dns"]["refused_connections"] == 0
    for connection in (held[0], held[99]):
        assert Reply.of(await connection.exchange(make_query(NAME))).rcode == "NOERROR"
    await held[-1].send_octets(with_length(make_query(NAME))[20:])
    assert Reply.of(await held[-1].receive()).rcode == "NOERROR"
