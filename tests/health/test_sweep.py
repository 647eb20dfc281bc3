"""The sweep, on the real event loop: leases end soon after their deadline, and nothing else."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dnsregistry.health.sweep import SHARING, SLICE, sweep
from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.memory import MemoryStore
from dnsregistry.storage.sqlite.database import Batch, Database
from dnsregistry.storage.sqlite.store import SqliteStore
from dnsregistry.storage.store import Store
from tests.program import PATIENCE, Clock


def _make(id: str, ttl: float | None) -> Instance:
    return admit(id=id, service="web", address="10.0.0.1", port=80, ttl=ttl)


@asynccontextmanager
async def _sweeping(
    registry: Registry, now: Callable[[], float], store: Store | None = None
) -> AsyncIterator[None]:
    task = asyncio.create_task(sweep(store or MemoryStore(registry, now), now))
    yield
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Ended:
    """Waits for leases to expire."""

    def __init__(self, registry: Registry) -> None:
        self.ids: list[str] = []
        self._changed = asyncio.Event()
        registry.feed.subscribe(self._note)

    async def wait(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while len(self.ids) < count:
                self._changed.clear()
                await self._changed.wait()

    def _note(self, change: Change) -> None:
        if change.kind is ChangeKind.EXPIRED and change.before is not None:
            self.ids.append(change.before.id)
            self._changed.set()


async def test_an_expired_lease_is_ended_and_told() -> None:
    registry, clock = Registry(), Clock()
    ended = Ended(registry)
    registry.grant(_make("ends", 10), clock())
    registry.grant(_make("stays", 11), clock())
    clock.advance(10)
    async with _sweeping(registry, clock):
        await ended.wait(1)
    assert ended.ids == ["ends"]
    assert [lease.instance.id for lease in registry.catalogue.after(0)] == ["stays"]


async def test_a_lease_granted_while_the_sweep_sleeps_ends_in_time() -> None:
    registry = Registry()
    ended = Ended(registry)
    registry.grant(_make("long", 60), time.monotonic())
    took = []
    async with _sweeping(registry, time.monotonic):
        await asyncio.sleep(0)
        for count in range(1, 4):
            granted = time.monotonic()
            registry.grant(_make("short", 1), granted)
            await ended.wait(count)
            took.append(time.monotonic() - granted)
    # A sleep too many would end each at two; a machine that is away does not hit all three.
    assert 1 <= min(took) < 1.8


async def test_a_renewed_lease_is_left_alone() -> None:
    registry, clock = Registry(), Clock()
    ended = Ended(registry)
    registry.grant(_make("renewed", 10), clock())
    registry.grant(_make("ends", 10), clock())
    clock.advance(9)
    registry.renew("renewed", clock())
    clock.advance(9)
    async with _sweeping(registry, clock):
        await ended.wait(1)
    assert ended.ids == ["ends"]


async def test_between_slices_the_loop_turns() -> None:
    registry, clock = Registry(), Clock()
    ended = Ended(registry)
    for number in range(10 * SLICE):
        registry.grant(_make(f"i{number}", 10), clock())
    clock.advance(10)
    seen: set[int] = set()
    async with _sweeping(registry, clock):
        async with asyncio.timeout(PATIENCE):
            while len(ended.ids) < 10 * SLICE:
                await asyncio.sleep(0)
                seen.add(len(ended.ids))
    assert seen >= {SLICE * step for step in range(1, 11)}


async def test_slices_wait_for_the_disk_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, commit = threading.Event(), Database.commit

    def wait(self: Database, batch: Batch) -> None:
        assert answers.wait(PATIENCE)
        commit(self, batch)

    registry, clock = Registry(), Clock()
    store = SqliteStore(tmp_path / "registry.db", registry, clock)
    await store.start()
    count = 10 * SLICE
    await asyncio.gather(*(store.grant(_make(f"i{number}", 10)) for number in range(count)))
    ended = Ended(registry)
    clock.advance(10)
    before = store.tell()["commits"]
    monkeypatch.setattr(Database, "commit", wait)
    async with _sweeping(registry, clock, store):
        answers.set()
        await ended.wait(1)
        answers.clear()
        for _ in range(3 * SHARING):
            await asyncio.sleep(0)
        answers.set()
        await ended.wait(count)
    # The first has a commit, the second tells that there are more, the others share.
    assert store.tell()["commits"] <= before + 4  # type: ignore[operator]
    await store.stop()


async def test_an_error_of_a_listener_is_logged_and_the_sweep_goes_on() -> None:
    registry, clock = Registry(), Clock()
    failed = asyncio.Event()

    def fail(change: Change) -> None:
        if change.kind is ChangeKind.EXPIRED and not failed.is_set():
            failed.set()
            raise RuntimeError("a fault that was put in")

    registry.feed.subscribe(fail)
    ended = Ended(registry)
    registry.grant(_make("first", 10), clock())
    registry.grant(_make("second", 20), clock())
    clock.advance(10)
    with capture_logs() as lines:
        async with _sweeping(registry, clock):
            async with asyncio.timeout(PATIENCE):
                await failed.wait()
            clock.advance(10)
            await ended.wait(1)
    assert ended.ids == ["second"]
    assert [line["event"] for line in lines] == ["sweep failed"]


async def test_leases_without_end_need_no_sweep() -> None:
    registry, clock = Registry(), Clock()
    ended = Ended(registry)
    registry.grant(_make("forever", None), clock())
    clock.advance(1e9)
    registry.grant(_make("ends", 1), clock() - 1)
    async with _sweeping(registry, clock):
        await ended.wait(1)
    assert ended.ids == ["ends"]
