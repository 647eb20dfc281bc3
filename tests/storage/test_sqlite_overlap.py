"""Changes of one lease that overlap while a commit runs: what was acknowledged holds."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.sqlite import committer, database
from dnsregistry.storage.sqlite.committer import QUIET_TURNS
from dnsregistry.storage.sqlite.store import SqliteStore
from tests.program import PATIENCE, Clock
from tests.storage.conftest import Make

ALL = 1000
TTL = 30


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def store(tmp_path: Path, registry: Registry, clock: Clock) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "registry.db", registry, clock)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[], threading.Event]:
    """From its call on commits wait; until the event that it returns is set."""
    commit = database.Database.commit

    def begin() -> threading.Event:
        answers = threading.Event()

        def wait(self: database.Database, batch: database.Batch) -> None:
            assert answers.wait(PATIENCE)
            commit(self, batch)

        monkeypatch.setattr(database.Database, "commit", wait)
        return answers

    return begin


@pytest.mark.parametrize("port", [80, 81])
async def test_a_registration_that_was_in_time_outlives_a_sweep_that_came_before_its_commit(
    store: SqliteStore,
    registry: Registry,
    clock: Clock,
    make: Make,
    slow: Callable[[], threading.Event],
    port: int,
) -> None:
    await store.grant(make("a", ttl=TTL))
    clock.advance(TTL - 1)
    answers = slow()
    first = asyncio.ensure_future(store.grant(make("other")))
    again = asyncio.ensure_future(store.grant(make("a", ttl=TTL, port=port)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(1)
    sweep = asyncio.ensure_future(store.expire(ALL))
    await asyncio.sleep(0)
    answers.set()
    await asyncio.gather(first, sweep)
    assert not (await again).created
    lease = registry.find("a", clock())
    assert lease.deadline == clock() + TTL
    assert lease.instance.port == port
    clock.advance(TTL)
    await store.expire(ALL)
    assert registry.catalogue.find("a") is None


async def test_a_status_that_was_in_time_prolongs_nothing(
    store: SqliteStore,
    registry: Registry,
    clock: Clock,
    make: Make,
    slow: Callable[[], threading.Event],
) -> None:
    await store.grant(make("a", ttl=TTL))
    clock.advance(TTL - 1)
    answers = slow()
    status = asyncio.ensure_future(store.set_status("a", Status.DRAINING))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    clock.advance(1)
    sweep = asyncio.ensure_future(store.expire(ALL))
    await asyncio.sleep(0)
    answers.set()
    await asyncio.gather(status, sweep)
    assert registry.catalogue.find("a") is None


async def test_those_who_are_answered_together_share_the_next_commit_with_those_who_waited(
    store: SqliteStore,
    make: Make,
    slow: Callable[[], threading.Event],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(committer, "LONGEST_GATHERING", PATIENCE)

    async def come_twice(name: str) -> None:
        await store.grant(make(name, port=1))
        # A request is read in a few turns of the loop.
        for _ in range(QUIET_TURNS - 1):
            await asyncio.sleep(0)
        await store.grant(make(name, port=2))

    before = store.tell()
    answers = slow()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        for name in ("a", "b"):
            group.create_task(come_twice(name))
        for _ in range(2 * QUIET_TURNS):
            await asyncio.sleep(0)
        for name in ("c", "d"):
            group.create_task(store.grant(make(name)))
        await asyncio.sleep(0)
        answers.set()
    after = store.tell()
    assert (after["commits"], after["changes"]) == (before["commits"] + 2, before["changes"] + 6)  # type: ignore[operator]
