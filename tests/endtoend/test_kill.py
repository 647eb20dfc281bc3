"""What was acknowledged is there after kill -9, at whatever moment that comes."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from dnsregistry.zone.serial import is_newer
from tests.endtoend.process import Served
from tests.program import PATIENCE

Serve = Callable[..., Awaitable[Served]]
State = dict[str, dict[str, object] | None]
"""By id: what is registered, None for nothing."""

ROUNDS = 20
CLIENTS = 8
LONGEST_ROUND = 0.3
"""Seconds of writing; the kill comes anywhere in them."""


@dataclass
class Writer:
    """Changes instances of its own one after another, and knows what it was told of them."""

    number: int
    acknowledged: State = field(default_factory=dict)
    asked: State = field(default_factory=dict)
    """What the last request would make of it, for which no answer has come."""
    revision: int = 0
    written: int = 0

    async def write(self, url: str, chance: random.Random) -> None:
        """Write until the server is gone."""
        async with ClientSession(url) as session:
            try:
                while True:
                    await self._write_one(session, chance)
            except (ClientError, OSError):
                return

    async def _write_one(self, session: ClientSession, chance: random.Random) -> None:
        kept = sorted(name for name, body in self.acknowledged.items() if body is not None)
        kind = chance.choice(["new", "new", "array", "replace", "remove", "status"])
        if kind == "array":
            self.asked = {self._name(place): self._make(chance) for place in range(4)}
            bodies = [{"id": name, **(body or {})} for name, body in self.asked.items()]
            await self._send(session, "POST", "/v1/instances", bodies)
        elif kind == "new" or not kept:
            self.asked = {self._name(0): self._make(chance)}
            [(name, body)] = self.asked.items()
            await self._send(session, "PUT", f"/v1/instances/{name}", body)
        elif kind == "remove":
            self.asked = {chance.choice(kept): None}
            await self._send(session, "DELETE", f"/v1/instances/{next(iter(self.asked))}", None)
        else:
            name = chance.choice(kept)
            before = self.acknowledged[name] or {}
            if kind == "replace":
                self.asked = {name: self._make(chance)}
                await self._send(session, "PUT", f"/v1/instances/{name}", self.asked[name])
            else:
                status = {"status": chance.choice(["healthy", "draining"])}
                self.asked = {name: before | status}
                await self._send(session, "PUT", f"/v1/instances/{name}/status", status)
        self.acknowledged |= self.asked
        self.asked = {}

    async def _send(self, session: ClientSession, method: str, path: str, body: object) -> None:
        async with session.request(method, path, json=body) as response:
            answer: dict[str, Any] = {} if response.status == 204 else await response.json()
            assert response.status in (200, 201, 204), answer
            self.revision = max(self.revision, answer.get("revision", 0))
            self.written += 1

    def _name(self, place: int) -> str:
        return f"w{self.number}-{self.written}-{place}"

    def _make(self, chance: random.Random) -> dict[str, object]:
        port = chance.randrange(1, 65536)
        return {
            "service": f"svc-{chance.randrange(20)}",
            "address": "10.0.0.1",
            "port": port,
            "tags": [f"t{port}"],
            "metadata": {"port": port, "text": "é\u2028" * chance.randrange(50)},
            "ttl": 600,
            "status": "healthy",
        }

    def check(self, found: State) -> None:
        """What was acknowledged is there, and of what was not, all or nothing."""
        mine = {name: found.get(name) for name in self.acknowledged.keys() | self.asked.keys()}
        before = {name: self.acknowledged.get(name) for name in mine}
        assert mine in (before, before | self.asked)
        self.acknowledged, self.asked = mine, {}


async def test_twenty_kills_lose_nothing_that_was_acknowledged(
    serve: Serve, tmp_path: Path
) -> None:
    chance = random.Random(5)
    store = f"sqlite:///{tmp_path}/registry.db"
    writers = [Writer(number) for number in range(CLIENTS)]
    serial = 0
    for number in range(ROUNDS + 1):
        served = await serve("--store", store)
        found, revision = await _read_all(served.url)
        for writer in writers:
            writer.check(found)
            assert revision >= writer.revision
        assert len(found) == sum(
            body is not None for writer in writers for body in writer.acknowledged.values()
        )
        await _check_answers(served, found)
        first = await _read_serial(served)
        assert number == 0 or is_newer(first, serial)
        if number == ROUNDS:
            break
        tasks = [asyncio.create_task(w.write(served.url, chance)) for w in writers]
        await asyncio.sleep(chance.uniform(0.02, LONGEST_ROUND))
        serial = await _read_serial(served)
        served.process.kill()
        async with asyncio.timeout(PATIENCE):
            await served.process.communicate()
            await asyncio.gather(*tasks)
    written = [writer.written for writer in writers]
    assert min(written) > ROUNDS, f"too little was written for this to tell: {written}"


async def _read_all(url: str) -> tuple[State, int]:
    """All instances, as their writers described them, and the revision."""
    found: State = {}
    cursor: str | None = ""
    async with ClientSession(url) as session:
        while cursor is not None:
            query = f"limit=1000&cursor={cursor}" if cursor else "limit=1000"
            async with session.get(f"/v1/instances?{query}") as response:
                page = await response.json()
            for one in page["instances"]:
                assert one["id"] not in found
                names = ("service", "address", "port", "tags", "metadata", "ttl", "status")
                found[one["id"]] = {name: one[name] for name in names}
            cursor = page["next_cursor"]
    return found, page["revision"]


async def _check_answers(served: Served, found: State) -> None:
    """What was kept is answered at once, but for what was drained."""
    for service in {str(body["service"]) for body in found.values() if body}:
        mine = [body for body in found.values() if body and body["service"] == service]
        ports = {body["port"] for body in mine if body["status"] == "healthy"}
        reply = await served.dns.ask(f"_{service}._tcp.registry.local", "SRV", tcp=True)
        assert {int(rdata.split()[2]) for rdata in reply.rdatas} == ports


async def _read_serial(served: Served) -> int:
    reply = await served.dns.ask("registry.local", "SOA")
    [soa] = reply.rdatas
    return int(soa.split()[2])
