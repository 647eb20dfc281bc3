"""`dnsregistry doctor`: what is in the way between this machine and the registry's names."""

import json
import sys
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path

import click
from dns.exception import DNSException
from dns.name import from_text

from dnsregistry.cli.asking import zone
from dnsregistry.cli.table import paint
from dnsregistry.doctor.asking import Server
from dnsregistry.doctor.examine import Machine, examine, find_registry
from dnsregistry.doctor.finding import Finding, Level

_MARKS = {
    Level.OK: ("ok", "green"),
    Level.WARNING: ("warn", "yellow"),
    Level.PROBLEM: ("FAIL", "red"),
}
_WIDTH = 5


@click.command()
@zone
@click.option(
    "--url",
    envvar="DNSREGISTRY_URL",
    show_envvar=True,
    default="http://127.0.0.1:8053",
    show_default=True,
    help="The registry.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="DNSREGISTRY_CA_FILE",
    show_envvar=True,
    help="Certificates, PEM, that https is trusted by; default: the system's.",
)
@click.option("--server", metavar="ADDRESS[:PORT]", help="Its DNS server; default: the URL's host.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("/"), hidden=True)
@click.option("--port", default=53, hidden=True, help="Where resolv.conf's servers are asked.")
def doctor(
    zone: str,
    url: str,
    ca_file: Path | None,
    server: str | None,
    *,
    as_json: bool,
    root: Path,
    port: int,
) -> None:
    """Examine how this machine looks names up.

    Each line is a finding; under those that are in the way stands the line to change. Exits
    with 1 where names are not found, or not always.
    """
    _check_zone(zone)
    registry = read_server(server) if server else find_registry(url.split(",")[0], 5300)
    found = []
    machine, first = Machine(root, port), url.split(",")[0]
    is_guess = server is None
    for finding in examine(machine, zone, first, registry, is_guess=is_guess, ca_file=ca_file):
        found.append(finding)
        if not as_json:
            _tell(finding)
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in found], indent=2))
    sys.exit(1 if any(finding.level is Level.PROBLEM for finding in found) else 0)


def read_server(text: str) -> Server:
    """Read `192.0.2.1`, `192.0.2.1:5300`, `2001:db8::1`, `[2001:db8::1]:5300` or `localhost`."""
    host, bracket, port = text.removeprefix("[").partition("]:") if text[0] == "[" else ("", "", "")
    if not bracket:
        bare = text.strip("[]")
        host, _, port = (bare, "", "") if bare.count(":") > 1 else bare.partition(":")
    if port and not (port.isdigit() and 0 < int(port) < 65536):
        raise click.BadParameter("the port must be from 1 to 65535", param_hint="--server")
    try:
        address = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        reason = f"{text!r} is no address of a name server, such as 192.0.2.1 or 192.0.2.1:5300"
        raise click.BadParameter(reason, param_hint="--server") from None
    return Server(str(address), int(port or 53))


def _check_zone(zone: str) -> None:
    try:
        from_text(zone)
    except (DNSException, UnicodeError) as error:
        raise click.BadParameter(f"{zone!r} is no name: {error}", param_hint="--zone") from None


def _tell(finding: Finding) -> None:
    mark, colour = _MARKS[finding.level]
    click.echo(f"{paint(f'{mark:{_WIDTH}}', colour)} {finding.subject}: {finding.text}")
    if finding.change:
        click.echo(f"{'':{_WIDTH}} → {finding.change}")
