"""`dnsregistry store`: look after the file that registrations are kept in."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, TextIO

import click

from dnsregistry.settings import PREFIX, hide_secrets
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.sqlite.database import Database, opened, told_of
from dnsregistry.storage.sqlite.inspect import Inspection, inspect
from dnsregistry.storage.sqlite.place import default_url, read_path
from dnsregistry.storage.sqlite.transfer import export_lines, import_lines


def _read_store(_context: click.Context, _option: click.Parameter, url: str | None) -> Path:
    try:
        return read_path(url or default_url())
    except ValueError as error:
        given = f"{hide_secrets(url)}: " if url else "it "
        raise click.BadParameter(f"{given}{error}") from None


_store = click.option(
    "--store",
    "path",
    metavar="URL",
    callback=_read_store,
    envvar=f"{PREFIX}STORE",
    help="sqlite:///PATH; default: the file in the user's state directory.",
)


@click.group()
def store() -> None:
    """Look after the file that registrations are kept in."""


@store.command()
@_store
def check(path: Path) -> None:
    """Read every page and every lease; each fault is a line, and the exit code 1 then.

    May be run while a server uses the file.
    """
    seen, faults = Inspection(), 0
    with _told(), closing(Database.read(path)) as database, database.snapshot():
        for fault in inspect(database, seen):
            click.echo(f"{path}: {fault}", err=True)
            faults += 1
        if faults:
            sys.exit(1)
        numbers = database.numbers()
    click.echo(f"{path}: ok, {seen.leases} leases, revision {numbers.revision}")


@store.command(name="export")
@_store
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="-")
def export_store(path: Path, file: Path) -> None:
    """Write all leases to FILE as lines of JSON; to standard output without one.

    May be run while a server uses the file: the lines are those of one moment. What FILE held
    before is replaced once all of them are written.
    """
    with (
        _told(),
        closing(Database.read(path)) as database,
        told_of(path),
        database.snapshot(),
        _written(file, path) as out,
    ):
        for line in export_lines(database):
            out.write(f"{line}\n")


@store.command(name="import")
@_store
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def import_store(path: Path, file: TextIO) -> None:
    """Fill a new store with the lines that `export` wrote; all of them or none.

    The store may hold no lease, and no server may use it.
    """
    with _told(), opened(path) as database, told_of(path):
        try:
            leases = import_lines(database, file)
        except UnicodeDecodeError as error:
            raise StoreError(f"the lines are not UTF-8: {error.reason}") from None
    click.echo(f"{path}: {leases} leases")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StoreError as error:
        raise click.ClickException(str(error)) from None
    except sqlite3.Error as error:
        raise click.ClickException(f"the store: {error}") from None


@contextmanager
def _written(file: Path, store: Path) -> Iterator[IO[str]]:
    """Write to a file that takes its name when the block has ended well."""
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        if file == Path("-"):
            yield click.open_file("-", "w", encoding="utf-8")
        elif file.exists() and not file.is_file():  # a pipe, a device
            with file.open("w", encoding="utf-8") as out:
                yield out
        elif file.exists() and file.samefile(store):
            raise click.ClickException(f"{file} is the store itself")
        else:
            with partial.open("x", encoding="utf-8") as out:
                yield out
                out.flush()
                os.fsync(out.fileno())
            partial.replace(file)
    except OSError as error:
        raise click.ClickException(f"cannot write {file}: {error.strerror}") from None
    finally:
        partial.unlink(missing_ok=True)
