"""A place is found among changes that not all workers know yet."""

import asyncio

from dnsregistry.api.watching.watching import Watching, WatchOptions
from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry
from tests.health.conftest import until
from tests.program import PATIENCE


class _Workers:
    """Know of changes when they are told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.knows = asyncio.Event()

    async def settle(self) -> None:
        self.asked.set()
        await self.knows.wait()


async def test_who_comes_while_a_change_settles_is_told_nothing_up_to_its_place() -> None:
    registry, workers = Registry(), _Workers()
    watching = Watching(registry.feed, lambda _: b"", WatchOptions(), workers.settle)
    watching.start()
    try:
        for name in ("a", "b"):
            instance = admit(id=name, service="web", address="10.0.0.1", port=80)
            registry.grant(instance, 0.0)
            async with asyncio.timeout(PATIENCE):
                # The first one settles by now, and the second has to wait for the next round.
                await workers.asked.wait()
        since = registry.feed.revision
        coming = asyncio.create_task(watching.begin(None, since))
        await asyncio.sleep(0)
        workers.knows.set()
        async with asyncio.timeout(PATIENCE):
            start, revision = await coming
        await until(lambda: len(start.run) == 2)
        assert (revision, start.is_gap) == (since, False)
        assert start.position == start.run.end
    finally:
        await watching.stop()


async def test_a_read_waits_for_a_revision_that_another_node_has_told() -> None:
    registry = Registry()
    watching = Watching(registry.feed, lambda _: b"", WatchOptions(lag=PATIENCE))
    watching.start()
    lost: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()
    try:
        since = registry.feed.revision + 1
        reading = asyncio.create_task(watching.wait("web", since, PATIENCE, lost))
        for name in ("a", "b"):
            await until(lambda: watching.tally.waiting == 1 or reading.done())
            assert not reading.done()
            registry.grant(admit(id=name, service="web", address="10.0.0.1", port=80), 0.0)
            await until(lambda: watching.revision == registry.feed.revision)
        async with asyncio.timeout(PATIENCE):
            await reading
        assert registry.feed.revision == since + 1
    finally:
        await watching.stop()


async def test_a_stop_does_not_wait_for_a_revision_to_come() -> None:
    registry = Registry()
    watching = Watching(registry.feed, lambda _: b"", WatchOptions(lag=10 * PATIENCE))
    watching.start()
    coming = asyncio.create_task(watching.begin(None, registry.feed.revision + 5))
    await until(lambda: watching.tally.waiting == 1)
    await watching.stop()
    async with asyncio.timeout(PATIENCE):
        assert (await coming)[0].is_gap
