"""When a change is seen: at once; and when a lease ends: on time. Real process, sockets, clock."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import pytest

from tests.endtoend.conftest import Serve
from tests.endtoend.process import Served
from tests.wire import Reply, make_query

NAME = "user-service.registry.local"
ROUNDS = 300
OTHERS = 10_000
LEASE = 2.0
LATEST = 0.2
"""Seconds past its deadline at which a lease may still be answered; the clock allows none."""


@pytest.fixture
async def served(serve: Serve) -> Served:
    """A process without instances."""
    return await serve()


@pytest.fixture
async def http(served: Served) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of its API that raises on every refusal."""
    async with aiohttp.ClientSession(served.url, raise_for_status=True) as session:
        yield session


async def _put(http: aiohttp.ClientSession, id: str, **fields: object) -> int:
    body = {"service": "user-service", "address": "10.0.0.1", "port": 80, **fields}
    async with http.put(f"/v1/instances/{id}", json=body) as response:
        await response.read()
        return response.status


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_change_is_in_the_first_answer_after_it_was_acknowledged(
    served: Served, http: aiohttp.ClientSession, tcp: bool
) -> None:
    client = await served.dns.tcp() if tcp else served.dns.udp()
    query = make_query(NAME)

    async def ask() -> tuple[str, list[str]]:
        reply = Reply.of(await client.exchange(query))
        return reply.rcode, reply.rdatas

    for _ in range(ROUNDS):
        assert await ask() == ("NXDOMAIN", [])
        assert await _put(http, "i", address="10.0.0.1") == 201
        assert await ask() == ("NOERROR", ["10.0.0.1"])
        assert await _put(http, "i", address="10.0.0.2") == 200
        assert await ask() == ("NOERROR", ["10.0.0.2"])
        async with http.put("/v1/instances/i/status", json={"status": "draining"}):
            assert await ask() == ("NOERROR", [])
        async with http.delete("/v1/instances/i"):
            assert await ask() == ("NXDOMAIN", [])


@dataclass
class Watched:
    """One short lease: when it was asked for and acknowledged, and what was answered since."""

    id: str
    query: bytes
    asked: float = 0.0
    acknowledged: float = 0.0
    last_there: float = 0.0
    first_gone: float = 0.0


async def _register_others(http: aiohttp.ClientSession) -> Sequence[str]:
    ids = [f"o{number}" for number in range(OTHERS)]
    body = [
        {"id": name, "service": f"s{place % 500}", "address": "10.1.0.1", "port": 1 + place}
        | {"ttl": 4}
        for place, name in enumerate(ids)
    ]
    async with http.post("/v1/instances", json=body) as response:
        assert response.status == 201
    return ids


async def _beat(http: aiohttp.ClientSession, ids: Sequence[str]) -> None:
    """Keep them all alive, in one request each second."""
    while True:
        async with http.post("/v1/heartbeats", json={"ids": ids}) as response:
            assert await response.json() == {"renewed": len(ids), "unknown": []}
        await asyncio.sleep(1)


async def _watch(served: Served, watched: Sequence[Watched]) -> None:
    """Ask for each in turn, without a pause, until all are gone."""
    client = served.dns.udp()
    left = list(watched)
    while left:
        for one in list(left):
            sent = time.monotonic()
            rcode = Reply.of(await client.exchange(one.query)).rcode
            if rcode == "NOERROR":
                one.last_there = sent
            else:
                assert rcode == "NXDOMAIN"
                one.first_gone = time.monotonic()
                left.remove(one)


async def test_a_lease_ends_on_time_among_ten_thousand_that_live(
    served: Served, http: aiohttp.ClientSession
) -> None:
    ids = await _register_others(http)
    beating = asyncio.create_task(_beat(http, ids))
    watched = [
        Watched(f"w{number}", make_query(f"w{number}.i.registry.local")) for number in range(5)
    ]
    for one in watched:
        one.asked = time.monotonic()
        await _put(http, one.id, ttl=LEASE)
        one.acknowledged = time.monotonic()
    async with asyncio.timeout(LEASE * 10):
        await _watch(served, watched)
    for one in watched:
        assert one.first_gone - one.asked >= LEASE
        # Whatever the machine's speed, nothing that was asked later than this was answered.
        assert one.last_there - one.acknowledged < LEASE + LATEST
    assert not beating.done()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
