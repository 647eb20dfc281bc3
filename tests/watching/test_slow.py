"""Watchers that do not keep up: they lose their place, or their connection, and hurt nobody."""

import asyncio
import contextlib
import logging
import re
import socket

import pytest
from aiohttp import web

from dnsregistry.api.watching import handlers
from tests.cluster.nodes import until
from tests.conftest import Start
from tests.program import PATIENCE, Program
from tests.watching.sse import watching

LARGE = {f"k{number}": "x" * 200 for number in range(70)}
"""14 KB of metadata: a few dozen changes fill what the kernel and the server hold for a stream."""
CHANGES = 120
"""1.7 MB. The kernel keeps 128 KiB for the sender here, and less for the receiver."""


class Sleeper:
    """A watcher with little room that does not read until it is told to."""

    def __init__(self, program: Program) -> None:
        host, _, port = program.url.removeprefix("http://").rpartition(":")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        self.socket.connect((host, int(port)))
        self.socket.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: test\r\n\r\n")
        self.socket.setblocking(False)
        self.octets = bytearray()

    async def read_until(self, mark: bytes) -> None:
        """Raises EOFError or ConnectionResetError where the server has closed."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(PATIENCE):
            while mark not in self.octets:
                received = await loop.sock_recv(self.socket, 65536)
                if not received:
                    raise EOFError
                self.octets += received

    def revisions(self) -> list[int]:
        """The numbers of its events, resets too, in the order in which they came."""
        return [int(number) for number in re.findall(rb"id: (\d+)\nevent", self.octets)]


async def _change(program: Program, count: int) -> list[int]:
    return [
        (await program.register("a", metadata=LARGE, port=number))["revision"]
        for number in range(1, count + 1)
    ]


async def test_a_slow_reader_is_told_to_list_again_and_others_miss_nothing(start: Start) -> None:
    program = await start(watch_history=10)
    sleeper = Sleeper(program)
    await until(lambda: program.app.watching.tally.streams == 1)
    async with watching(program.http) as stream:
        reading = asyncio.create_task(stream.take(CHANGES))
        changed = await _change(program, CHANGES)
        assert [block.revision for block in await reading] == changed
    tally = program.app.watching.tally
    assert (tally.resets, tally.cut) == (0, 0)
    await sleeper.read_until(b"event: reset")
    last = (await program.register("last"))["revision"]
    await sleeper.read_until(b'"instance":{"id":"last"')
    *before, reset, after = sleeper.revisions()
    # All in order up to where it was lost, and nothing between the reset and what follows.
    assert before == changed[: len(before)]
    assert len(before) < CHANGES
    assert (reset, after) == (changed[-1], last)
    assert tally.resets == 1
    sleeper.socket.close()


async def test_a_reader_within_the_history_loses_nothing(start: Start) -> None:
    program = await start()
    sleeper = Sleeper(program)
    await until(lambda: program.app.watching.tally.streams == 1)
    changed = await _change(program, CHANGES)
    last = (await program.register("last"))["revision"]
    await sleeper.read_until(b'"instance":{"id":"last"')
    assert sleeper.revisions() == [*changed, last]
    sleeper.socket.close()


async def test_one_that_never_reads_is_cut(start: Start) -> None:
    program = await start(watch_patience=0.2)
    sleeper = Sleeper(program)
    await until(lambda: program.app.watching.tally.streams == 1)
    await _change(program, CHANGES)
    watched = program.app.watching
    await until(lambda: watched.tally.cut == 1)
    await until(lambda: not watched.tally.streams and not watched.seats.taken)
    with contextlib.suppress(EOFError, ConnectionResetError):
        await sleeper.read_until(b"nothing that is ever sent")
    sleeper.socket.close()


async def test_one_that_does_not_read_does_not_hold_up_a_stop(start: Start) -> None:
    program = await start()
    sleeper = Sleeper(program)
    await until(lambda: program.app.watching.tally.streams == 1)
    await _change(program, CHANGES)
    async with asyncio.timeout(4.5):
        await program.app.stop()
    sleeper.socket.close()


async def test_one_that_stops_reading_is_cut_when_nothing_changes_any_more(start: Start) -> None:
    """What waits for it then fits in the kernel, which is asked to see to it."""
    program = await start(watch_patience=0.2, watch_heartbeat=0.1)
    sleeper = Sleeper(program)
    await until(lambda: program.app.watching.tally.streams == 1)
    await _change(program, 9)
    await until(lambda: program.app.watching.tally.cut == 1)
    await until(lambda: not program.app.watching.seats.taken)
    sleeper.socket.close()


async def test_an_event_takes_no_more_than_the_history_counts_it_for(program: Program) -> None:
    """Of all that an instance can have the most; so the history is bounded in octets."""
    checks = [
        {
            "type": "http",
            "path": "/" + "x" * 2000,
            "headers": {f"h{n}": "y" * 1000 for n in range(16)},
        }
        for _ in range(16)
    ]
    watched = program.app.watching
    async with watching(program.http) as stream:
        for given in (
            {"checks": checks},
            {"metadata": {"k": "\x01" * 2500}, "version": "\x01" * 255},
            {"tags": [f"t{n}-{'x' * 55}" for n in range(64)]},
            {"capabilities": [f"c{n}-{'x' * 55}" for n in range(64)]},
            {"ports": {f"p{n}-{'x' * 9}": 1 + n for n in range(64)}, "service": "s" * 60},
        ):
            await program.register("a", **given)
            await stream.next()
            run = watched._history.open(None, None).run
            event = run.at(run.end - 1)
            assert event.octets is not None
            assert len(event.octets) <= event.weight < 6 * len(event.octets), given.keys()


async def test_whoever_is_gone_before_anything_is_told_is_no_error(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    get = handlers.Watch.get
    asked, ended = asyncio.Event(), asyncio.Event()

    async def get_late(self: handlers.Watch, request: web.Request) -> web.StreamResponse:
        asked.set()
        await asyncio.wait([handlers._connection(request).lost])
        try:
            return await get(self, request)
        finally:
            ended.set()

    monkeypatch.setattr(handlers.Watch, "get", get_late)
    program = await start()
    sleeper = Sleeper(program)
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        sleeper.socket.close()
        await ended.wait()
    # What becomes of the answer is logged before this one's.
    await program.read_stats()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
