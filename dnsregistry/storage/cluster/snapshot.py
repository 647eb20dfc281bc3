"""A node's own file of what its replica holds, so that it can answer before the store is there.

Rules:
- The file follows the replica by a second or so. It is no store: nothing waits for it, and where
  the store is there, the store is right.
- Rows may be newer than the revision that the file tells, never older: what the log tells again
  changes nothing.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from dnsregistry.registry.feed import Change
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.replica import Replica, Snapshot
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import (
    ForeignContent,
    Held,
    key_of,
    label_of,
    read_held,
    ttl_of,
    write_body,
    write_state,
)
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.sqlite.faults import explain
from dnsregistry.turns import take_turns

APPLICATION_ID = 0x646E7263
"""`dnrc`: by it a file is told from other programs'."""
LOCK_SECONDS = 1.0
"""What the process before this one gets to let go of the file."""
WRITE_SECONDS = 1.0
"""Between two writings: what a crash of both the node and the store can cost."""

Row = tuple[str, bytes]

log = structlog.get_logger("dnsregistry.storage")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the replica was: enough to go on from there."""

    epoch: str
    base: int
    revision: int
    nonce: str


class SnapshotFile:
    """The file. Its methods block; one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises StoreError."""
        self._path = path
        try:
            # SQLite would let everyone read a new one, and gives those beside it the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"STORE_SNAPSHOT: {path} cannot be used: {explain(error)}") from None

    def read(self) -> tuple[Place, dict[str, Held]] | None:
        """What was written last; None where nothing was. Raises StoreError."""
        try:
            with closing(self._connection.execute("SELECT * FROM place")) as told:
                found = told.fetchone()
            if found is None:
                return None
            with closing(self._connection.execute("SELECT key, value FROM held")) as rows:
                return Place(*found), {key: read_held(value) for key, value in rows}
        except (sqlite3.Error, ForeignContent) as error:
            raise StoreError(f"STORE_SNAPSHOT: {self._path} cannot be read: {error}") from None

    def write(self, place: Place, held: Sequence[Row], gone: Sequence[str], anew: bool) -> None:
        """Bring it to a place: rows that are held, keys that are gone; `anew`: nothing else is.

        All or nothing. Raises sqlite3.Error.
        """
        run = self._connection
        run.execute("BEGIN IMMEDIATE")
        try:
            if anew:
                run.execute("DELETE FROM held")
            run.executemany("DELETE FROM held WHERE key = ?", [(key,) for key in gone])
            run.executemany("INSERT OR REPLACE INTO held VALUES (?, ?)", held)
            run.execute("DELETE FROM place")
            row = (place.epoch, place.base, place.revision, place.nonce)
            run.execute("INSERT INTO place VALUES (?, ?, ?, ?)", row)
            run.execute("COMMIT")
        except BaseException:
            if run.in_transaction:
                run.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def _prepare(self) -> None:
        run = self._connection
        # One process at a time: two would take turns in spoiling each other's file.
        run.execute("PRAGMA locking_mode = EXCLUSIVE")
        (found,) = run.execute("PRAGMA application_id").fetchone()
        (tables,) = run.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if found != APPLICATION_ID and (found or tables):
            raise StoreError(f"STORE_SNAPSHOT: {self._path} is the database of another program")
        run.execute("PRAGMA journal_mode = WAL")
        run.execute("PRAGMA synchronous = NORMAL")
        run.execute("BEGIN IMMEDIATE")
        run.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        run.execute("CREATE TABLE IF NOT EXISTS held (key TEXT PRIMARY KEY, value BLOB) STRICT")
        run.execute(
            "CREATE TABLE IF NOT EXISTS place"
            " (epoch TEXT, base INTEGER, revision INTEGER, nonce TEXT) STRICT"
        )
        run.execute("COMMIT")


class SnapshotKeeper:
    """Fills a replica from the file at the start, and has the file follow it then."""

    def __init__(self, path: Path, registry: Registry, replica: Replica, clock: StoreClock) -> None:
        self._path = path
        self._registry = registry
        self._replica = replica
        self._clock = clock
        self._file: SnapshotFile | None = None
        self._changed: dict[str, None] = {}
        self._written = 0
        self._anew = True
        self._failing = False
        self._ending = asyncio.Event()

    async def load(self) -> int | None:
        """Have the replica hold what the file does, each lease at a full ttl.

        Returns the base of the SOA serial; None where the file holds nothing. Raises StoreError.
        """
        self._file = await asyncio.to_thread(SnapshotFile, self._path)
        self._registry.feed.subscribe(self._note)
        told = await asyncio.to_thread(self._file.read)
        if told is None:
            return None
        place, held = told
        now = self._clock.to_store(self._clock.now())
        deadlines = {
            key: now + ttl for key, value in held.items() if (ttl := ttl_of(value.instance))
        }
        snapshot = Snapshot(place.epoch, place.revision, place.nonce, held, deadlines)
        async for _ in take_turns(self._replica.restore(snapshot, self._clock.to_local)):
            pass
        self._anew, self._written = False, place.revision
        return place.base

    async def follow(self, base: Callable[[], int]) -> None:
        """Write what has changed, each second; returns when all is written after `end`."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(WRITE_SECONDS):
                    await self._ending.wait()
            is_last = self._ending.is_set()
            await self.write(base())
            if is_last:
                return

    def end(self) -> None:
        """Nothing changes any more: have `follow` write what is left and return."""
        self._ending.set()

    async def write(self, base: int) -> None:
        """Write what has changed. What fails is told once; what was not written is tried again."""
        replica = self._replica
        if self._file is None or not replica.is_loaded:
            return
        if not self._anew and not self._changed and replica.revision == self._written:
            return
        place = Place(replica.epoch, base, replica.revision, replica.past.nonce())
        changed, self._changed = self._changed, {}
        anew, self._anew = self._anew, False
        if anew:
            changed = {
                key_of(lease.instance.id): None for lease in self._registry.catalogue.after(0)
            }
        try:
            held, gone = await self._read(changed)
            await asyncio.to_thread(self._file.write, place, held, gone, anew)
        except BaseException as error:
            # A later writing may tell this revision only with these rows.
            self._changed = {**changed, **self._changed}
            self._anew = self._anew or anew
            if not isinstance(error, sqlite3.Error):
                raise
            if not self._failing:
                log.warning(
                    "the snapshot cannot be written", file=str(self._path), reason=str(error)
                )
            self._failing = True
        else:
            self._written, self._failing = place.revision, False

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    async def _read(self, keys: Iterable[str]) -> tuple[list[Row], list[str]]:
        """The rows of what is held of these keys, and the keys that are gone."""
        held: list[Row] = []
        gone: list[str] = []
        find = self._registry.catalogue.find
        async for key in take_turns(keys):
            lease = find(key)
            if lease is None:
                gone.append(key)
            else:
                held.append((key, self._describe(lease)))
        return held, gone

    def _note(self, change: Change) -> None:
        for instance in (change.before, change.after):
            if instance is not None:
                self._changed[key_of(instance.id)] = None

    def _describe(self, lease: Lease) -> bytes:
        instance = lease.instance
        since = self._clock.to_store(lease.granted_at)
        label, state = label_of(key_of(instance.id)), write_state(instance)
        head = f"{lease.revision} {lease.sequence} {since} {label} {state} - 0 -"
        return f"{head}\n{write_body(instance)}".encode()
