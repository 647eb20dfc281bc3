"""The file: which are taken, which are refused and left as they are, and what they hold."""

# Files as small as these are read and written at once.
# ruff: noqa: ASYNC240

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from dnsregistry.registry.registry import Registry
from dnsregistry.settings import SettingsError, load
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.sqlite import database, schema
from dnsregistry.storage.sqlite.database import Database, opened
from dnsregistry.storage.sqlite.place import default_url, read_path
from dnsregistry.storage.sqlite.store import SPARE_SERIALS, SqliteStore
from tests.program import Clock
from tests.storage.conftest import Make

Begin = Callable[[], Awaitable[SqliteStore]]
ALL = 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def begin(path: Path, registry: Registry, clock: Clock) -> AsyncIterator[Begin]:
    """Start a store on the file; it is stopped at the end."""
    begun: list[SqliteStore] = []

    async def start() -> SqliteStore:
        store = SqliteStore(path, registry, clock)
        await store.start()
        begun.append(store)
        return store

    yield start
    for store in begun:
        await store.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def filled(path: Path, make: Make, clock: Clock) -> Path:
    """A file with two hundred leases, closed."""
    store = SqliteStore(path, Registry(), clock)
    await store.start()
    await asyncio.gather(
        *(store.grant(make(f"i{n}", metadata={"n": "x" * 200})) for n in range(200))
    )
    await store.stop()
    return path


def _change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


async def _refuse(path: Path) -> str:
    """The sentence with which a start is refused; the file is what it was."""
    before = path.read_bytes() if path.is_file() else None
    store = SqliteStore(path, Registry(), Clock())
    with pytest.raises(StoreError) as raised:
        await store.start()
    assert (path.read_bytes() if path.is_file() else None) == before
    text = str(raised.value)
    assert text.startswith(f"the store {path} cannot be used: ")
    assert "\n" not in text
    return text


async def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("[registry]\n" * 200)
    assert "it is no SQLite database" in await _refuse(path)


@pytest.mark.parametrize(
    "statement",
    ["CREATE TABLE books (title)", "PRAGMA application_id = 7", "PRAGMA user_version = 3"],
)
async def test_the_database_of_another_program_is_refused(path: Path, statement: str) -> None:
    _change(path, statement)
    assert "it is the database of another program" in await _refuse(path)


async def test_a_file_of_a_later_version_is_refused(filled: Path) -> None:
    _change(filled, "PRAGMA user_version = 99")
    assert "written by a later version of dnsregistry: its format is 99" in await _refuse(filled)


async def test_a_damaged_page_is_refused(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xff" * 4096
    filled.write_bytes(content)
    assert "it is damaged" in await _refuse(filled)


async def test_a_file_that_was_cut_off_is_refused(filled: Path) -> None:
    content = filled.read_bytes()
    filled.write_bytes(content[: len(content) // 2])
    assert "it is damaged" in await _refuse(filled)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE lease SET entry = '{' WHERE sequence = 7", "lease 7 cannot be read"),
        ("UPDATE lease SET entry = '[]' WHERE sequence = 7", "lease 7 cannot be read"),
        ("UPDATE lease SET entry = '{}' WHERE sequence = 7", "lease 7 cannot be read"),
        (
            "UPDATE lease SET entry = json_set(entry, '$.instance.wait', 1) WHERE sequence = 7",
            "lease 7 cannot be read (unknown members: wait)",
        ),
        (
            "UPDATE lease SET entry = json_set(entry, '$.instance.addresses', json('[\"x\"]'))"
            " WHERE sequence = 7",
            "lease 7 cannot be read ('x' does not appear to be an IPv4 or IPv6 address)",
        ),
        (
            "UPDATE lease SET entry = json_set(entry, '$.instance.checks', json('[{}]'))"
            " WHERE sequence = 7",
            "lease 7 cannot be read (checks.0.type: is missing)",
        ),
        (
            "UPDATE lease SET entry = (SELECT entry FROM lease WHERE sequence = 6)"
            " WHERE sequence = 7",
            "lease 7 has the id of another",
        ),
        ("DELETE FROM numbers", "it is damaged"),
    ],
)
async def test_a_damaged_row_is_refused(filled: Path, statement: str, reason: str) -> None:
    _change(filled, statement)
    assert reason in await _refuse(filled)


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "it is no file" in await _refuse(tmp_path)


async def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "nowhere does not exist" in await _refuse(tmp_path / "nowhere" / "registry.db")


async def test_a_file_that_another_server_uses_is_refused(begin: Begin, path: Path) -> None:
    await begin()
    assert "another dnsregistry uses it, process " in await _refuse(path)


async def test_a_file_that_another_program_has_locked_is_refused(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(filled, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "another program has locked it" in await _refuse(filled)


async def test_a_start_that_was_refused_leaves_the_file_free(filled: Path) -> None:
    _change(filled, "UPDATE lease SET sequence = -1 WHERE sequence = 1")
    _change(filled, "PRAGMA user_version = 99")
    await _refuse(filled)
    with pytest.raises(StoreError, match="later version"), opened(filled):
        pass


async def test_an_empty_file_is_a_new_store(begin: Begin, path: Path) -> None:
    path.touch()
    assert (await begin()).tell()["path"] == str(path)


def test_a_file_of_an_earlier_version_is_brought_up_to_date(path: Path) -> None:
    steps = [*schema.STEPS, ["ALTER TABLE numbers ADD COLUMN more TEXT"]]
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        schema.upgrade(connection, steps)
        assert schema.check_version(connection, steps) == 2
        assert connection.execute("SELECT more FROM numbers").fetchall() == [(None,)]
        schema.upgrade(connection, steps)


def test_an_upgrade_that_fails_changes_nothing(path: Path) -> None:
    steps = [*schema.STEPS, ["CREATE TABLE more (a)", "CREATE TABLE lease (a)"]]
    with opened(path):
        pass
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.upgrade(connection, steps)
        assert schema.check_version(connection) == len(schema.STEPS)
        tables = connection.execute("SELECT name FROM sqlite_master ORDER BY name").fetchall()
        assert ("more",) not in tables


def _kept_serial(path: Path) -> int:
    with closing(Database.read(path)) as found:
        serial = found.numbers().serial
        assert serial is not None
        return serial


async def test_a_serial_beyond_those_told_is_in_the_file(
    begin: Begin, path: Path, make: Make
) -> None:
    store = await begin()
    told = [10]
    await store.follow_serial(lambda: told[0])
    assert _kept_serial(path) == 10 + SPARE_SERIALS
    told[0] = 20
    await asyncio.gather(*(store.grant(make(f"i{n}")) for n in range(3)))
    assert _kept_serial(path) >= 20 + SPARE_SERIALS
    told[0] += SPARE_SERIALS - 10
    await store.expire(ALL)
    assert _kept_serial(path) >= told[0] + SPARE_SERIALS


async def test_a_serial_wraps(begin: Begin, path: Path) -> None:
    store = await begin()
    await store.follow_serial(lambda: 2**32 - 1)
    assert _kept_serial(path) == SPARE_SERIALS - 1


async def test_many_that_come_at_once_share_a_commit(begin: Begin, make: Make) -> None:
    store = await begin()
    before = store.tell()["commits"]
    await asyncio.gather(*(store.grant(make(f"i{n}")) for n in range(1000)))
    told = store.tell()
    assert (told["commits"], told["changes"]) == (before + 1, 1000)  # type: ignore[operator]


async def test_heartbeats_write_nothing(begin: Begin, make: Make) -> None:
    store = await begin()
    await store.grant(make())
    before = store.tell()
    await store.renew("a")
    await store.renew_all(["a"])
    await store.grant(make())
    assert store.tell() == before


@pytest.mark.parametrize(
    ("url", "path"),
    [("sqlite:///registry.db", "registry.db"), ("sqlite:////var/lib/x.db", "/var/lib/x.db")],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert read_path(url) == Path(path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///", "sqlite://x.db", "sqlite:///a/", "x"])
def test_a_url_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="names no file"):
        read_path(url)


def test_the_default_is_in_the_users_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_url() == "sqlite:////state/dnsregistry/registry.db"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/someone")
    assert default_url() == "sqlite:////home/someone/.local/state/dnsregistry/registry.db"


def test_the_default_folder_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with opened(read_path(default_url())):
        pass
    assert (tmp_path / "dnsregistry").stat().st_mode & 0o777 == 0o700


def test_a_user_without_a_home_is_told_so_and_may_name_a_file(
    monkeypatch: pytest.MonkeyPatch, path: Path
) -> None:
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)
    with pytest.raises(SettingsError, match="no home directory for the default file"):
        load({}, {}, None)
    with opened(path):
        pass


def test_a_new_file_is_its_owners_alone(path: Path) -> None:
    with opened(path):
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}
    assert len(modes) == 4


async def test_a_start_whose_serial_cannot_be_kept_is_refused(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    store = SqliteStore(path, Registry(), clock)
    await store.start()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=f"{path} cannot be used: another program has locked"):
            await store.follow_serial(lambda: 1)
    await store.stop()
