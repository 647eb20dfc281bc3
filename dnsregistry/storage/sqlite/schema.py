"""What the file looks like, and how an older one is brought up to date."""

import sqlite3
from collections.abc import Sequence

from dnsregistry.storage.errors import StoreError

APPLICATION_ID = 0x646E7372
"""`dnsr`: by it a file is told from other programs' (PRAGMA application_id)."""

STEPS: Sequence[Sequence[str]] = (
    (
        # A row is its lease for life, in the order of first registration.
        "CREATE TABLE lease (sequence INTEGER PRIMARY KEY, entry TEXT NOT NULL)",
        # The last ones given out. No serial beyond the one that stands here has been told.
        """CREATE TABLE numbers (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            revision INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            serial INTEGER
        )""",
        "INSERT INTO numbers VALUES (1, 0, 0, NULL)",
    ),
)
"""Step n makes a file of version n into one of version n + 1 (PRAGMA user_version)."""


def upgrade(connection: sqlite3.Connection, steps: Sequence[Sequence[str]] = STEPS) -> None:
    """Bring the file up to date, or make a new one where it is empty; all or nothing.

    Raises StoreError for another program's file and for one of a later version.
    """
    version = check_version(connection, steps)
    if version == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def check_version(connection: sqlite3.Connection, steps: Sequence[Sequence[str]] = STEPS) -> int:
    """The file's version, 0 for an empty one. Raises as `upgrade` does, and changes nothing."""
    application = read_number(connection, "PRAGMA application_id")
    version = read_number(connection, "PRAGMA user_version")
    if application != APPLICATION_ID:
        tables = read_number(connection, "SELECT count(*) FROM sqlite_master")
        if application or version or tables:
            raise StoreError("it is the database of another program")
        return 0
    if version > len(steps):
        raise StoreError(
            f"it was written by a later version of dnsregistry: its format is {version}, and"
            f" this one knows those up to {len(steps)}"
        )
    return version


def read_number(connection: sqlite3.Connection, query: str) -> int:
    """The one number that a query tells."""
    (number,) = connection.execute(query).fetchone()
    return int(number)
