"""`dnsregistry drain`: take instances from the answers while they go on."""

from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, for_each, owner_secret
from dnsregistry.cli.instances import print_instances
from dnsregistry.cli.table import plain

if TYPE_CHECKING:
    from dnsregistry.client import Client, Instance


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--maintenance", is_flag=True, help="Hold it out through registrations as well.")
@click.option("--undo", is_flag=True, help="Put it into the answers again.")
@owner_secret
@as_json
@asks_registry
def drain(
    ids: tuple[str, ...],
    maintenance: bool,
    undo: bool,
    owner_secret: str | None,
    as_json: bool,
    place: Place,
) -> None:
    """Take each instance ID from the answers; who has it from a cache still reaches it.

    It prints when the last answer that named it has aged out of every cache.
    """
    if maintenance and undo:
        raise click.UsageError("--maintenance and --undo exclude each other")
    status = "maintenance" if maintenance else "healthy" if undo else "draining"

    async def give(client: "Client") -> None:
        async def give_one(instance_id: str) -> None:
            _print(await client.set_status(instance_id, status, owner_secret=owner_secret), as_json)

        await for_each(ids, give_one)

    ask(place, give)


def _print(instance: "Instance", as_json: bool) -> None:
    if as_json:
        print_instances([instance], as_json)
        return
    drained_at = instance.told.get("drained_at")
    text = f"{instance.id} {instance.status}" + (f" by {drained_at}" if drained_at else "")
    click.echo(plain(text))
