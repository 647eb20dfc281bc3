"""A file as lines of JSON, and lines of JSON as a file.

The first line holds the format and the numbers, each further one a lease in the order of its
sequence number.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dnsregistry.registry.errors import InvalidField
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.rows import Row, is_count, read_row, write_instance, write_row
from dnsregistry.storage.sqlite.database import Batch, Database, Numbers
from dnsregistry.storage.sqlite.inspect import Inspection, read_rows

FORMAT = 1
_SERIALS = 1 << 32


def export_lines(database: Database) -> Iterator[str]:
    """The lines, without their ends. Raises sqlite3.Error, and StoreError for a damaged row."""
    numbers = database.numbers()
    yield json.dumps(
        {
            "format": FORMAT,
            "revision": numbers.revision,
            "sequence": numbers.sequence,
            "serial": numbers.serial,
        }
    )
    for sequence, text in read_rows(database):
        try:
            read_row(sequence, text)
        except ValueError as error:
            raise StoreError(f"lease {sequence} cannot be read ({error})") from None
        yield f'{{"sequence":{sequence},{text[1:]}'


def import_lines(database: Database, lines: Iterable[str]) -> int:
    """Fill an empty file; returns the number of leases. All or nothing.

    Raises StoreError, which tells the line, and sqlite3.Error.
    """
    if database.rows(0, 1):
        raise StoreError("it holds leases already, and nothing in it is ever overwritten")
    numbered = enumerate(lines, 1)
    numbers, own = _read_head(next(numbered, (1, ""))[1]), database.numbers()
    seen, puts = Inspection(), []
    # A file that was used has given out numbers, though it may hold no lease any more.
    highest = max(numbers.revision, own.revision)
    numbers = Numbers(
        highest, max(numbers.sequence, own.sequence), _find_later(own.serial, numbers.serial)
    )
    for place, line in numbered:
        try:
            row = _read_line(line)
            seen.admit(row)
            entry = row.entry
            instance = write_instance(entry.instance)
            text = write_row(instance, entry.revision, entry.granted_at, row.renewed_at)
        except (ValueError, TypeError, AttributeError, LookupError, InvalidField) as error:
            raise StoreError(f"line {place}: {error}") from None
        puts.append(f'"{entry.sequence}":{text}')
        highest = max(highest, entry.revision)
        numbers = Numbers(highest, max(numbers.sequence, entry.sequence), numbers.serial)
    database.commit(Batch(f"{{{','.join(puts)}}}" if puts else "", "", numbers))
    return len(puts)


def _read_head(line: str) -> Numbers:
    try:
        head = _parse(line)
        if not isinstance(head, dict) or head.get("format") != FORMAT:
            raise ValueError("it is no export of a store in a format that is known here")
        revision, sequence, serial = (head[name] for name in ("revision", "sequence", "serial"))
        if not all(is_count(number) for number in (revision, sequence)) or not (
            serial is None or (is_count(serial) and serial < 1 << 32)
        ):
            raise ValueError("revision, sequence and serial must be whole numbers")
    except (ValueError, LookupError) as error:
        raise StoreError(f"line 1: {error}") from None
    return Numbers(revision, sequence, serial)


def _find_later(one: int | None, other: int | None) -> int | None:
    """Of two serials the one after which both are old (RFC 1982, 3.2)."""
    if one is None or other is None:
        return other if one is None else one
    return other if (other - one) % _SERIALS < _SERIALS // 2 else one


def _read_line(line: str) -> Row:
    value = _parse(line)
    if not isinstance(value, dict):
        raise ValueError("it is no object")
    sequence = value.pop("sequence", None)
    if not is_count(sequence) or not sequence:
        raise ValueError("sequence must be a whole number above 0")
    return read_row(sequence, json.dumps(value))


def _parse(line: str) -> Any:
    try:
        return json.loads(line)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
