"""While the file cannot be written: what is refused, what goes on, and how it ends."""

# Files as small as these are read and written at once.
# ruff: noqa: ASYNC240

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Status
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.sqlite import committer, database
from dnsregistry.storage.sqlite.store import SqliteStore
from tests.program import PATIENCE, Clock
from tests.storage.conftest import Make

ALL = 1000


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    monkeypatch.setattr(committer, "RETRY_SECONDS", 0.01)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def store(path: Path, registry: Registry, clock: Clock) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, registry, clock)
    await store.start()
    yield store
    await store.stop()


@pytest.fixture
def other(store: SqliteStore, path: Path) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the file, which can lock it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def _wait_for_return(store: SqliteStore) -> None:
    async with asyncio.timeout(PATIENCE):
        while store.outage is not None:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_change_that_cannot_be_written_leaves_nothing(
    store: SqliteStore, registry: Registry, other: sqlite3.Connection, make: Make
) -> None:
    changes: list[Change] = []
    await store.grant(make("old"))
    registry.feed.subscribe(changes.append)
    other.execute("BEGIN IMMEDIATE")
    edits = (
        *(store.grant(make("new")), store.grant(make("old", port=81)), store.revoke("old")),
        store.set_status("old", Status.DRAINING),
    )
    for result in await asyncio.gather(*edits, return_exceptions=True):
        assert isinstance(result, StoreAway)
        assert "another program has locked it" in str(result)
    assert changes == []
    assert [lease.instance for lease in registry.catalogue.after(0)] == [make("old")]
    other.execute("ROLLBACK")
    await _wait_for_return(store)
    assert (await store.grant(make("new"))).lease.revision == 2
    assert registry.feed.revision == 2


async def test_an_array_is_refused_whole(
    store: SqliteStore, registry: Registry, other: sqlite3.Connection, make: Make
) -> None:
    instances = [make(f"i{n}") for n in range(10)]
    for instance in instances:
        registry.promise(instance)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(StoreAway):
            await store.grant_all(instances)
    assert len(registry.catalogue) == 0
    other.execute("ROLLBACK")
    await _wait_for_return(store)
    assert len(await store.grant_all(instances)) == 10


async def test_a_refused_id_can_be_had_by_another(
    store: SqliteStore, other: sqlite3.Connection, make: Make
) -> None:
    other.execute("BEGIN IMMEDIATE")
    for _ in range(2):
        with pytest.raises(StoreAway):
            await store.grant(make("an-id-of-more-than-sixteen-octets"))
    other.execute("ROLLBACK")
    await _wait_for_return(store)
    assert (await store.grant(make(host_label("an-id-of-more-than-sixteen-octets")))).created


async def test_it_is_said_once_and_told_since_when(
    store: SqliteStore, other: sqlite3.Connection, clock: Clock, make: Make
) -> None:
    since = clock()
    with capture_logs() as lines:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(5):
            with pytest.raises(StoreAway):
                await store.grant(make())
            clock.advance(1)
        assert store.outage is not None
        assert store.outage.since == since
        other.execute("ROLLBACK")
        await _wait_for_return(store)
    assert [line["event"] for line in lines] == [
        "the store takes no change; names are answered from memory",
        "the store takes changes again",
    ]


async def _go_away(store: SqliteStore, other: sqlite3.Connection, make: Make) -> None:
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway):
        await store.grant(make("refused"))


async def test_heartbeats_go_on(
    store: SqliteStore, other: sqlite3.Connection, clock: Clock, make: Make
) -> None:
    await store.grant(make())
    await _go_away(store, other, make)
    clock.advance(20)
    assert (await store.renew("a")).deadline == clock() + 30
    assert (await store.renew_all(["a", "ghost"])).unknown == ["ghost"]


async def test_the_same_registration_again_is_a_renewal(
    store: SqliteStore, other: sqlite3.Connection, clock: Clock, make: Make
) -> None:
    await store.grant(make())
    await _go_away(store, other, make)
    clock.advance(20)
    grant = await store.grant(make())
    assert (grant.created, grant.lease.deadline) == (False, clock() + 30)
    with pytest.raises(StoreAway):
        await store.grant(make(port=81))


async def test_no_lease_ends_meanwhile_and_each_has_a_ttl_after_it(
    store: SqliteStore,
    registry: Registry,
    other: sqlite3.Connection,
    clock: Clock,
    make: Make,
) -> None:
    for number in range(20):
        await store.grant(make(f"i{number}", ttl=1 + number))
    await store.grant(make("forever", ttl=None))
    await _go_away(store, other, make)
    for _ in range(100):
        due = await store.expire(7)
        while due is not None and due <= clock():
            due = await store.expire(7)
        assert due is not None
        assert all(lease.is_live(clock()) for lease in registry.catalogue.after(0))
        clock.advance(1)
    other.execute("ROLLBACK")
    await _wait_for_return(store)
    for lease in registry.catalogue.after(0):
        assert lease.deadline >= clock() + (lease.instance.ttl or 0)
    clock.advance(30)
    await store.expire(ALL)
    assert [lease.instance.id for lease in registry.catalogue.after(0)] == ["forever"]


async def test_a_lease_that_had_ended_does_not_come_back(
    store: SqliteStore,
    registry: Registry,
    other: sqlite3.Connection,
    clock: Clock,
    make: Make,
) -> None:
    """Its end could not be written, so it is held; but no one is told that it lives."""
    await store.grant(make("early", ttl=5))
    await store.grant(make("late", ttl=6))
    clock.advance(5)
    other.execute("BEGIN IMMEDIATE")
    await store.expire(ALL)
    clock.advance(1)
    await store.expire(ALL)
    for _ in range(3):
        assert not any(lease.is_live(clock()) for lease in registry.catalogue.after(0))
        with pytest.raises(UnknownInstance):
            await store.renew("early")
        await store.expire(ALL)
    other.execute("ROLLBACK")
    await _wait_for_return(store)
    assert not any(lease.is_live(clock()) for lease in registry.catalogue.after(0))
    await store.expire(ALL)
    assert len(registry.catalogue) == 0


async def test_a_file_that_is_removed_is_an_outage_until_it_is_back(
    store: SqliteStore, registry: Registry, path: Path, make: Make
) -> None:
    await store.grant(make())
    away = path.with_name("away")
    path.rename(away)
    with pytest.raises(StoreAway, match="moved, removed or replaced"):
        await store.grant(make("b"))
    assert not path.exists()
    path.write_text("another file")
    with pytest.raises(StoreAway):
        await store.grant(make("b"))
    assert path.read_text() == "another file"
    away.rename(path)
    await _wait_for_return(store)
    assert (await store.grant(make("b"))).created


async def test_a_disk_that_does_not_answer_is_an_outage(
    store: SqliteStore,
    registry: Registry,
    make: Make,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = threading.Event()
    commit = database.Database.commit

    def wait(self: database.Database, batch: database.Batch) -> None:
        assert answers.wait(PATIENCE)
        commit(self, batch)

    await store.grant(make("old"))
    monkeypatch.setattr(committer, "STALL_SECONDS", 0.05)
    monkeypatch.setattr(database.Database, "commit", wait)
    first = asyncio.ensure_future(store.grant(make("first")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = asyncio.ensure_future(store.grant(make("second")))
    with pytest.raises(StoreAway, match="the disk has not answered"):
        await second
    assert not first.done()
    clock.advance(29)
    await store.expire(ALL)
    clock.advance(2)
    assert registry.find("old", clock()).is_answered(clock())
    answers.set()
    assert (await first).created
    await _wait_for_return(store)
    assert (await store.grant(make("second"))).created


async def test_a_stop_does_not_wait_for_the_end_of_an_outage(
    path: Path, clock: Clock, make: Make
) -> None:
    store = SqliteStore(path, Registry(), clock)
    await store.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        await _go_away(store, other, make)
        async with asyncio.timeout(PATIENCE):
            await store.stop()


async def test_a_fault_of_ours_in_an_end_is_raised_and_tried_again(
    store: SqliteStore,
    registry: Registry,
    clock: Clock,
    make: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: database.Database, __: database.Batch) -> None:
        raise RuntimeError("a fault that was put in")

    await store.grant(make(ttl=5))
    clock.advance(5)
    with monkeypatch.context() as patched, capture_logs() as lines:
        patched.setattr(database.Database, "commit", fail)
        with pytest.raises(RuntimeError):
            await store.expire(ALL)
        with pytest.raises(RuntimeError):
            await store.grant(make("b"))
    assert [line["event"] for line in lines] == ["commit failed"] * 2
    assert store.outage is None
    await store.expire(ALL)
    assert len(registry.catalogue) == 0
    assert (await store.grant(make("b"))).created
