"""`dnsregistry explain`: why a name is answered as it is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry
from dnsregistry.cli.table import plain, print_rows

_COLUMNS = ("instance", "kept", "reason")


@click.command()
@click.argument("name")
@click.argument("rtype", metavar="[TYPE]", default="A")
@click.option("--client", "asker", metavar="ADDR", help="Who asks; default: this machine.")
@click.option("--tcp", is_flag=True, help="Asked over TCP, where nothing is cut short.")
@click.option(
    "--bufsize",
    type=click.IntRange(0, 65_535),
    default=1232,
    show_default=True,
    help="Octets that the client's OPT names; 0: it sends none.",
)
@click.option(
    "--class", "rclass", type=click.Choice(("IN", "CH"), case_sensitive=False), default="IN"
)
@click.option(
    "--limit",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Instances that are told; those that are left out go first.",
)
@as_json
@asks_registry
def explain(
    place: Place,
    name: str,
    rtype: str,
    asker: str | None,
    tcp: bool,
    bufsize: int,
    rclass: str,
    limit: int,
    as_json: bool,
) -> None:
    """Tell what NAME TYPE is answered with, by which way, and each instance kept or left out.

    Nothing is counted as a query, and nobody outside is asked. The exit code is 0 where the
    registry explains, whatever the answer is; 1 where it does not; 2 for a wrong command line; 3
    where no registry answers. With --json the registry's own JSON is printed.
    """
    asked = {
        "class": rclass,
        "transport": "tcp" if tcp else "udp",
        "bufsize": str(bufsize),
        "limit": str(limit),
        **({"client": asker} if asker is not None else {}),
    }
    told = ask(place, lambda client: client.explain(name, rtype, **asked))
    if as_json:
        click.echo(json.dumps(told, indent=2))
        return
    for line in _write(told):
        click.echo(plain(line))
    rows = [_row(one) for one in told["candidates"]]
    if rows:
        click.echo()
        print_rows(_COLUMNS, rows)
    left = told["candidates_total"] - len(rows)
    if left:
        click.echo(f"and {left} more; --limit tells up to 1000")


def _write(told: Mapping[str, Any]) -> Iterator[str]:
    rule = f" by {told['rule']}" if told["rule"] else ""
    yield f"path   {told['path']}{rule}: {told['why']}"
    if told["upstreams"]:
        yield f"       upstreams {', '.join(told['upstreams'])}"
    flags = " ".join(name for name, is_set in told["flags"].items() if is_set)
    size = f", {told['octets']} octets, flags {flags}" if told["octets"] else ""
    yield f"rcode  {told['rcode'] or 'as the upstreams say'}{size}"
    if told["ede"]:
        yield f"error  {told['ede']['code']}: {told['ede']['text']}"
    yield f"state  serial {told['serial']}, revision {told['revision']}"
    for section in ("answer", "authority", "additional"):
        if told[section]:
            yield ""
            yield f";; {section.upper()}"
            yield from told[section]


def _row(one: Mapping[str, Any]) -> Sequence[str]:
    return str(one["id"]), "kept" if one["kept"] else "left out", str(one["reason"])
