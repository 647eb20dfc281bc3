"""Loading: what the file holds becomes what the registry holds."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dnsregistry.registry.registry import Registry
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.rows import Row, read_row
from dnsregistry.storage.sqlite.database import Database, Numbers, told_of
from dnsregistry.storage.sqlite.writer import Writer
from dnsregistry.turns import take_turns

ROWS = 5000
"""Read from the file at once: some megabytes."""


async def load_registry(
    path: Path, database: Database, writer: Writer, registry: Registry, now: Callable[[], float]
) -> Numbers:
    """Restore every lease with a full ttl from now. Raises StoreError for what cannot be read."""
    with told_of(path):
        try:
            numbers = await writer.call(database.numbers)
            after = 0
            while rows := await writer.call(partial(database.rows, after, ROWS)):
                async for sequence, text in take_turns(rows):
                    _restore(registry, _read(sequence, text), now())
                after = rows[-1][0]
        except (ValueError, TypeError, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            raise StoreError(
                f"it is damaged: {error}; `dnsregistry store check` tells more"
            ) from error
    registry.resume(numbers.revision, numbers.sequence)
    return numbers


def _read(sequence: int, text: str) -> Row:
    try:
        return read_row(sequence, text)
    except ValueError as error:
        raise ValueError(f"lease {sequence} cannot be read ({error})") from None


def _restore(registry: Registry, row: Row, now: float) -> None:
    entry = row.entry
    if registry.catalogue.find(entry.instance.id) is not None:
        raise ValueError(f"lease {entry.sequence} has the id of another")
    lease = registry.restore(entry, renewed_at=row.renewed_at, deadline=now)
    lease.renew(now)
    lease.renewed_at = row.renewed_at
