"""Watching a cluster: revisions are the store's, so any node goes on where another one ended."""

import asyncio
import os
import signal
from typing import Any

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, agree, until
from tests.program import PATIENCE
from tests.watching.sse import watching

LOG = "{dnsregistry}:log"
MOVES = 12
EACH = 6


async def _two(serve: Serve, url: str) -> list[Node]:
    store = ("--store", url)
    return list(await asyncio.gather(serve(*store), serve(*store)))


async def test_a_watcher_goes_from_node_to_node_and_misses_nothing(
    launch: Launch, serve: Serve
) -> None:
    nodes = await _two(serve, launch("--appendonly", "no").url)
    first = await nodes[0].put("first", ttl=None)
    last, seen, count = str(first["revision"]), [], MOVES * EACH

    async def write() -> None:
        for number in range(count):
            await nodes[number % 2].put(f"i{number}", ttl=None)

    writer = asyncio.create_task(write())
    for move in range(MOVES):
        async with watching(nodes[move % 2].http, Last_Event_ID=last) as stream:
            seen += [block.told for block in await stream.take(EACH)]
            last = stream.last_id
    await writer
    assert seen == [("registered", f"i{number}") for number in range(count)]
    # What one node acknowledged is not of another life to the one that has not read it yet.
    for number in range(20):
        changed = await nodes[0].put("ahead", ttl=None, port=1000 + number)
        async with watching(nodes[1].http, f"?since={changed['revision']}") as stream:
            assert (await stream.next_block()).data == []
    ahead = (await nodes[0].put("ahead", ttl=None, port=1))["revision"] + 5
    async with watching(nodes[1].http, f"?since={ahead}") as stream:
        assert (await stream.next()).event == "reset"


async def test_a_node_that_reads_the_store_anew_has_its_watchers_list_again(
    launch: Launch, serve: Serve
) -> None:
    server = launch("--appendonly", "no")
    here, there = await _two(serve, server.url)
    for number in range(5):
        first = await here.put(f"i{number}", ttl=None)
    await agree([here, there], ["i0", "i4"])
    async with watching(there.http) as stream, watching(here.http) as whole:
        await stream.next_block()
        waiting = asyncio.create_task(there.call("GET", "/v1/services/web?wait=10m"))
        await until(lambda: _waits(there))
        os.kill(there.served.process.pid, signal.SIGSTOP)
        try:
            for number in range(30):
                await here.put(f"missed-{number}", ttl=None)
            await here.call("DELETE", "/v1/instances/i0")
            server.command("XTRIM", LOG, "MAXLEN", "3")
        finally:
            os.kill(there.served.process.pid, signal.SIGCONT)
        # What was on its way already comes first.
        early = 0
        while (reset := await stream.next()).event != "reset":
            assert reset.told == ("registered", f"missed-{early}")
            early += 1
        assert early < 30
        assert reset.json["instance"] is None
        listed = await there.call("GET", "/v1/instances?limit=1000")
        assert listed["revision"] >= reset.revision
        assert sorted(one["id"] for one in listed["instances"]) == await here.ids()
        async with asyncio.timeout(PATIENCE):
            assert (await waiting)["revision"] >= first["revision"]
        # From there on both tell the same again, and neither tells what was read anew.
        later = await here.put("later", ttl=None)
        event = (await stream.next()).json
        assert event["revision"] == later["revision"]
        assert _timeless(event["instance"]) == _timeless(later)
        told = [(await whole.next()) for _ in range(32)]
        assert [block.event for block in told] == ["registered"] * 30 + ["removed", "registered"]
    async with watching(there.http, f"?since={first['revision']}") as stream:
        assert (await stream.next()).event == "reset"


async def _waits(node: Node) -> bool:
    async with node.http.get("/metrics") as response:
        return 'dnsregistry_watch_clients{kind="wait"} 1.0' in await response.text()


def _timeless(instance: dict[str, Any]) -> dict[str, Any]:
    """An instance but for its times, which each node tells by its own clock."""
    times = {"registered_at", "last_heartbeat", "expires_at"}
    return {key: value for key, value in instance.items() if key not in times}
