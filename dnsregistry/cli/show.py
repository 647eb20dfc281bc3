"""`dnsregistry show`: all that is known of one instance, or of a service's instances."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, fail
from dnsregistry.cli.table import paint, plain
from dnsregistry.client.errors import UnknownInstance

if TYPE_CHECKING:
    from dnsregistry.client import Client, Instance


@click.command()
@click.argument("name", metavar="ID|SERVICE")
@as_json
@asks_registry
def show(name: str, as_json: bool, place: Place) -> None:
    """Show the instance ID, or each instance of SERVICE where there is no such id."""

    async def read(client: "Client") -> "Sequence[Instance]":
        try:
            return [await client.instance(name)]
        except UnknownInstance:
            return await client.instances(name)

    instances = ask(place, read)
    if not instances:
        fail(f"there is neither an instance nor a service {name!r}", 1)
    for number, instance in enumerate(instances):
        if as_json:
            click.echo(json.dumps(dict(instance.told)))
        else:
            if number:
                click.echo()
            for field, text in _lines(instance.told):
                click.echo(f"{field:16}{paint(plain(text))}")


def _lines(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for field, value in told.items():
        if value in (None, [], {}):
            continue
        if isinstance(value, list) and not any(isinstance(item, dict) for item in value):
            yield field, ", ".join(map(str, value))
        elif isinstance(value, list):
            for item in value:
                yield field, json.dumps(item)
        else:
            yield field, value if isinstance(value, str) else json.dumps(value)
