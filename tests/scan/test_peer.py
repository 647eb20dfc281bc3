"""One peer, however it behaves."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from ipaddress import ip_address

import pytest
from aiohttp import web

from dnsregistry.scan.identity import Identity
from dnsregistry.scan.peer import Asker, Failure, Limits, Unidentified
from dnsregistry.scan.ranges import Target
from tests.program import PATIENCE
from tests.scan.peers import Behaviour, Peers, be_silent, drip, flood, identify, say

TIME = "2025-11-23T12:00:00"
ANSWER = b'{"service_type": "coordinator", "service_id": "c1", "metadata": {"a": 1}}'


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    """With patience for a slow machine."""
    made = Asker(Limits(connect=10.0, answer=10.0, octets=4096), lambda: TIME)
    yield made
    await made.close()


async def _ask(asker: Asker, peers: Peers, behave: Behaviour) -> Identity | Unidentified:
    address = await peers.start(1, behave)
    return await asker.ask(Target(ip_address(address), peers.port))


async def test_a_line_of_json_is_asked_for_as_the_document_has_it(
    asker: Asker, peers: Peers
) -> None:
    seen: list[bytes] = []

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readline())
        writer.write(ANSWER + b"\n")
        await reader.read()

    answer = await _ask(asker, peers, behave)
    assert answer == Identity("coordinator", "c1", {"a": 1}, {}, 1)
    assert seen[0].endswith(b"\n")
    assert json.loads(seen[0]) == {"type": "identify", "timestamp": TIME}


@pytest.mark.parametrize("wait", [True, False])
async def test_an_answer_needs_neither_a_newline_nor_an_end(
    asker: Asker, peers: Peers, wait: bool
) -> None:
    assert isinstance(await _ask(asker, peers, say(ANSWER, wait=wait)), Identity)


async def test_an_answer_may_come_in_pieces(asker: Asker, peers: Peers) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for octet in ANSWER:
            writer.write(bytes([octet]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    assert isinstance(await _ask(asker, peers, behave), Identity)


@pytest.mark.parametrize("path", ["/", "/identify"])
async def test_a_peer_that_speaks_http_is_asked_by_post(asker: Asker, path: str) -> None:
    seen: list[object] = []

    async def post(request: web.Request) -> web.Response:
        seen.append(await request.json())
        return web.Response(body=ANSWER, content_type="application/json")

    application = web.Application()
    application.router.add_post(path, post)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    answer = await asker.ask(Target(ip_address("127.0.0.1"), port))
    await runner.cleanup()
    assert answer == Identity("coordinator", "c1", {"a": 1}, {}, 1)
    assert seen == [{"type": "identify", "timestamp": TIME}]


async def test_a_server_that_waits_for_the_end_of_a_header_is_asked_by_post(
    asker: Asker, peers: Peers
) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"POST / HTTP/1.1\r\n")
        length = len(ANSWER)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + ANSWER)
        await reader.read()

    assert isinstance(await _ask(asker, peers, behave), Identity)


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (flood(b'{"service_type": "', b"x"), Failure.UNREADABLE),
        (flood(b"", b" "), Failure.UNREADABLE),
        (flood(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), Failure.UNREADABLE),
        (say(b"hello, world\n"), Failure.UNREADABLE),
        (say(b"\x00" * 100000), Failure.UNREADABLE),
        (say(b"{}"), Failure.UNREADABLE),
        (say(b"{]}"), Failure.UNREADABLE),
        (say(b"[1, 2]"), Failure.UNREADABLE),
        (say(b'{"service_type": "', wait=False), Failure.UNREADABLE),
        (say(b"", wait=False), Failure.UNREADABLE),
        (say(b"HTTP/1.1 500 Oh\r\n\r\n"), Failure.UNREADABLE),
        (say(b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), Failure.UNREADABLE),
        (say(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000), Failure.UNREADABLE),
        (say(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000), Failure.UNREADABLE),
        (say(b"HTTP/9 zzz\r\n\r\n"), Failure.UNREADABLE),
        (identify("web", metadata=[1]), Failure.UNREADABLE),
    ],
)
async def test_whatever_else_a_peer_does_ends_in_time_as_no_identity(
    asker: Asker, peers: Peers, behave: Behaviour, failure: Failure
) -> None:
    answer = await _ask(asker, peers, behave)
    assert isinstance(answer, Unidentified)
    assert answer.failure is failure
    assert answer.reason


@pytest.mark.parametrize("behave", [be_silent, drip])
async def test_whoever_says_nothing_whole_costs_no_more_than_the_limit(
    peers: Peers, behave: Behaviour
) -> None:
    hasty = Asker(Limits(connect=10.0, answer=0.8), lambda: TIME)
    async with asyncio.timeout(PATIENCE):
        answer = await _ask(hasty, peers, behave)
    assert answer == Unidentified(Failure.SILENT, "says nothing whole in time")
    await hasty.close()


async def test_a_closed_port_is_refused(asker: Asker, peers: Peers) -> None:
    answer = await asker.ask(Target(ip_address("127.77.0.9"), peers.port))
    assert answer == Unidentified(Failure.REFUSED, "the port is closed")


async def test_who_takes_no_connection_is_silent() -> None:
    """A backlog that is full leaves the connection unanswered, as a dropping firewall does."""
    asker = Asker(Limits(connect=0.2, answer=0.2), lambda: TIME)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(address)
        answer = await asker.ask(Target(ip_address("127.0.0.1"), address[1]))
        for sock in waiting:
            sock.close()
    assert isinstance(answer, Unidentified)
    assert answer.failure is Failure.SILENT
    await asker.close()
