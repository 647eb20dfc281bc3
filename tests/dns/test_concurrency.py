"""Many clients at once, each of which gets its own answers."""

import asyncio
import random

from tests.program import Program, TcpClient, UdpClient
from tests.wire import Reply, make_query

CLIENTS = 64
QUERIES = 25


async def _ask_own(client: UdpClient | TcpClient, number: int) -> None:
    """Ask for the client's own name, and read nothing but the answer to that."""
    name = f"c{number}.registry.local"
    for drawn in random.sample(range(1 << 16), QUERIES):
        reply = Reply.of(await client.exchange(make_query(name, id=drawn)))
        assert reply.id == drawn
        assert reply.answer == [f"{name}. 5 IN A 10.1.0.{number}"]


async def _ask_own_pipelined(client: TcpClient, number: int) -> None:
    name = f"c{number}.registry.local"
    ids = random.sample(range(1 << 16), QUERIES)
    await client.send(*(make_query(name, id=drawn) for drawn in ids))
    replies = [Reply.of(await client.receive()) for _ in ids]
    assert {reply.id for reply in replies} == set(ids)
    assert all(reply.answer == [f"{name}. 5 IN A 10.1.0.{number}"] for reply in replies)


async def test_sixty_four_clients_at_once_get_their_own_answers(program: Program) -> None:
    await program.register_all(
        [
            {"id": f"c{number}", "service": f"c{number}", "address": f"10.1.0.{number}", "port": 80}
            for number in range(CLIENTS)
        ]
    )
    async with asyncio.TaskGroup() as group:
        for number in range(CLIENTS):
            group.create_task(_ask_own(program.dns.udp(), number))
            group.create_task(_ask_own(await program.dns.tcp(), number))
        for number in range(0, CLIENTS, 2):
            group.create_task(_ask_own_pipelined(await program.dns.tcp(), number))
    assert (await program.read_stats())["dns"]["faults"] == 0
