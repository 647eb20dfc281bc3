"""TCP: clients that do not read, and the end of the server."""

import asyncio

import pytest

from tests.conftest import Start
from tests.program import Program, TcpClient
from tests.wire import make_query

SRV = "_user-service._tcp.registry.local"


async def _start_with_long_answers(start: Start, **settings: object) -> Program:
    program = await start(**settings)
    await program.register_all(
        [
            {"service": "user-service", "address": f"10.0.{number >> 8}.{number & 255}", "port": 1}
            for number in range(300)
        ]
    )
    return program


async def _send_without_end(client: TcpClient, query: bytes) -> None:
    while True:
        await client.send(*[query] * 100)


async def test_a_client_that_never_reads_is_cut(start: Start) -> None:
    program = await _start_with_long_answers(start, tcp_idle=0.5)
    client = await program.dns.tcp()
    cut = asyncio.create_task(_send_without_end(client, make_query(SRV, "SRV")))
    while await _is_busy(program):
        assert (await program.ask(SRV, "SRV", tcp=True)).rcode == "NOERROR"
    with pytest.raises(ConnectionError):
        await cut
    # No more was answered than the system takes in: some megabytes of some 20 kB each.
    assert (await program.read_stats())["dns"]["queries"]["tcp"] < 1000


async def test_a_client_that_reads_late_gets_everything(start: Start) -> None:
    program = await _start_with_long_answers(start)
    client = await program.dns.tcp()
    query = make_query(SRV, "SRV")
    sending = asyncio.create_task(client.send(*[query] * 500))
    while await _is_busy(program):
        pass
    assert (await program.read_stats())["dns"]["queries"]["tcp"] < 500
    replies = [await client.receive() for _ in range(500)]
    await sending
    assert {reply[:2] for reply in replies} == {query[:2]}


async def test_the_stop_cuts_connections_that_would_stay(start: Start) -> None:
    program = await start(tcp_idle=3600)
    clients = [await program.dns.tcp() for _ in range(3)]
    await clients[0].exchange(make_query(SRV, "SRV"))
    await clients[1].send_octets(b"\0")
    await program.app.stop()
    for client in clients:
        assert await client.wait_closed() == b""


async def _is_busy(program: Program) -> bool:
    """Whether queries over TCP are still being answered, or none was yet."""
    before = (await program.read_stats())["dns"]["queries"]["tcp"]
    after = (await program.read_stats())["dns"]["queries"]["tcp"]
    return bool(before == 0 or after > before)
