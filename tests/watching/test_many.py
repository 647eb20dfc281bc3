"""Many watchers of many changes: each has every one, in order, and costs the others nothing."""

import asyncio
import re

import pytest

from tests.cluster.nodes import until
from tests.conftest import Start
from tests.program import PATIENCE, Program
from tests.watching.test_slow import Sleeper

WATCHERS = 200
CHANGES = 100
_NUMBER = re.compile(rb"id: (\d+)\nevent: (\w+)\n")


class Counter(asyncio.Protocol):
    """A watcher that looks at numbers and kinds alone; `done` at the last revision."""

    def __init__(self, query: bytes) -> None:
        self.query = query
        self.seen: list[tuple[int, bytes]] = []
        self.changed = asyncio.Event()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"GET /v1/watch%s HTTP/1.1\r\nHost: test\r\n\r\n" % self.query)

    def data_received(self, data: bytes) -> None:
        octets = self._rest + data
        end = 0
        for match in _NUMBER.finditer(octets):
            self.seen.append((int(match[1]), match[2]))
            end = match.end()
        self._rest = octets[max(end, len(octets) - 100) :]
        self.changed.set()

    async def wait_until(self, revision: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.seen or self.seen[-1][0] < revision:
                self.changed.clear()
                await self.changed.wait()


async def _watch(program: Program, count: int, query: bytes = b"") -> list[Counter]:
    host, _, port = program.url.removeprefix("http://").rpartition(":")
    loop = asyncio.get_running_loop()
    counters = []
    for _ in range(count):
        _, counter = await loop.create_connection(lambda: Counter(query), host, int(port))
        counters.append(counter)
    return counters


@pytest.mark.parametrize("settings", [{}, {"workers": 1}], ids=["alone", "with a worker"])
async def test_two_hundred_watchers_see_every_change_in_order(
    start: Start, settings: dict[str, object]
) -> None:
    program = await start(**settings)
    counters = await _watch(program, WATCHERS)
    others = await _watch(program, 20, b"?service=quiet")
    sleeper = Sleeper(program)
    watched = program.app.watching
    await until(lambda: watched.tally.streams == WATCHERS + 21)
    changed = [
        ((await program.register("a", port=port))["revision"]) for port in range(1, CHANGES + 1)
    ]
    for counter in counters:
        await counter.wait_until(changed[-1])
        assert counter.seen == list(
            zip(changed, [b"registered"] + [b"updated"] * (CHANGES - 1), strict=True)
        )
    assert not any(counter.seen for counter in others)
    # What one change takes is the same for any number of those who watch something else.
    assert watched.tally.events >= WATCHERS * CHANGES
    assert watched.tally.events <= (WATCHERS + 1) * CHANGES
    for counter in (*counters, *others):
        counter.transport.abort()
    sleeper.socket.close()
