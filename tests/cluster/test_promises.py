"""A lease lives as long as was acknowledged, whichever server says when it ends."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dnsregistry.storage.cluster.address import read_address
from dnsregistry.storage.cluster.link import Link, Reply, open_link
from dnsregistry.storage.cluster.scripts import load_scripts
from tests.cluster.conftest import Launch
from tests.cluster.nodes import until
from tests.redisserver import RedisServer

EPOCH = "e"
META, DUE = "{p}:meta", "{p}:due"
TTL = 30_000
GRACE = 3_500
SCRIPTS = load_scripts()

Open = Callable[[RedisServer], Awaitable[Link]]


@pytest.fixture
async def connect() -> AsyncIterator[Open]:
    links: list[Link] = []

    async def connect_one(server: RedisServer) -> Link:
        links.append(await open_link(read_address(server.url), "p"))
        return links[-1]

    yield connect_one
    for link in links:
        await link.close()


def _advance(server: RedisServer, ms: int) -> None:
    # Both, or the time that was skipped would be an outage.
    for field in ("skew", "clock"):
        server.command("HINCRBY", META, field, ms)


async def _claim(link: Link, revision: int = 0) -> Reply:
    lineage = EPOCH if revision else ""
    return await link.run(SCRIPTS.claim, "node", lineage, revision, -1, EPOCH, 1, "n1")


async def _tick(link: Link) -> None:
    await link.run(SCRIPTS.tick, EPOCH, "node", 0, "-", "reap", 100, 2000)


def _held(server: RedisServer) -> list[bytes]:
    held: list[bytes] = server.command("HKEYS", "{p}:held")
    return held


async def _lag(launch: Launch, connect: Open) -> RedisServer:
    """A server that has a lease as it was before the last heartbeat, which comes just in time."""
    at_once = ("--appendonly", "no", "--repl-diskless-sync-delay", "0")
    master, replica = launch(*at_once), launch(*at_once)
    link = await connect(master)
    await _claim(link)
    await link.run(SCRIPTS.put, EPOCH, "n2", "", "a", "-", TTL, "healthy.healthy.-.-", "", "{}")
    _advance(master, TTL - 5_000)
    replica.command("REPLICAOF", master.host, master.port)
    clock = master.command("HGET", META, "clock")
    await until(lambda: replica.command("HGET", META, "clock") == clock)
    replica.command("REPLICAOF", "NO", "ONE")
    assert (await link.run(SCRIPTS.renew, EPOCH, "a"))[3:] == []
    return replica


async def test_a_server_that_lacks_heartbeats_ends_no_lease_that_had_one(
    launch: Launch, connect: Open
) -> None:
    other = await _lag(launch, connect)
    link = await connect(other)
    await _claim(link, 1)
    _advance(other, 6_000)
    await _tick(link)
    assert _held(other) == [b"a"]
    assert (await link.run(SCRIPTS.renew, EPOCH, "a"))[3:] == []


async def test_nor_does_it_before_a_node_has_come_to_it(launch: Launch, connect: Open) -> None:
    other = await _lag(launch, connect)
    link = await connect(other)
    _advance(other, 6_000)
    # The first script of all is one that ends leases.
    await _tick(link)
    assert _held(other) == [b"a"]


async def test_a_lease_without_heartbeats_ends_on_another_server_too(
    launch: Launch, connect: Open
) -> None:
    other = await _lag(launch, connect)
    link = await connect(other)
    await _claim(link, 1)
    _advance(other, TTL + GRACE - 5_000)
    await _tick(link)
    assert _held(other) == [b"a"]
    _advance(other, 5_000)
    await _tick(link)
    assert _held(other) == []


async def test_on_the_same_server_a_lease_ends_at_its_time(launch: Launch, connect: Open) -> None:
    server = launch("--appendonly", "no")
    link = await connect(server)
    await _claim(link)
    await link.run(SCRIPTS.put, EPOCH, "n2", "", "a", "-", TTL, "healthy.healthy.-.-", "", "{}")
    await _claim(await connect(server))
    _advance(server, TTL)
    await _tick(link)
    assert _held(server) == []
