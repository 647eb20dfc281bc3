"""What goes wrong in a cluster, one a test: DNS goes on, and nothing that lives is dropped."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import (
    Node,
    Refused,
    agree,
    beating,
    give_ttl,
    until,
    watching,
    writing,
)
from tests.endtoend.process import run

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
LOST = ("--appendonly", "no")
TTL = 2
LIVING = [f"living-{number}" for number in range(5)]
FROZEN_SECONDS = 20
REVERSE = "1.2.0.10.in-addr.arpa"
LOG = "{dnsregistry}:log"
META = "{dnsregistry}:meta"


async def _two(serve: Serve, url: str, *more: str) -> list[Node]:
    store = ("--store", url, *more)
    return list(await asyncio.gather(serve(*store), serve(*store)))


async def _populate(nodes: Sequence[Node]) -> None:
    """Some that will keep their heartbeats, one that has no lease end, one that was removed.

    All nodes have heard of them then, and may be watched.
    """
    node = nodes[0]
    for number, name in enumerate(LIVING):
        await node.put(name, ttl=None, address=f"10.0.1.{number}")
    await node.put("endless", ttl=None, address="10.0.2.1")
    await node.put("removed", ttl=None, address="10.0.2.2")
    await node.call("DELETE", "/v1/instances/removed")
    await agree(nodes, [*LIVING, "endless", "removed"])


async def _is_away(node: Node) -> bool:
    ready = await node.ready()
    return ready["status"] == "degraded" and any("store" in text for text in ready["reasons"])


async def _is_back(node: Node) -> bool:
    return bool((await node.ready())["status"] == "ready")


async def _all(nodes: Sequence[Node], holds: object) -> None:
    for node in nodes:
        await until(lambda node=node: holds(node))  # type: ignore[misc,operator]


async def _check_living(nodes: Sequence[Node], gone: Sequence[str] = ("removed",)) -> None:
    async with beating(nodes, LIVING):
        for node in nodes:
            for name in gone:
                await until(lambda node=node, name=name: _ended(node, name))  # type: ignore[misc]
        await agree(nodes, [*LIVING, "endless", *gone])
        for node in nodes:
            ids = await node.all_ids()
            assert {*LIVING, "endless"} <= ids
            assert not set(gone) & ids


async def _check_refusals(node: Node) -> None:
    """Changes are refused in the one way, at once."""
    for method, path, body in (
        ("PUT", "/v1/instances/new", {"service": "web", "address": "10.0.0.1", "port": 80}),
        ("POST", "/v1/heartbeats", {"ids": ["endless"]}),
        ("DELETE", "/v1/instances/endless", None),
    ):
        async with node.http.request(method, path, json=body) as response:
            told = await response.json()
            assert (response.status, told["type"]) == (503, "store-away")
            assert int(response.headers["Retry-After"]) >= 1
    outage = (await node.stats())["store"]
    assert outage["away_since"] <= time.time()


@pytest.mark.parametrize("options", [DURABLE, LOST], ids=["with its data", "without its data"])
async def test_a_store_that_was_killed_comes_back(
    launch: Launch, serve: Serve, options: Sequence[str]
) -> None:
    server = launch(*options)
    nodes = await _two(serve, server.url)
    await _populate(nodes)
    await nodes[0].put("dying", ttl=None, address="10.0.3.1")
    await agree(nodes, ["dying"])
    serial, base = await nodes[0].serial(), server.command("HGET", META, "base")
    async with (
        watching(nodes, [f"{LIVING[0]}.i", "endless.i"]),
        beating(nodes, LIVING, TTL),
        writing(nodes) as writers,
    ):
        await asyncio.sleep(0.5)
        await give_ttl(nodes[0], ["dying"], TTL)
        server.kill()
        await _all(nodes, _is_away)
        await _check_refusals(nodes[1])
        # Longer than any lease: nothing ends meanwhile.
        await asyncio.sleep(TTL + 0.5)
        for node in nodes:
            assert (await node.ask("dying.i")).rcode == "NOERROR"
        written = len(writers.acknowledged)
        server.start()
        await _all(nodes, _is_back)
        await until(lambda: len(writers.acknowledged) > written + 20)
    assert set(writers.refused) == {503}
    await _check_living(nodes, ["removed", "dying"])
    held = {name for node in nodes for name in await node.all_ids()}
    assert set(writers.acknowledged) <= held
    assert await nodes[0].serial() > serial
    # The serial goes on from where it was, whatever the clock of the node that began anew says.
    assert server.command("HGET", META, "base") == base
    for node in nodes:
        told = await node.served.stop()
        assert told.err.count("the store is away") == 1, told.err
        assert told.err.count("the store is back") == 1, told.err


async def test_a_store_that_is_frozen_for_long_changes_nothing(
    launch: Launch, serve: Serve
) -> None:
    server = launch(*DURABLE)
    nodes = await _two(serve, server.url)
    await _populate(nodes)
    async with watching(nodes, [f"{LIVING[0]}.i", "endless.i"]), beating(nodes, LIVING, TTL):
        server.freeze()
        began = time.monotonic()
        await _all(nodes, _is_away)
        await _check_refusals(nodes[0])
        late = await serve("--store", server.url, "--reverse-zones", "10.0.2.0/24")
        await _check_silent(late)
        await asyncio.sleep(began + FROZEN_SECONDS - time.monotonic())
        server.thaw()
        await _all([*nodes, late], _is_back)
        await asyncio.sleep(TTL + 0.5)
    assert (await late.served.dns.ask(REVERSE, "PTR")).rdatas == ["endless.i.registry.local."]
    await _check_living([*nodes, late])


async def _check_silent(node: Node) -> None:
    """It has come where no store was: nothing of ours is answered, nothing is taken."""
    replies = [await node.ask(name, edns=1232) for name in ("endless.i", "nobody", "")]
    for reply in [*replies, await node.served.dns.ask(REVERSE, "PTR", edns=1232)]:
        assert reply.rcode == "SERVFAIL"
        assert [int(option.code) for option in reply.message.extended_errors()] == [14]
    ready = await node.ready()
    assert (ready["code"], ready["status"]) == (503, "starting")
    with pytest.raises(Refused) as refused:
        await node.put("new")
    assert refused.value.status == 503
    for path in (
        "/v1/instances",
        "/v1/instances/endless",
        "/v1/instances/endless/checks",
        "/v1/services",
        "/v1/services/web",
        "/v1/services/web/health",
    ):
        with pytest.raises(Refused) as refused:
            await node.call("GET", path)
        assert (refused.value.status, refused.value.body["type"]) == (503, "store-away"), path


async def test_a_node_killed_in_the_middle_of_writing_loses_nothing(
    launch: Launch, serve: Serve
) -> None:
    server = launch(*DURABLE)
    here, there = await _two(serve, server.url)
    await _populate([here, there])
    async with watching([there], [f"{LIVING[0]}.i"]), beating([here, there], LIVING, TTL):
        async with writing([here], count=8) as writers:
            await until(lambda: len(writers.acknowledged) > 100)
            os.kill(here.served.process.pid, signal.SIGKILL)
            await asyncio.sleep(0.3)
        back = await serve("--store", server.url)
        await asyncio.sleep(TTL)
    for node in (there, back):
        held = await node.all_ids()
        assert set(writers.acknowledged) <= held
        for name in held - set(writers.acknowledged):
            # What was not acknowledged is there whole or not at all.
            assert (await node.get(name))["address"].startswith("10.")
    await _check_living([there, back])


async def test_a_log_trimmed_beyond_a_node_is_read_anew(launch: Launch, serve: Serve) -> None:
    server = launch(*LOST)
    here, there = await _two(serve, server.url)
    await _populate([here, there])
    async with beating([here], LIVING, TTL):
        os.kill(there.served.process.pid, signal.SIGSTOP)
        for number in range(30):
            await here.put(f"missed-{number}", ttl=None)
        await here.call("DELETE", "/v1/instances/missed-0")
        server.command("XTRIM", LOG, "MAXLEN", "3")
        os.kill(there.served.process.pid, signal.SIGCONT)
        async with watching([there], [f"{LIVING[0]}.i", "endless.i"]):
            await agree([here, there], [*LIVING, "missed-0", "missed-29"])
            await there.put("written", ttl=None)
            await asyncio.sleep(0.3)
    await _check_living([here, there], ["removed", "missed-0"])


async def test_a_node_that_was_cut_from_the_log_alone_notices(launch: Launch, serve: Serve) -> None:
    server = launch(*LOST)
    nodes = await _two(serve, server.url)
    await _populate(nodes)
    async with beating(nodes, LIVING, TTL), watching(nodes, [f"{LIVING[0]}.i"]):
        server.command("CLIENT", "KILL", "TYPE", "normal")
        for number in range(10):
            await nodes[number % 2].put(f"after-{number}", ttl=None)
        await agree(nodes, [f"after-{number}" for number in range(10)])


async def test_a_log_that_cannot_be_followed_is_read_anew(launch: Launch, serve: Serve) -> None:
    server = launch(*LOST)
    here, there = await _two(serve, server.url)
    await _populate([here, there])
    await agree([here, there], LIVING)
    async with beating([here], LIVING, TTL), watching([here, there], [f"{LIVING[0]}.i"]):
        # Both read what nobody of ours has written; one of them comes to a hole behind it too.
        server.command("XADD", LOG, "0-*", "foreign", "words")
        await _all([here, there], _takes)
        os.kill(there.served.process.pid, signal.SIGSTOP)
        try:
            for number in range(5):
                await here.put(f"missed-{number}", ttl=None)
            server.command(
                "XDEL", LOG, server.command("XREVRANGE", LOG, "+", "-", "COUNT", 3)[2][0]
            )
        finally:
            os.kill(there.served.process.pid, signal.SIGCONT)
        await agree([here, there], ["missed-0", "missed-2", "missed-4"])
        await asyncio.sleep(0.3)
    await _check_living([here, there])
    for node in (here, there):
        told = await node.served.stop()
        assert told.err.count("brought up to the store") <= 2, told.err
        assert "the store is away" not in told.err


async def _takes(node: Node) -> bool:
    try:
        await node.put("probe", ttl=None)
    except Refused:
        return False
    return True


async def test_a_snapshot_lets_a_node_answer_what_it_knew(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = launch(*DURABLE)
    file = tmp_path / "snapshot.db"
    store = ("--store", server.url, "--store-snapshot", str(file))
    first = await serve(*store)
    await _populate([first])
    await first.put("kept", ttl=30, address="10.0.0.7")
    serial = await first.serial()
    await first.served.stop()
    server.kill()
    node = await serve(*store)
    assert (await node.ready())["status"] == "degraded"
    assert (await node.ask("kept.i")).rdatas == ["10.0.0.7"]
    assert (await node.ask("removed.i")).rcode == "NXDOMAIN"
    assert await node.serial() == serial
    with pytest.raises(Refused) as refused:
        await node.put("new")
    assert refused.value.status == 503
    # A second node must not spoil the file.
    finished = await run("--dns-port", "0", "--http-port", "0", *store)
    assert finished.err.splitlines()[-1].startswith(f"Error: STORE_SNAPSHOT: {file} cannot be used")
    server.start()
    await until(lambda: _is_back(node))
    await node.put("new", ttl=None)
    other = await serve("--store", server.url)
    await agree([node, other], ["kept", "removed", "new", "endless"])


async def test_a_snapshot_brings_back_what_the_store_lost(
    launch: Launch, serve: Serve, tmp_path: Path
) -> None:
    server = launch(*LOST)
    store = ("--store", server.url, "--store-snapshot", str(tmp_path / "snapshot.db"))
    first = await serve(*store)
    await _populate([first])
    serial = await first.serial()
    await first.served.stop()
    server.kill()
    server.start()
    nodes = [await serve(*store), await serve("--store", server.url)]
    await agree(nodes, [*LIVING, "endless", "removed"])
    assert (await nodes[1].ask("endless.i")).rdatas == ["10.0.2.1"]
    assert (await nodes[1].ask("removed.i")).rcode == "NXDOMAIN"
    assert await nodes[1].serial() > serial


async def _ended(node: Node, id: str) -> bool:
    return (await node.ask(f"{id}.i")).rcode == "NXDOMAIN"
