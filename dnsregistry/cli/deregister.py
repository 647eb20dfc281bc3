"""`dnsregistry deregister`: take instances out of the registry."""

from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, ask, asks_registry, owner_secret

if TYPE_CHECKING:
    from dnsregistry.client import Client


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@owner_secret
@asks_registry
def deregister(ids: tuple[str, ...], owner_secret: str | None, place: Place) -> None:
    """Take each instance ID out, at once."""

    async def end(client: "Client") -> None:
        for instance_id in ids:
            await client.deregister(instance_id, owner_secret=owner_secret)

    ask(place, end)
