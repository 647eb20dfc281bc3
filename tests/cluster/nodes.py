"""Nodes of a cluster as processes, and those who register and ask all the while."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from tests.endtoend.process import Served
from tests.program import LOOPBACK, PATIENCE
from tests.wire import Reply, make_query

ORIGIN = "registry.local"
BEAT_SECONDS = 0.25
POLL_SECONDS = 0.02
_TRANSIENT = (aiohttp.ClientError, TimeoutError)


class Refused(Exception):
    """A node did not do what it was asked."""

    def __init__(self, status: int, body: Any) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


@dataclass
class Node:
    """A running node and a client of its API."""

    served: Served
    http: aiohttp.ClientSession
    host: str = LOOPBACK

    async def call(self, method: str, path: str, body: object = None) -> Any:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with self.http.request(method, path, json=body, timeout=timeout) as response:
            told = await response.json() if response.content_length else None
            if response.status >= 400:
                raise Refused(response.status, told)
            return told

    async def put(self, id: str, **fields: object) -> Any:
        body = {"service": "web", "address": "10.0.0.1", "port": 80, "ttl": 60, **fields}
        return await self.call("PUT", f"/v1/instances/{id}", body)

    async def try_put(
        self, id: str, headers: Mapping[str, str], **fields: object
    ) -> tuple[int, Any]:
        """Register under conditions; the status and the body."""
        body = {"service": "web", "address": "10.0.0.1", "port": 80, "ttl": 60, **fields}
        path = f"/v1/instances/{id}"
        async with self.http.put(path, json=body, headers=headers) as response:
            return response.status, await response.json()

    async def get(self, id: str) -> Any:
        return await self.call("GET", f"/v1/instances/{id}")

    async def ids(self) -> list[str]:
        listed = await self.call("GET", "/v1/instances?limit=1000")
        return sorted(instance["id"] for instance in listed["instances"])

    async def all_ids(self) -> set[str]:
        """Those on all pages."""
        ids: set[str] = set()
        cursor = ""
        while True:
            page = await self.call("GET", f"/v1/instances?limit=1000{cursor}")
            ids |= {instance["id"] for instance in page["instances"]}
            if page["next_cursor"] is None:
                return ids
            cursor = f"&cursor={page['next_cursor']}"

    async def stats(self) -> Any:
        return await self.call("GET", "/v1/stats")

    async def ready(self) -> Any:
        async with self.http.get("/ready") as response:
            return {"code": response.status, **await response.json()}

    async def ask(self, name: str, rtype: str = "A", **query: Any) -> Reply:
        full = f"{name}.{ORIGIN}" if name else ORIGIN
        return await self.served.dns.ask(full, rtype, host=self.host, **query)

    async def serial(self) -> int:
        [rdata] = (await self.ask("", "SOA")).rdatas
        return int(rdata.split()[2])


async def until(holds: Callable[[], Any], patience: float = PATIENCE) -> None:
    """Wait until what is asked holds, whether told at once or awaited."""
    async with asyncio.timeout(patience):
        while True:
            answer = holds()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(POLL_SECONDS)


async def agree(
    nodes: Sequence[Node], ids: Sequence[str], services: Sequence[str] = ("web",)
) -> None:
    """Wait until all nodes give the same answers: one serial, one list, the same records."""
    questions = [(f"{name}.i", "A") for name in ids]
    for service in services:
        questions += [(service, "A"), (f"_{service}._tcp", "SRV"), (f"_{service}._tcp", "PTR")]
    questions += [("", "SOA"), ("_services._dns-sd._udp", "PTR")]

    async def answers(node: Node) -> list[object]:
        told: list[object] = [sorted(await node.all_ids())]
        for name, rtype in questions:
            reply = await node.ask(name, rtype, edns=4096)
            told.append((name, rtype, reply.rcode, sorted(reply.rdatas)))
        return told

    async def same() -> bool:
        first, *others = [await answers(node) for node in nodes]
        return all(other == first for other in others)

    await until(same)


@dataclass
class Watcher:
    """Asks one node for one name without a pause, and tells what was not as it should be."""

    node: Node
    name: str
    faults: list[str] = field(default_factory=list)
    asked: int = 0
    slowest: float = 0.0

    async def run(self) -> None:
        query = make_query(f"{self.name}.{ORIGIN}")
        while True:
            client = self.node.served.dns.udp(self.node.host)
            began = time.monotonic()
            try:
                reply = Reply.of(await client.exchange(query))
                if not reply.rdatas:
                    self.faults.append(f"{began:.3f} {self.name}: {reply.rcode}, no record")
            except OSError as error:
                self.faults.append(f"{began:.3f} {self.name}: {error!r}")
            finally:
                client.socket.close()
            self.asked += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def watching(nodes: Sequence[Node], names: Sequence[str]) -> AsyncIterator[list[Watcher]]:
    """DNS must answer these names with a record on each node, all the while."""
    watchers = [Watcher(node, name) for node in nodes for name in names]
    tasks = [asyncio.create_task(watcher.run()) for watcher in watchers]
    try:
        yield watchers
        assert all(not task.done() for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for watcher in watchers:
        assert watcher.faults == [], watcher.faults[:10]
        assert watcher.asked


class Hearts:
    """Clients that send heartbeats to one node, and to the next where that one refuses.

    `pause` is the longest that they took between two, which is the machine's doing alone.
    """

    def __init__(self, nodes: Sequence[Node], ids: Sequence[str]) -> None:
        self.nodes = nodes
        self.ids = list(ids)
        self.unknown: list[tuple[float, str]] = []
        self.beats = 0
        self.pause = 0.0

    async def run(self) -> None:
        while True:
            for node in self.nodes:
                try:
                    told: Mapping[str, Any] = await node.call(
                        "POST", "/v1/heartbeats", {"ids": self.ids}
                    )
                except (Refused, *_TRANSIENT):
                    continue
                self.beats += 1
                self.unknown += [(time.monotonic(), name) for name in told["unknown"]]
                break
            began = time.monotonic()
            await asyncio.sleep(BEAT_SECONDS)
            self.pause = max(self.pause, time.monotonic() - began)


async def give_ttl(node: Node, ids: Sequence[str], ttl: float) -> None:
    """Have leases without end last for so long from now on."""
    for name in ids:
        told = await node.get(name)
        fields = {part: told[part] for part in ("service", "address", "port")}
        await node.put(name, ttl=ttl, **fields)


@asynccontextmanager
async def beating(
    nodes: Sequence[Node], ids: Sequence[str], ttl: float | None = None
) -> AsyncIterator[Hearts]:
    """Keep instances alive all the while; none may be unknown.

    Those that were registered without end get a ttl here: had they had one before, a slow machine
    might have let them end before the first heartbeat.
    """
    hearts = Hearts(nodes, ids)
    task = asyncio.create_task(hearts.run())
    try:
        if ttl is not None:
            await give_ttl(nodes[0], ids, ttl)
        yield hearts
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert hearts.unknown == [], (hearts.unknown[:10], f"longest pause: {hearts.pause:.2f} s")
    assert hearts.beats


class Writers:
    """Clients that register one instance after the other; what was acknowledged is kept."""

    def __init__(self, nodes: Sequence[Node], service: str = "written") -> None:
        self.nodes = nodes
        self.service = service
        self.acknowledged: list[str] = []
        self.refused: list[int] = []

    async def run(self, number: int) -> None:
        count = 0
        while True:
            count += 1
            name = f"{self.service}-{number}-{count}"
            node = self.nodes[count % len(self.nodes)]
            try:
                await node.put(name, service=self.service, address="10.1.0.1", port=count, ttl=None)
            except Refused as refusal:
                self.refused.append(refusal.status)
                await asyncio.sleep(0.05)
                continue
            except _TRANSIENT:
                await asyncio.sleep(0.05)
                continue
            self.acknowledged.append(name)


@asynccontextmanager
async def writing(nodes: Sequence[Node], count: int = 4) -> AsyncIterator[Writers]:
    writers = Writers(nodes)
    tasks = [asyncio.create_task(writers.run(number)) for number in range(count)]
    try:
        yield writers
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert writers.acknowledged
