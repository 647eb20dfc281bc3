"""`dnsregistry list`: what is in the registry."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry
from dnsregistry.cli.instances import print_instances
from dnsregistry.cli.table import print_rows

if TYPE_CHECKING:
    from dnsregistry.client import Client, Instance, Service


@click.command(name="list")
@click.argument("service", required=False)
@click.option("--services", "of_services", is_flag=True, help="Services and their counts instead.")
@click.option("--tag", help="Only instances with this tag.")
@click.option("--capability", help="Only instances with this capability.")
@click.option("--health", help="Only those that are healthy, unhealthy, draining, ...")
@as_json
@asks_registry
def list_instances(
    service: str | None,
    of_services: bool,
    tag: str | None,
    capability: str | None,
    health: str | None,
    as_json: bool,
    place: Place,
) -> None:
    """List the instances of SERVICE, or all. With --json, an object a line."""
    if of_services:
        if service or tag or capability or health:
            raise click.UsageError("--services lists them all, without filters")
        _list_services(place, as_json)
        return

    async def read(client: "Client") -> "Sequence[Instance]":
        return await client.instances(service, tag=tag, capability=capability, health=health)

    print_instances(ask(place, read), as_json)


def _list_services(place: Place, as_json: bool) -> None:
    async def read(client: "Client") -> "Sequence[Service]":
        return await client.services()

    services = ask(place, read)
    if as_json:
        for found in services:
            told = {"name": found.name, "instances": found.instances, "healthy": found.healthy}
            click.echo(json.dumps(told))
    else:
        columns = ("service", "instances", "healthy")
        print_rows(columns, [(s.name, str(s.instances), str(s.healthy)) for s in services])
