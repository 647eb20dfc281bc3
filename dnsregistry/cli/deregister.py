"""`dnsregistry deregister`: take instances out of the registry."""

from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, ask, asks_registry, for_each, owner_secret

if TYPE_CHECKING:
    from dnsregistry.client import Client


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@owner_secret
@asks_registry
def deregister(ids: tuple[str, ...], owner_secret: str | None, place: Place) -> None:
    """Take each instance ID out, at once.

    Where one is refused or unknown, the others are taken out, and the exit code is 1.
    """

    async def end(client: "Client") -> None:
        await for_each(ids, lambda one: client.deregister(one, owner_secret=owner_secret))

    ask(place, end)
