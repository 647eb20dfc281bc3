"""`dnsregistry heartbeat`: renew leases."""

import json
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, for_each, owner_secret

if TYPE_CHECKING:
    from dnsregistry.client import Client


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@owner_secret
@as_json
@asks_registry
def heartbeat(ids: tuple[str, ...], owner_secret: str | None, as_json: bool, place: Place) -> None:
    """Renew the lease of each instance ID.

    An unknown one is to be registered again; the exit code is 1 then, and the others are renewed.
    """

    async def renew(client: "Client") -> None:
        async def renew_one(instance_id: str) -> None:
            ttl = await client.heartbeat(instance_id, owner_secret=owner_secret)
            if as_json:
                click.echo(json.dumps({"id": instance_id, "ttl": ttl}))

        await for_each(ids, renew_one)

    ask(place, renew)
