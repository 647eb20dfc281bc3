"""Replies that come later: each goes to whoever asked, and holds up nobody else's."""

import asyncio
import socket
from collections.abc import AsyncIterator

import dns.message
import dns.rrset
import pytest

from dnsregistry.answers.responder import Responder
from tests.conftest import Start
from tests.program import PATIENCE, Program
from tests.wire import Reply, make_query

LOCAL = "user-service.registry.local"


class Upstream:
    """Takes questions, and answers each when the test says so."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._waiting: dict[str, tuple[bytes, tuple[str, int]]] = {}
        self._came = asyncio.Condition()
        self._task = asyncio.create_task(self._listen())
        self.port = self._socket.getsockname()[1]

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message, peer = await loop.sock_recvfrom(self._socket, 4096)
            name = dns.message.from_wire(message).question[0].name.to_text().lower()
            async with self._came:
                self._waiting[name] = message, peer
                self._came.notify_all()

    async def wait_for(self, *names: str) -> None:
        """Wait until all of these were asked."""
        async with asyncio.timeout(PATIENCE), self._came:
            await self._came.wait_for(lambda: set(names) <= self._waiting.keys())

    def answer(self, name: str, address: str) -> None:
        """Answer a question that waits."""
        message, peer = self._waiting[name]
        query = dns.message.from_wire(message)
        reply = dns.message.make_response(query, recursion_available=True)
        reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", address))
        self._socket.sendto(reply.to_wire(), peer)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._socket.close()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """An upstream that answers when it is told to."""
    upstream = Upstream()
    yield upstream
    await upstream.close()


@pytest.fixture
async def program(start: Start, upstream: Upstream) -> Program:
    """A program that forwards there, with one instance of its own."""
    program = await start(upstreams=f"127.0.0.1:{upstream.port}")
    await program.register("i1")
    return program


async def test_replies_on_a_connection_come_as_they_are_there(
    program: Program, upstream: Upstream
) -> None:
    """RFC 7766, 7: servers are to prepare answers "in parallel" and send them "out of order"."""
    client = await program.dns.tcp()
    await client.send(
        make_query("one.test", id=1),
        make_query("two.test", id=2),
        make_query(LOCAL, id=3),
        make_query("three.test", id=4),
    )
    assert Reply.of(await client.receive()).id == 3
    await upstream.wait_for("one.test.", "two.test.", "three.test.")
    for name, address, number in (
        ("three.test.", "192.0.2.3", 4),
        ("one.test.", "192.0.2.1", 1),
        ("two.test.", "192.0.2.2", 2),
    ):
        upstream.answer(name, address)
        reply = Reply.of(await client.receive())
        assert (reply.id, reply.rdatas) == (number, [address])


async def test_a_half_closed_connection_gets_its_late_replies(
    program: Program, upstream: Upstream
) -> None:
    client = await program.dns.tcp()
    await client.send(make_query("one.test", id=1), make_query("two.test", id=2))
    client.socket.shutdown(socket.SHUT_WR)
    await upstream.wait_for("one.test.", "two.test.")
    for name in ("two.test.", "one.test."):
        upstream.answer(name, "192.0.2.1")
    assert {Reply.of(await client.receive()).id for _ in range(2)} == {1, 2}
    assert await client.wait_closed() == b""


async def test_a_connection_that_waits_for_a_reply_is_not_idle(
    start: Start, upstream: Upstream
) -> None:
    """RFC 7766, 3: an idle session is one on which "no queries are outstanding"."""
    program = await start(upstreams=f"127.0.0.1:{upstream.port}", tcp_idle=0.3)
    client = await program.dns.tcp()
    await client.send(make_query("one.test", id=1))
    await upstream.wait_for("one.test.")
    # Two idle ones, one after the other, are gone before the reply comes.
    for _ in range(2):
        assert await (await program.dns.tcp()).wait_closed() == b""
    upstream.answer("one.test.", "192.0.2.1")
    assert Reply.of(await client.receive()).rdatas == ["192.0.2.1"]
    assert await client.wait_closed() == b""


async def test_a_client_that_is_gone_costs_the_others_nothing(
    program: Program, upstream: Upstream
) -> None:
    gone, other = await program.dns.tcp(), await program.dns.tcp()
    await gone.send(make_query("one.test", id=1))
    await upstream.wait_for("one.test.")
    gone.socket.close()
    await other.send(make_query("two.test", id=2))
    await upstream.wait_for("two.test.")
    upstream.answer("one.test.", "192.0.2.1")
    upstream.answer("two.test.", "192.0.2.2")
    assert Reply.of(await other.receive()).id == 2
    assert (await program.read_stats())["dns"]["faults"] == 0


async def test_over_udp_each_client_gets_its_own_late_reply(
    program: Program, upstream: Upstream
) -> None:
    clients = [program.dns.udp() for _ in range(3)]
    for number, client in enumerate(clients):
        await client.send(make_query(f"n{number}.test", id=number))
    await upstream.wait_for("n0.test.", "n1.test.", "n2.test.")
    assert (await program.ask(LOCAL)).rcode == "NOERROR"
    for number in (2, 0, 1):
        upstream.answer(f"n{number}.test.", f"192.0.2.{number}")
        reply = Reply.of(await clients[number].receive())
        assert (reply.id, reply.rdatas) == (number, [f"192.0.2.{number}"])


async def test_a_connection_waits_for_so_many_and_is_read_from_again(
    program: Program, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.servers.tcp.OUTSTANDING", 3)
    client = await program.dns.tcp()
    await client.send(
        *(make_query(f"n{number}.test", id=number) for number in range(3)),
        make_query(LOCAL, id=9),
    )
    await upstream.wait_for("n0.test.", "n1.test.", "n2.test.")
    upstream.answer("n1.test.", "192.0.2.1")
    assert Reply.of(await client.receive()).id == 1
    # There is room again, so that the next query is read.
    assert Reply.of(await client.receive()).id == 9
    for number in (0, 2):
        upstream.answer(f"n{number}.test.", "192.0.2.1")
        assert Reply.of(await client.receive()).id == number


@pytest.mark.parametrize("tcp", [False, True])
async def test_an_error_of_ours_in_a_late_reply_is_servfail(
    program: Program, monkeypatch: pytest.MonkeyPatch, tcp: bool
) -> None:
    def fail_later(*_: object) -> asyncio.Future[bytes]:
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        future.get_loop().call_soon(future.set_exception, OSError("a fault that was put in"))
        return future

    monkeypatch.setattr(Responder, "respond", fail_later)
    reply = await program.ask(LOCAL, tcp=tcp)
    assert (reply.rcode, reply.answer) == ("SERVFAIL", [])
    assert (await program.read_stats())["dns"]["faults"] == 1
