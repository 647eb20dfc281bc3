"""The file, as the one thread that writes it sees it."""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.sqlite.faults import explain
from dnsregistry.storage.sqlite.place import Lock, make_folder
from dnsregistry.storage.sqlite.schema import check_version, upgrade

BUSY_SECONDS = 1.0
"""How long another program's lock is waited for: no client waits longer for its answer."""
LOG_OCTETS = 64 * 1024 * 1024
"""What the write-ahead log is cut back to: a large array makes it large once."""
PROBE_OCTETS = 256 * 1024
"""What must be writable before a full disk counts as mended: some hundred registrations."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The last revision and sequence number, and a serial that no told one is beyond."""

    revision: int
    sequence: int
    serial: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit changes: rows by sequence number as one JSON object, those that end, and
    the numbers after it.
    """

    puts: str
    ends: str
    numbers: Numbers


class Database:
    """An open file; only one thread at a time may use it."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self._identity = _identify(path)
        self._known: Numbers | None = None

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open it, bring it up to date and see that it can be written.

        Raises StoreError; a file that is not ours is as it was then.
        """
        with told_of(path):
            if path.exists() and not path.is_file():
                raise StoreError("it is no file")
            # SQLite would let everyone read a new one, and gives those beside it the same mode.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = _connect(path, "rw")
            try:
                check_version(connection)
                (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
                if mode != "wal":
                    raise StoreError(f"its file system has no write-ahead log, only {mode}")
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute(f"PRAGMA journal_size_limit = {LOG_OCTETS}")
                upgrade(connection)
                connection.execute("UPDATE numbers SET revision = revision")
                database = cls(path, connection)
                database._known = database.numbers()
            except BaseException:
                connection.close()
                raise
            return database

    @classmethod
    def read(cls, path: Path) -> "Database":
        """Open it to be read alone, also while a server writes it. Raises StoreError."""
        with told_of(path):
            if not path.is_file():
                raise StoreError("there is no such file")
            connection = _connect(path, "ro")
            try:
                if not check_version(connection):
                    raise StoreError("it is an empty database")
                return cls(path, connection)
            except BaseException:
                connection.close()
                raise

    def numbers(self) -> Numbers:
        """The numbers as they were committed last. Raises sqlite3.Error."""
        query = "SELECT revision, sequence, serial FROM numbers"
        found = self._connection.execute(query).fetchone()
        if found is None or not all(isinstance(number, int) for number in found[:2]):
            raise sqlite3.DatabaseError("it is damaged: its last numbers are missing")
        revision, sequence, serial = found
        return Numbers(revision, sequence, serial if isinstance(serial, int) else None)

    def rows(self, after: int, most: int) -> list[tuple[int, str]]:
        """Up to `most` rows in the order of their sequence numbers, from above one."""
        query = "SELECT sequence, entry FROM lease WHERE sequence > ? ORDER BY sequence LIMIT ?"
        return self._connection.execute(query, (after, most)).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one moment of the file while the block lasts, whatever is committed meanwhile."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._roll_back()

    def commit(self, batch: Batch) -> None:
        """Write a batch and sync it. Raises sqlite3.Error and OSError; nothing is written then.

        SQLite takes a batch apart itself: each statement gives up the interpreter's lock once, and
        one for each row would wait for it as often.
        """
        self._check_identity()
        connection, numbers = self._connection, batch.numbers
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_numbers()
            if batch.puts:
                connection.execute(
                    "INSERT OR REPLACE INTO lease SELECT key, value FROM json_each(?)",
                    (batch.puts,),
                )
            if batch.ends:
                connection.execute(
                    "DELETE FROM lease WHERE sequence IN (SELECT value FROM json_each(?))",
                    (batch.ends,),
                )
            connection.execute(
                "UPDATE numbers SET revision = ?, sequence = ?, serial = ?",
                (numbers.revision, numbers.sequence, numbers.serial),
            )
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._known = numbers

    def probe(self) -> None:
        """Write and sync a good deal, and take it back. Raises as `commit` does."""
        self._check_identity()
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_numbers()
            connection.execute("CREATE TABLE IF NOT EXISTS probe (octets BLOB)")
            connection.execute("INSERT INTO probe VALUES (zeroblob(?))", (PROBE_OCTETS,))
            connection.execute("COMMIT")
            connection.execute("DROP TABLE probe")
        except BaseException:
            self._roll_back()
            raise

    def close(self) -> None:
        """Close it. What was committed is there."""
        self._connection.close()

    def check_pages(self) -> list[str]:
        """What SQLite finds wrong with the file as a whole; empty where nothing is."""
        found = [text for (text,) in self._connection.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _check_identity(self) -> None:
        # SQLite would go on writing to files that have no name any more, and a start not see it.
        if _identify(self._path) != self._identity:
            raise OSError(None, "it or its -wal file was moved, removed or replaced while in use")

    def _check_numbers(self) -> None:
        # Whoever else writes leases here gives out the same numbers for others.
        if self.numbers() != self._known:
            raise OSError(None, "another program has written to it while it was in use")


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    """The file for this process alone, open while the block lasts. Raises StoreError."""
    lock = Lock(path)
    with told_of(path):
        make_folder(path)
        lock.take()
    try:
        database = Database.open(path)
        try:
            yield database
        finally:
            database.close()
    finally:
        lock.release()


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Quoted, so that no part of the name is taken for a parameter.
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )


@contextmanager
def told_of(path: Path) -> Iterator[None]:
    """Errors as StoreError, one sentence that names the file."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"the store {path} cannot be used: {explain(error)}") from error
    except StoreError as error:
        raise StoreError(f"the store {path} cannot be used: {error}") from error


def _identify(path: Path) -> Sequence[tuple[int, int]] | None:
    """The file and its write-ahead log, as their names lead to them; None where one does not."""
    try:
        found = os.stat(path), os.stat(f"{path}-wal")
    except OSError:
        return None
    return [(one.st_dev, one.st_ino) for one in found]
