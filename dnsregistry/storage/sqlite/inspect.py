"""What is wrong with a file, if anything: more than a start looks at."""

import sqlite3
from collections.abc import Iterator

from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.rows import Row, check_row, read_row
from dnsregistry.storage.sqlite.database import Database
from dnsregistry.storage.sqlite.faults import explain

ROWS = 5000


class Inspection:
    """Sees rows one after another, and remembers what may be there only once."""

    def __init__(self) -> None:
        self._registry = Registry()
        self.leases = 0

    def admit(self, row: Row) -> None:
        """Raise ValueError or InvalidField for a row that cannot stand beside those before it."""
        check_row(row)
        instance = row.entry.instance
        if self._registry.catalogue.find(instance.id) is not None:
            raise ValueError(f"the id {instance.id!r} is there twice")
        self._registry.promise(instance)
        self._registry.release(instance)
        if row.entry.sequence <= self._registry.sequence:
            raise ValueError(f"the sequence number {row.entry.sequence} does not come in order")
        self._registry.restore(row.entry, renewed_at=row.renewed_at, deadline=row.renewed_at)
        self.leases += 1


def read_rows(database: Database) -> Iterator[tuple[int, str]]:
    """All rows in order, some thousand read at a time. Raises sqlite3.Error."""
    after = 0
    while rows := database.rows(after, ROWS):
        yield from rows
        after = rows[-1][0]


def inspect(database: Database, seen: Inspection) -> Iterator[str]:
    """Every fault of the file as one line; none where it is as it should be."""
    try:
        yield from database.check_pages()
        numbers = database.numbers()
        for sequence, text in read_rows(database):
            try:
                row = read_row(sequence, text)
                seen.admit(row)
                if row.entry.revision > numbers.revision or sequence > numbers.sequence:
                    raise ValueError("it is later than the last numbers given out")
            except (ValueError, TypeError, AttributeError, InvalidField) as error:
                yield f"lease {sequence}: {error}"
    except (sqlite3.Error, OSError) as error:
        yield explain(error)
