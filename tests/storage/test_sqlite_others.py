"""Others that lay hands on the file while a server uses it: nothing acknowledged goes that way."""

# Files as small as these are read and written at once.

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from dnsregistry.registry.registry import Registry
from dnsregistry.storage.errors import StoreAway, StoreError
from dnsregistry.storage.rows import read_row
from dnsregistry.storage.sqlite import committer
from dnsregistry.storage.sqlite.database import Database, opened
from dnsregistry.storage.sqlite.store import SqliteStore
from tests.program import Clock
from tests.storage.conftest import Make


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
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
    await store.follow_serial(lambda: 1)
    yield store
    await store.stop()


def _read_ids(path: Path) -> list[str]:
    with closing(Database.read(path)) as found:
        return [read_row(*row).entry.instance.id for row in found.rows(0, 1000)]


async def test_of_two_servers_on_one_file_the_first_gives_way(
    store: SqliteStore, registry: Registry, path: Path, clock: Clock, make: Make
) -> None:
    """The lock keeps the second away, unless someone has removed it."""
    await store.grant(make("a"))
    path.with_name("registry.db.lock").unlink()
    second = SqliteStore(path, Registry(), clock)
    await second.start()
    await second.follow_serial(lambda: 1)
    await second.grant(make("theirs"))
    with pytest.raises(StoreAway, match="another program has written to it"):
        await store.grant(make("ours"))
    await second.grant(make("theirs-too"))
    await asyncio.sleep(0.05)
    assert store.outage is not None
    assert (await store.renew("a")).is_answered(clock())
    await second.stop()
    assert _read_ids(path) == ["a", "theirs", "theirs-too"]


async def test_a_log_that_is_removed_takes_nothing_that_is_acknowledged(
    path: Path, clock: Clock, make: Make
) -> None:
    store = SqliteStore(path, Registry(), clock)
    await store.start()
    await store.grant(make("a"))
    path.with_name("registry.db-wal").unlink()
    with pytest.raises(StoreAway, match="moved, removed or replaced"):
        await store.grant(make("b"))
    await store.stop()
    assert _read_ids(path) == ["a"]
    again = SqliteStore(path, Registry(), clock)
    await again.start()
    assert (await again.grant(make("b"))).created
    await again.stop()


async def test_one_file_under_two_names_has_one_lock(store: SqliteStore, path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    with pytest.raises(StoreError, match="another dnsregistry uses it"), opened(link):
        pass


async def test_another_program_may_look_and_tidy_up(
    store: SqliteStore, path: Path, make: Make
) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("ANALYZE")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert (await store.grant(make("a"))).created
    assert _read_ids(path) == ["a"]


async def test_numbers_that_are_none_are_damage(path: Path, clock: Clock) -> None:
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("UPDATE numbers SET revision = 'many'")
    with pytest.raises(StoreError, match="it is damaged"):
        await SqliteStore(path, Registry(), clock).start()
