"""HAProxy with `server-template` over SRV: slots that fill, empty, and do not flap."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from tests.machine import require
from tests.program import PATIENCE
from tests.resolvers.conftest import Launch, Serve
from tests.resolvers.foreign import Foreign
from tests.resolvers.page import put, read_snippet
from tests.resolvers.served import Served, describe

MANY = 40
"""Instances, of which no answer over UDP holds all."""
RERESOLUTIONS = 100
DROPPED_WITHIN = 2.0
"""Seconds from the end of a lease until the load balancer is without the server."""
UP = "2"
AROUND = """
global
    stats socket {socket} level admin

defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s

frontend door
    bind 127.0.0.1:{port}
    default_backend web

"""


@dataclass(frozen=True, slots=True)
class HAProxy:
    """A load balancer, read over its stats socket."""

    program: Foreign
    socket: Path

    async def read_slots(self) -> dict[str, str]:
        """The slots of `web` that take traffic: address and port by the slot's name."""
        lines = (await self.tell("show servers state web")).strip().splitlines()
        header = lines[1].removeprefix("# ").split()
        slots = [dict(zip(header, line.split(), strict=True)) for line in lines[2:]]
        return {
            slot["srv_name"]: f"{slot['srv_addr']}:{slot['srv_port']}"
            for slot in slots
            if slot["srv_op_state"] == UP
        }

    async def wait_slots(self, count: int) -> dict[str, str]:
        """The slots, once so many of them take traffic."""

        async def look() -> dict[str, str] | None:
            slots = await self.read_slots()
            return slots if len(slots) == count else None

        return await self.program.until(look)

    async def count_sent(self) -> int:
        """How many questions it has asked the registry."""
        lines = (await self.tell("show resolvers registry")).splitlines()
        return next(int(line.split()[1]) for line in lines if line.strip().startswith("sent:"))

    async def tell(self, command: str) -> str:
        """The answer to a command."""
        reader, writer = await asyncio.open_unix_connection(self.socket)
        try:
            writer.write(f"{command}\n".encode())
            return (await reader.read()).decode()
        finally:
            writer.close()
            await writer.wait_closed()


Run = Callable[[str], Awaitable[HAProxy]]


@pytest.fixture
async def registry(serve: Serve) -> Served:
    return await serve()


@pytest.fixture
async def instances() -> AsyncIterator[list[dict[str, object]]]:
    """Instances of `web` that accept connections, each at an address of its own."""
    hosts = [f"127.1.0.{number}" for number in range(1, MANY + 1)]
    server = await asyncio.start_server(lambda _, writer: writer.close(), hosts, 0)
    bound = [sock.getsockname() for sock in server.sockets]
    yield [
        describe(f"n{number}", address=host, port=port)
        for number, (host, port) in enumerate(bound, start=10)
    ]
    server.close()
    await server.wait_closed()


@pytest.fixture
def run(registry: Served, launch: Launch, free_port: Callable[[], int], tmp_path: Path) -> Run:
    """Start HAProxy with a snippet that names the default port."""

    async def run_haproxy(snippet: str) -> HAProxy:
        socket = tmp_path / "stats"
        around = AROUND.format(socket=socket, port=free_port())
        path = tmp_path / "haproxy.cfg"
        text = around + put(snippet, "127.0.0.1:5300", f"127.0.0.1:{registry.port}")
        path.write_text(text, encoding="utf-8")
        return HAProxy(await launch(require("haproxy"), "-db", "-f", path), socket)

    return run_haproxy


async def test_a_server_is_dropped_as_its_lease_ends_and_the_others_stay(
    registry: Served, instances: list[dict[str, object]], run: Run
) -> None:
    stays, stays_too, leaves, comes = instances[:4]
    await registry.register_all(stays, stays_too)
    haproxy = await run(read_snippet("haproxy"))
    remaining = await haproxy.wait_slots(2)
    granted = await registry.register({**leaves, "ttl": 3})
    ends = datetime.fromisoformat(granted["expires_at"]).timestamp()
    three = await haproxy.wait_slots(3)
    assert sorted(three.values()) == _endpoints(stays, stays_too, leaves)
    assert three.items() > remaining.items()

    two = await haproxy.wait_slots(2)
    assert ends < time.time() < ends + DROPPED_WITHIN
    assert two == remaining

    await registry.register_all(comes)
    assert (await haproxy.wait_slots(3)).items() > remaining.items()


async def test_the_last_server_of_a_service_is_dropped_as_well(
    registry: Served, instances: list[dict[str, object]], run: Run
) -> None:
    await registry.register_all(instances[0])
    haproxy = await run(read_snippet("haproxy"))
    await haproxy.wait_slots(1)
    await registry.remove(str(instances[0]["id"]))
    # By itself it would keep the server for 30 s, which is longer than this waits.
    await haproxy.wait_slots(0)


async def test_servers_are_kept_while_the_registry_is_away(
    registry: Served, instances: list[dict[str, object]], run: Run
) -> None:
    await registry.register_all(*instances[:3])
    haproxy = await run(read_snippet("haproxy"))
    three = await haproxy.wait_slots(3)
    await registry.program.stop()
    await _watch(haproxy, three, questions=5)


async def test_no_server_flaps_while_its_answers_are_truncated(
    registry: Served, instances: list[dict[str, object]], run: Run
) -> None:
    await registry.register_all(*instances)
    haproxy = await run(_hurry(_widen(read_snippet("haproxy"))))
    capacity = await _count_in_datagram(registry)
    assert 0 < capacity < MANY
    before = await haproxy.wait_slots(capacity)
    said = haproxy.program.output

    await _watch(haproxy, before, questions=RERESOLUTIONS * (1 + capacity))
    assert haproxy.program.output == said

    leaves = next(one for one in instances if _endpoint(one) in before.values())
    remaining = {slot: at for slot, at in before.items() if at != _endpoint(leaves)}
    await registry.remove(str(leaves["id"]))

    async def look() -> bool:
        slots = await haproxy.read_slots()
        assert slots.items() >= remaining.items()
        return _endpoint(leaves) not in slots.values() and len(slots) == capacity

    await haproxy.program.until(look)


async def test_over_tcp_every_instance_has_its_server(
    registry: Served, instances: list[dict[str, object]], run: Run
) -> None:
    await registry.register_all(*instances)
    snippet = _hurry(_widen(read_snippet("haproxy")))
    haproxy = await run(put(snippet, "127.0.0.1:5300", "tcp@127.0.0.1:5300"))
    every = await haproxy.wait_slots(MANY)
    assert sorted(every.values()) == _endpoints(*instances)
    await _watch(haproxy, every, questions=RERESOLUTIONS // 5)


async def _watch(haproxy: HAProxy, expected: dict[str, str], questions: int) -> None:
    """See the same slots until so many more questions are asked."""
    enough = await haproxy.count_sent() + questions

    async def look() -> bool:
        assert await haproxy.read_slots() == expected
        return await haproxy.count_sent() >= enough

    await haproxy.program.until(look, limit=2 * PATIENCE)


async def _count_in_datagram(registry: Served) -> int:
    where = ("@127.0.0.1", "-p", str(registry.port), "+ignore", "+bufsize=8192", "+nocookie")
    name = "_web._tcp.registry.test"
    output = await registry.place.run(require("dig"), *where, "+short", name, "SRV")
    return len(output.splitlines())


def _widen(snippet: str) -> str:
    return put(snippet, "srv 3 ", f"srv {MANY} ")


def _hurry(snippet: str) -> str:
    return put(put(snippet, "resolve 500ms", "resolve 50ms"), "valid 500ms", "valid 50ms")


def _endpoint(instance: dict[str, object]) -> str:
    return f"{instance['address']}:{instance['port']}"


def _endpoints(*instance: dict[str, object]) -> list[str]:
    return sorted(map(_endpoint, instance))
