"""Checks of a cluster: each is made at one node, and at another one when that one dies."""

import asyncio
import time
from collections import Counter

import pytest

from dnsregistry.registry.check import Pace
from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, until
from tests.health.backend import Backend
from tests.health.conftest import backend, start_backend

__all__ = ["backend", "start_backend"]

NAMES = [f"i{number}" for number in range(12)]
INTERVAL = 1.0
ROUNDS = 3


@pytest.fixture
def store(launch: Launch) -> tuple[str, str]:
    return ("--store", launch("--appendonly", "no").url)


async def _register(node: Node, backend: Backend) -> None:
    for name in NAMES:
        check = {"type": "http", "path": f"/{name}", "interval": INTERVAL, "jitter": 0}
        await node.put(name, address="127.0.0.1", port=backend.port, ttl=None, checks=[check])


async def _checks_of(node: Node) -> set[str]:
    """The instances whose checks are made at a node."""
    told = [await node.call("GET", f"/v1/instances/{name}/checks") for name in NAMES]
    return {each["id"] for each in told if each["followed_here"]}


async def _is_shared(*nodes: Node) -> bool:
    parts = [await _checks_of(node) for node in nodes]
    return all(parts) and sorted(name for part in parts for name in part) == sorted(NAMES)


def _count(backend: Backend) -> Counter[str]:
    return Counter(head.split()[1].decode().removeprefix("/") for head in backend.asked)


async def _count_rounds(backend: Backend) -> None:
    """Each check is made once an interval for some intervals, whoever makes it."""
    backend.asked.clear()
    began = time.monotonic()
    await until(lambda: all(_count(backend)[name] >= ROUNDS for name in NAMES))
    most = (time.monotonic() - began) / INTERVAL + 2
    assert max(_count(backend).values()) <= most


async def test_each_check_is_made_at_one_node_and_at_another_when_that_one_is_killed(
    store: tuple[str, str], serve: Serve, backend: Backend
) -> None:
    here, there = await asyncio.gather(serve(*store), serve(*store))
    await _register(here, backend)
    await until(lambda: _is_shared(here, there))
    await _count_rounds(backend)
    lost = await _checks_of(there)
    await there.served.kill()
    killed = time.monotonic()
    backend.asked.clear()
    await until(lambda: _is_shared(here))
    assert time.monotonic() - killed < Pace().interval
    await until(lambda: lost <= _count(backend).keys())
    await _count_rounds(backend)
    for name in NAMES:
        assert (await here.get(name))["health"] == "healthy"
    await backend.stop()
    for name in lost:
        await until(lambda name=name: _is_down(here, name))  # type: ignore[misc]


async def test_a_node_that_comes_takes_its_share(
    store: tuple[str, str], serve: Serve, backend: Backend
) -> None:
    first = await serve(*store)
    await _register(first, backend)
    await until(lambda: _is_shared(first))
    second = await serve(*store)
    await until(lambda: _is_shared(first, second))
    await _count_rounds(backend)


async def test_an_outage_of_the_store_moves_no_check(
    launch: Launch, serve: Serve, backend: Backend
) -> None:
    server = launch("--appendonly", "no")
    nodes = await asyncio.gather(serve("--store", server.url), serve("--store", server.url))
    await _register(nodes[0], backend)
    await until(lambda: _is_shared(*nodes))
    before = [await _checks_of(node) for node in nodes]
    since = [await _begun(node, name) for node in nodes for name in sorted(await _checks_of(node))]
    server.kill()
    for node in nodes:
        await until(lambda node=node: _is_away(node))  # type: ignore[misc]
    await _count_rounds(backend)
    server.start()
    for node in nodes:
        await until(lambda node=node: _is_back(node))  # type: ignore[misc]
    await _count_rounds(backend)
    assert [await _checks_of(node) for node in nodes] == before
    assert since == [
        await _begun(node, name) for node in nodes for name in sorted(await _checks_of(node))
    ]


async def _begun(node: Node, name: str) -> object:
    """When the course of an instance's check began: it does so anew wherever it moves."""
    [check] = (await node.call("GET", f"/v1/instances/{name}/checks"))["checks"]
    return check["since"]


async def _is_down(node: Node, name: str) -> bool:
    return bool((await node.get(name))["health"] in ("unhealthy", "degraded"))


async def _is_away(node: Node) -> bool:
    return bool((await node.ready())["status"] == "degraded")


async def _is_back(node: Node) -> bool:
    return bool((await node.ready())["status"] == "ready")
