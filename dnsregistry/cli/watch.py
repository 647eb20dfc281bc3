"""`dnsregistry watch`: changes as they come."""

import json
import sys
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, tell_log
from dnsregistry.cli.table import paint, plain

if TYPE_CHECKING:
    from dnsregistry.client import Client, Event, Instance


@click.command()
@click.argument("service", required=False)
@click.option("--since", type=click.IntRange(min=0), help="Begin after this revision.")
@as_json
@asks_registry
def watch(service: str | None, since: int | None, as_json: bool, place: Place) -> None:
    """Print the changes of SERVICE, or all, until interrupted.

    Without --since it begins with what is there. A registry that is away is waited for.
    """
    tell_log()

    async def follow(client: "Client") -> None:
        async for event in client.watch(service, since=since):
            for line in _tell_json(event) if as_json else _tell_lines(event):
                click.echo(line)

    try:
        ask(place, follow)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_json(event: "Event") -> list[str]:
    told: dict[str, object] = {"event": event.kind, "revision": event.revision}
    if event.instance is not None:
        told["instance"] = dict(event.instance.told)
    else:
        told["instances"] = [dict(instance.told) for instance in event.instances]
    return [json.dumps(told)]


def _tell_lines(event: "Event") -> list[str]:
    if event.instance is not None:
        return [_line(event.kind, event.revision, event.instance)]
    return [_line("present", event.revision, instance) for instance in event.instances]


def _line(kind: str, revision: int, instance: "Instance") -> str:
    names = "\t".join(map(plain, (instance.service, instance.id, str(instance.endpoint))))
    return f"{revision}\t{paint(plain(kind))}\t{names}\t{paint(plain(instance.state))}"
