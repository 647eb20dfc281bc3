"""A node that the network cuts off from the store, in a network namespace of its own."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, agree, beating, give_ttl, until, watching
from tests.machine import give_up, require

TTL = 2
_NETS = 1 << 14
"""Of four addresses each in the block for benchmarks: two for each run on this machine."""


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace with one line to the store and one to the test, and the addresses at their ends:
    of the store and the node's towards it, of the test and the node's towards that."""

    name: str
    store: str
    store_side: str
    test: str
    node_side: str

    @classmethod
    def of(cls, number: int) -> "Place":
        first = ip_address("198.18.0.0") + 8 * (number % _NETS)
        return cls(f"dnsr{number}", *(str(first + place) for place in (1, 2, 5, 6)))

    @property
    def within(self) -> tuple[str, ...]:
        return ("ip", "netns", "exec", self.name)

    def cut(self) -> None:
        # Packets vanish; nobody is told, as with a switch that died.
        self.run("ip", "link", "set", "store0", "down")

    def heal(self) -> None:
        self.run("ip", "link", "set", "store0", "up")

    def run(self, *words: str) -> None:
        subprocess.run([*self.within, *words], check=True)


@pytest.fixture
def place() -> Iterator[Place]:
    ip = require("ip")
    if os.geteuid() != 0:
        give_up("a network namespace with lines to the outside needs root")
    place = Place.of(os.getpid())
    made = subprocess.run([ip, "netns", "add", place.name], capture_output=True, check=False)
    if made.returncode:
        give_up(f"the kernel refuses namespaces: {made.stderr.decode().strip()}")
    ends = (("store0", place.store, place.store_side), ("test0", place.test, place.node_side))
    outsides: list[str] = []
    try:
        for line, here, there in ends:
            outside = f"{line[0]}{os.getpid()}"
            peer = ("type", "veth", "peer", "name", line, "netns", place.name)
            subprocess.run([ip, "link", "add", outside, *peer], check=True)
            outsides.append(outside)
            subprocess.run([ip, "addr", "add", f"{here}/30", "dev", outside], check=True)
            subprocess.run([ip, "link", "set", outside, "up"], check=True)
            place.run("ip", "addr", "add", f"{there}/30", "dev", line)
            place.run("ip", "link", "set", line, "up")
        place.run("ip", "link", "set", "lo", "up")
        yield place
    finally:
        # A namespace lives on for as long as its last connection is unanswered, and so would these.
        for outside in outsides:
            subprocess.run([ip, "link", "del", outside], check=True)
        subprocess.run([ip, "netns", "del", place.name], check=True)


async def test_a_node_cut_off_for_two_lease_times_and_healed_agrees_again(
    launch: Launch, serve: Serve, place: Place
) -> None:
    server = launch(
        "--appendonly", "no", "--protected-mode", "no", "--bind", "127.0.0.1", place.store
    )
    store = f"redis://{place.store}:{server.port}"
    here = place.node_side
    open_to_test = ("--dns-host", here, "--http-host", here, "--insecure")
    near = await serve("--store", server.url)
    far = await serve("--store", store, *open_to_test, within=place.within, host=here)
    nodes = [near, far]
    for name in ("both", "far-only", "dying", "removed"):
        await near.put(name, ttl=None, address="10.0.1.1")
    many = [f"many-{number}" for number in range(500)]
    array = [
        {"id": name, "service": "crowd", "address": "10.0.1.3", "port": 1, "ttl": ttl}
        for ttl in (None, TTL)
        for name in many
    ]
    await far.call("POST", "/v1/instances", array[: len(many)])
    await agree(nodes, ["both", "far-only", "dying", "removed"])
    async with (
        watching(nodes, ["both.i"]),
        watching([far], ["far-only.i"]),
        beating([near, far], ["both"], TTL),
        _refused_beats(far, "far-only"),
        _refused_beats(far, "removed"),
        _refused_beats(far, *many),
    ):
        await far.call("POST", "/v1/instances", array[len(many) :])
        await give_ttl(far, ["far-only", "removed", "dying"], TTL)
        place.cut()
        await near.call("DELETE", "/v1/instances/removed")
        await near.put("new", ttl=None, address="10.0.1.2")
        await until(lambda: _is_away(far))
        await asyncio.sleep(2 * TTL)
        # Where the store is, a lease without heartbeats has ended; where it is not, not.
        # A machine that was away meanwhile has given them a whole lease more.
        for name in ("dying.i", "far-only.i"):
            await until(lambda name=name: _is_gone(near, name))  # type: ignore[misc]
        await until(lambda: _has_none(near, many))
        assert (await far.ask("dying.i")).rcode == "NOERROR"
        assert (await far.ask("removed.i")).rcode == "NOERROR"
        place.heal()
        await until(lambda: _answers(near, "far-only.i"))
        await until(lambda: _is_ready(far))
        await agree(nodes, ["both", "far-only", "dying", "removed", "new"])
        assert set(many) <= await near.all_ids()
    for node in nodes:
        assert (await node.ask("removed.i")).rcode == "NXDOMAIN"
        assert (await node.ask("dying.i")).rcode == "NXDOMAIN"
        assert (await node.ask("new.i")).rdatas == ["10.0.1.2"]


class _refused_beats:  # noqa: N801 - reads as what it does
    """Heartbeats to one node alone, whatever it answers; those of many in one request."""

    def __init__(self, node: Node, *ids: str) -> None:
        self._node = node
        self._path = f"/v1/instances/{ids[0]}/heartbeat" if len(ids) == 1 else "/v1/heartbeats"
        self._body = None if len(ids) == 1 else {"ids": ids}

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            async with self._node.http.post(self._path, json=self._body):
                pass
            await asyncio.sleep(0.25)


async def _is_away(node: Node) -> bool:
    return bool((await node.ready())["status"] == "degraded")


async def _is_ready(node: Node) -> bool:
    return bool((await node.ready())["status"] == "ready")


async def _answers(node: Node, name: str) -> bool:
    return (await node.ask(name)).rcode == "NOERROR"


async def _is_gone(node: Node, name: str) -> bool:
    return (await node.ask(name)).rcode == "NXDOMAIN"


async def _has_none(node: Node, ids: list[str]) -> bool:
    return not set(ids) & await node.all_ids()
