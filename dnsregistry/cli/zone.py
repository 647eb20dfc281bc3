"""`dnsregistry zone check`: tell whether a master file would be served."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from dnsregistry.zone.name import Name
from dnsregistry.zonefiles.fault import Fault, ZoneFileError
from dnsregistry.zonefiles.naming import read_origin, show
from dnsregistry.zonefiles.sources import Sources
from dnsregistry.zonefiles.zonefile import ZoneFile


def _read_name(_context: click.Context, _option: click.Parameter, text: str | None) -> Name | None:
    try:
        return None if text is None else Name.from_text(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.group()
def zone() -> None:
    """Look after static zones."""


@zone.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--origin",
    metavar="NAME",
    callback=_read_name,
    help="Origin; default: the file's name says it.",
)
@click.option(
    "--zone",
    "live_origin",
    metavar="NAME",
    callback=_read_name,
    envvar="DNSREGISTRY_ZONE",
    default="registry.local",
    show_default=True,
    help="Origin of the live zone. A file of that origin lies over it and needs no SOA.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, origin: Name | None, live_origin: Name, as_json: bool) -> None:
    """Read FILE as `serve` would, and exit with 1 if it would be refused.

    Every fault and every warning is a line on standard error: file, line and reason.
    $INCLUDE stays inside the folder that FILE is in.
    """
    try:
        found = _load(file, origin, live_origin)
    except ZoneFileError as error:
        if as_json:
            _print_json(file, None, error.faults)
        else:
            _print_faults(error.faults)
        sys.exit(1)
    if as_json:
        _print_json(file, found, ())
        return
    _print_faults(found.warnings, "warning: ")
    serial = "laid over the live zone" if found.serial is None else f"serial {found.serial}"
    click.echo(f"{show(file)}: ok, {found.records} records, {serial}")


def _load(file: Path, origin: Name | None, live_origin: Name) -> ZoneFile:
    """Raises ZoneFileError."""
    from dnsregistry.zonefiles.load import load_zone

    if origin is None:
        try:
            origin = read_origin(file.name)
        except ValueError as error:
            raise ZoneFileError([Fault(show(file), 1, f"{error}; or say --origin")]) from None
    return load_zone(file, origin, live_origin, Sources(file.parent))


def _print_faults(faults: tuple[Fault, ...], kind: str = "") -> None:
    for fault in faults:
        click.echo(f"{fault.file}:{fault.line}: {kind}{fault.reason}", err=True)


def _print_json(file: Path, found: ZoneFile | None, faults: tuple[Fault, ...]) -> None:
    content = {
        "file": show(file),
        "ok": found is not None,
        "origin": str(found.origin) if found else None,
        "records": found.records if found else None,
        "serial": found.serial if found else None,
        "faults": [asdict(fault) for fault in faults],
        "warnings": [asdict(fault) for fault in found.warnings] if found else [],
    }
    click.echo(json.dumps(content))
