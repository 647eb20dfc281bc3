"""Failover: the replica becomes the master, and what it had not got comes back from the nodes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, agree, beating, until, watching, writing
from tests.cluster.sentinel import Guarded

LIVING = [f"living-{number}" for number in range(3)]
TTL = 2
BACK = "the store had lost changes: bringing back what this node holds"


@pytest.fixture
def guarded(launch: Launch, tmp_path: Path) -> Iterator[Guarded]:
    fast = ("--appendonly", "no", "--repl-diskless-sync-delay", "0")
    guarded = Guarded.start(launch(*fast), launch(*fast), tmp_path)
    yield guarded
    guarded.stop()


async def test_a_failover_to_a_replica_that_is_behind_loses_nothing(
    guarded: Guarded, serve: Serve
) -> None:
    store = ("--store", guarded.url)
    nodes = list(await asyncio.gather(serve(*store), serve(*store)))
    for number, name in enumerate(LIVING):
        await nodes[0].put(name, ttl=None, address=f"10.0.1.{number}")
    for name in ("ended", "moved"):
        await nodes[0].put(name, ttl=None, address="10.0.2.1")
    # Who watches a node begins when it has heard of what is watched.
    await agree(nodes, [*LIVING, "ended", "moved"])
    serial = await nodes[0].serial()
    async with (
        watching(nodes, [f"{LIVING[0]}.i", "moved.i"]),
        beating(nodes, LIVING, TTL),
        writing(nodes) as writers,
    ):
        await until(lambda: len(writers.acknowledged) > 20)
        # What is acknowledged from here on never reaches the replica.
        guarded.replica.freeze()
        # Or it would find all of it in its socket as soon as it wakes.
        guarded.master.command("CLIENT", "KILL", "TYPE", "replica")
        await nodes[0].call("DELETE", "/v1/instances/ended")
        await nodes[1].put("moved", ttl=None, address="10.0.2.9")
        await nodes[1].put("late", ttl=None, address="10.0.2.10")
        written = len(writers.acknowledged)
        await until(lambda: len(writers.acknowledged) > written + 20)
        guarded.master.kill()
        guarded.replica.thaw()
        written = len(writers.acknowledged)
        await until(lambda: len(writers.acknowledged) > written + 50)
        await until(lambda: _all_ready(nodes))
        await asyncio.sleep(TTL)
    await agree(nodes, [*LIVING, "ended", "moved", "late"])
    for node in nodes:
        held = await node.all_ids()
        assert set(writers.acknowledged) <= held
        assert (await node.ask("ended.i")).rcode == "NXDOMAIN"
        assert (await node.ask("moved.i")).rdatas == ["10.0.2.9"]
        assert (await node.ask("late.i")).rdatas == ["10.0.2.10"]
        # Of each writer a request or two may have been done whose answer was lost.
        others = held - set(writers.acknowledged) - {*LIVING, "moved", "late"}
        assert len(others) <= 12
    assert await nodes[0].serial() > serial
    told = [(await node.served.stop()).err for node in nodes]
    assert any(BACK in text for text in told), told


async def _all_ready(nodes: list[Node]) -> bool:
    return all([(await node.ready())["status"] == "ready" for node in nodes])
