"""`dnsregistry register`: put an instance into the registry."""

from typing import TYPE_CHECKING, Any

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, owner_secret
from dnsregistry.cli.instances import describes_instance, print_instances, read_fields

if TYPE_CHECKING:
    from dnsregistry.client import Client, Instance


@click.command()
@click.argument("service")
@click.option("--port", type=click.IntRange(0, 65535), required=True)
@describes_instance
@owner_secret
@as_json
@asks_registry
def register(
    service: str,
    port: int,
    owner_secret: str | None,
    as_json: bool,
    place: Place,
    **options: Any,
) -> None:
    """Register one instance of SERVICE, and print its id.

    It stays until its lease ends: send heartbeats, give it a check, or use `run`, which does
    all of that.
    """
    from dnsregistry.client import Description

    fields = read_fields(options, owner_secret)

    async def put(client: "Client") -> "Instance":
        return await client.register(Description.make(service, port, fields))

    instance = ask(place, put)
    if as_json:
        print_instances([instance], as_json)
    else:
        click.echo(instance.id)
