"""`dnsregistry store`: look after the file that registrations are kept in."""

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TextIO

import click

from dnsregistry.settings import PREFIX
from dnsregistry.storage.errors import StoreError
from dnsregistry.storage.sqlite.database import Database, opened, told_of
from dnsregistry.storage.sqlite.inspect import Inspection, inspect
from dnsregistry.storage.sqlite.place import default_url, read_path
from dnsregistry.storage.sqlite.transfer import export_lines, import_lines


def _read_store(_context: click.Context, _option: click.Parameter, url: str | None) -> Path:
    url = url or default_url()
    try:
        return read_path(url)
    except ValueError as error:
        raise click.BadParameter(f"{url}: {error}") from None


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
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def export_store(path: Path, file: TextIO) -> None:
    """Write all leases to FILE as lines of JSON; to standard output without one.

    May be run while a server uses the file: the lines are those of one moment.
    """
    with _told(), closing(Database.read(path)) as database, told_of(path), database.snapshot():
        for line in export_lines(database):
            file.write(f"{line}\n")


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
