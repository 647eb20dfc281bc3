"""A node that the network cuts off from the store, in a network namespace of its own."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, agree, beating, until, watching
from tests.machine import give_up, require

TTL = 2
STORE, STORE_SIDE = "198.18.71.1", "198.18.71.2"
HERE, NODE_SIDE = "198.18.72.1", "198.18.72.2"


@dataclass(frozen=True, slots=True)
class Place:
    """A namespace with one line to the store and one to the test."""

    name: str

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
    name = f"dnsr{os.getpid()}"
    place = Place(name)
    made = subprocess.run([ip, "netns", "add", name], capture_output=True, check=False)
    if made.returncode:
        give_up(f"the kernel refuses namespaces: {made.stderr.decode().strip()}")
    try:
        for line, here, there in (("store0", STORE, STORE_SIDE), ("test0", HERE, NODE_SIDE)):
            outside = f"{line[0]}{os.getpid()}"
            peer = ("type", "veth", "peer", "name", line, "netns", name)
            for words in (
                ("link", "add", outside, *peer),
                ("addr", "add", f"{here}/24", "dev", outside),
                ("link", "set", outside, "up"),
            ):
                subprocess.run([ip, *words], check=True)
            place.run("ip", "addr", "add", f"{there}/24", "dev", line)
            place.run("ip", "link", "set", line, "up")
        place.run("ip", "link", "set", "lo", "up")
        yield place
    finally:
        subprocess.run([ip, "netns", "del", name], check=True)


async def test_a_node_cut_off_for_two_lease_times_and_healed_agrees_again(
    launch: Launch, serve: Serve, place: Place
) -> None:
    server = launch("--appendonly", "no", "--protected-mode", "no", "--bind", "127.0.0.1", STORE)
    store = f"redis://{STORE}:{server.port}"
    open_to_test = ("--dns-host", NODE_SIDE, "--http-host", NODE_SIDE, "--insecure")
    near = await serve("--store", server.url)
    far = await serve("--store", store, *open_to_test, within=place.within, host=NODE_SIDE)
    nodes = [near, far]
    for name in ("both", "far-only", "dying", "removed"):
        await near.put(name, ttl=TTL, address="10.0.1.1")
    await agree(nodes, ["both", "far-only", "dying", "removed"])
    async with (
        watching(nodes, ["both.i"]),
        watching([far], ["far-only.i"]),
        beating([near, far], ["both"]),
        _refused_beats(far, "far-only"),
        _refused_beats(far, "removed"),
    ):
        place.cut()
        await near.call("DELETE", "/v1/instances/removed")
        await near.put("new", ttl=None, address="10.0.1.2")
        await until(lambda: _is_away(far))
        await asyncio.sleep(2 * TTL)
        # Where the store is, a lease without heartbeats has ended; where it is not, not.
        assert (await near.ask("dying.i")).rcode == "NXDOMAIN"
        assert (await near.ask("far-only.i")).rcode == "NXDOMAIN"
        assert (await far.ask("dying.i")).rcode == "NOERROR"
        assert (await far.ask("removed.i")).rcode == "NOERROR"
        place.heal()
        await until(lambda: _answers(near, "far-only.i"))
        await until(lambda: _is_ready(far))
        await agree(nodes, ["both", "far-only", "dying", "removed", "new"])
    for node in nodes:
        assert (await node.ask("removed.i")).rcode == "NXDOMAIN"
        assert (await node.ask("dying.i")).rcode == "NXDOMAIN"
        assert (await node.ask("new.i")).rdatas == ["10.0.1.2"]


class _refused_beats:  # noqa: N801 - reads as what it does
    """Heartbeats to one node alone, whatever it answers."""

    def __init__(self, node: Node, id: str) -> None:
        self._node = node
        self._id = id

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            async with self._node.http.post(f"/v1/instances/{self._id}/heartbeat"):
                pass
            await asyncio.sleep(0.25)


async def _is_away(node: Node) -> bool:
    return bool((await node.ready())["status"] == "degraded")


async def _is_ready(node: Node) -> bool:
    return bool((await node.ready())["status"] == "ready")


async def _answers(node: Node, name: str) -> bool:
    return (await node.ask(name)).rcode == "NOERROR"
