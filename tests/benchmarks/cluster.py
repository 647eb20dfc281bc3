"""A cluster of two nodes at 100,000 instances: `python -m tests.benchmarks.cluster`.

Starts a Redis or Valkey server and `dnsregistry serve` twice, registers the instances, then tells
- how long a third node takes from its start until it is ready,
- what heartbeats of all instances every ten seconds cost each node and the store,
- how long a change takes to be in the other node's DNS answers meanwhile.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp

from tests.endtoend.process import Served
from tests.program import Dns
from tests.redisserver import RedisServer
from tests.wire import Reply, make_query

ARRAY = 10_000
BULK = 1_000
PERIOD = 10.0
START_SECONDS = 120.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Node:
    """A node and a client of it."""

    def __init__(self, served: Served, http: aiohttp.ClientSession) -> None:
        self.served = served
        self.http = http

    @classmethod
    async def start(cls, stack: AsyncExitStack, store: str, folder: Path) -> "Node":
        ready = folder / f"ready-{time.monotonic_ns()}"
        words = ("--dns-port=0", "--http-port=0", f"--ready-file={ready}", f"--store={store}")
        served = await Served.start(*words, variables={})
        stack.push_async_callback(served.kill)
        async with asyncio.timeout(START_SECONDS):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(0.01)
        told = json.loads(ready.read_text())
        served.dns = Dns(told["dns"][0]["port"])
        url = f"http://127.0.0.1:{told['http']['port']}"
        return cls(served, await stack.enter_async_context(aiohttp.ClientSession(url)))

    async def call(self, method: str, path: str, body: object) -> Any:
        async with self.http.request(method, path, json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    def cpu(self) -> float:
        return read_cpu(self.served.process.pid)


def read_cpu(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def beat(node: Node, ids: Sequence[str], until: float) -> int:
    """Renew all ids each period, spread evenly over it, in requests of many."""
    sent = 0
    parts = [ids[start : start + BULK] for start in range(0, len(ids), BULK)]
    began = time.monotonic()
    while time.monotonic() < until:
        for part in parts:
            told = await node.call("POST", "/v1/heartbeats", {"ids": part})
            assert told["unknown"] == [], told["unknown"][:3]
            sent += 1
            wait = began + sent * PERIOD / len(parts) - time.monotonic()
            await asyncio.sleep(max(0.0, wait))
    return sent * BULK


async def measure_visibility(here: Node, there: Node, until: float) -> list[float]:
    """Seconds from the start of a change here to its first answer there."""
    client = there.served.dns.udp()
    query = make_query("seen.i.registry.local")
    taken: list[float] = []
    while time.monotonic() < until:
        address = f"10.9.{len(taken) // 250}.{len(taken) % 250}"
        body = {"service": "seen", "address": address, "port": 1, "ttl": None}
        began = time.monotonic()
        put = asyncio.create_task(here.call("PUT", "/v1/instances/seen", body))
        while address not in Reply.of(await client.exchange(query)).rdatas:  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # leaves the processor to the nodes
        taken.append(time.monotonic() - began)
        await put
        await asyncio.sleep(0.05)
    return taken


async def main(instances: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = RedisServer(folder / "redis", "--appendonly", "yes")
        server.start()
        try:
            async with AsyncExitStack() as stack:
                await run(stack, server, folder, instances, seconds)
        finally:
            server.kill()


async def run(
    stack: AsyncExitStack, server: RedisServer, folder: Path, instances: int, seconds: float
) -> None:
    nodes = [await Node.start(stack, server.url, folder) for _ in range(2)]
    ids = [f"i{number}" for number in range(instances)]
    began = time.monotonic()
    for start in range(0, instances, ARRAY):
        array = [
            {
                "id": name,
                "service": f"service-{place % 1000}",
                "address": f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}",
                "port": 8080,
                "tags": ["v1"],
                "metadata": {"zone": "eu-1", "rack": str(place % 40)},
                "ttl": 120,
            }
            for place, name in enumerate(ids[start : start + ARRAY], start)
        ]
        await nodes[0].call("POST", "/v1/instances", array)
    tell("registered through one node", f"{instances / (time.monotonic() - began):,.0f} a second")
    await wait_for(nodes[1], instances)

    async with AsyncExitStack() as alone:
        began = time.monotonic()
        third = await Node.start(alone, server.url, folder)
        took = time.monotonic() - began
        tell("a new node is ready after", f"{took:.2f} s, {third.cpu():.2f} of them on a core")
        await wait_for(third, instances)

    half = instances // 2
    await asyncio.sleep(1)
    # Each of them alone, by the processor's time: the rest of the machine is left out.
    before = [*(node.cpu() for node in nodes), read_cpu(server.pid)]
    began = time.monotonic()
    until = began + seconds
    sent = await asyncio.gather(
        beat(nodes[0], ids[:half], until), beat(nodes[1], ids[half:], until)
    )
    took = time.monotonic() - began
    after = [*(node.cpu() for node in nodes), read_cpu(server.pid)]
    tell("heartbeats", f"{sum(sent) / took:,.0f} a second, half to each node")
    for who, one, other in zip(("node 1", "node 2", "the store"), before, after, strict=True):
        tell(f"processor of {who}", f"{(other - one) / took:.2f} of a core")

    until = time.monotonic() + seconds / 2
    taken, *_ = await asyncio.gather(
        measure_visibility(nodes[0], nodes[1], until),
        beat(nodes[0], ids[:half], until),
        beat(nodes[1], ids[half:], until),
    )
    taken.sort()
    for share in (50, 99):
        tell(
            f"a change is in the other's DNS, p{share}",
            f"{taken[len(taken) * share // 100] * 1000:.1f} ms",
        )


async def wait_for(node: Node, instances: int) -> None:
    """Wait until a node holds so many."""
    while (await node.call("GET", "/v1/stats", None))["registry"]["instances"] != instances:  # noqa: ASYNC110
        await asyncio.sleep(0.05)


def tell(what: str, value: str) -> None:
    sys.stdout.write(f"{what:45} {value}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    asyncio.run(main(given.instances, given.seconds))
