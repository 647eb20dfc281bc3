"""`dnsregistry top`: services and how they are, as it changes."""

import asyncio
import json
import logging
import os
import sys
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import Place, as_json, ask, asks_registry, fail
from dnsregistry.cli.table import print_rows

if TYPE_CHECKING:
    from dnsregistry.cli.overview.view import View
    from dnsregistry.client import Client

_COLUMNS = ("service", "state", "serving", "instances", "others")


@click.command()
@click.option("--once", is_flag=True, help="Print it once, all services; so it is in a pipe.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1, max=3600),
    default=1.0,
    metavar="SECONDS",
    help="Between readings of the registry's numbers; changes are seen at once.  [default: 1]",
)
@as_json
@asks_registry
def top(once: bool, interval: float, as_json: bool, place: Place) -> None:
    """Show the services, worst first, and what is asked, until q or Ctrl-C.

    With --json one object, once. A registry that goes away is waited for.
    """
    if once or as_json or not _is_screen():
        _print(ask(place, lambda client: _look(client, interval)), as_json)
    elif find_spec("rich") is None:
        fail(
            "top draws with rich, which is not installed: pip install 'dnsregistry[rich]'; "
            "top --once does without",
            1,
        )
    else:
        # What the client logs would be written over the screen, which tells the same.
        logging.getLogger("dnsregistry.client").addHandler(logging.NullHandler())
        sys.exit(ask(place, lambda client: _show(client, interval)))


def _is_screen() -> bool:
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")


async def _show(client: "Client", interval: float) -> int:
    from dnsregistry.cli.overview.following import Following
    from dnsregistry.cli.overview.screen import show
    from dnsregistry.cli.overview.view import View

    view = View(client.addresses.first)
    following = Following(client, view, interval)
    await following.read_numbers()
    return await show(following, view)


async def _look(client: "Client", interval: float) -> "View":
    from dnsregistry.cli.overview.following import Following
    from dnsregistry.cli.overview.view import View
    from dnsregistry.client import Event

    view = View(client.addresses.first)
    following = Following(client, view, interval)
    await following.read_numbers()
    begun = monotonic()
    instances = tuple(await client.instances())
    view.services.take(Event("reset", 0, instances=instances), monotonic())
    view.listed = True
    await asyncio.sleep(max(0.0, begun + interval - monotonic()))
    await following.read_numbers()
    return view


def _print(view: "View", as_json: bool) -> None:
    from dnsregistry.cli.overview.words import write_numbers, write_others

    rows, _ = view.services.worst(monotonic())
    if as_json:
        click.echo(json.dumps(_tell(view)))
        return
    if sys.stdout.isatty():
        click.echo(write_numbers(view))
    cells = [
        (row.name, str(row.state), str(row.serving), str(row.instances), write_others(row))
        for row in rows
    ]
    print_rows(_COLUMNS, cells)


def _tell(view: "View") -> dict[str, object]:
    rows, _ = view.services.worst(monotonic())
    services, instances, serving = view.services.totals()
    slowest = None if view.reading is None else view.reading.slowest
    return {
        "url": view.url,
        "services": services,
        "instances": instances,
        "serving": serving,
        "queries_per_second": view.rate,
        "slowest": None if slowest is None else {"path": slowest[0], "mean_seconds": slowest[1]},
        "guards_holding": [] if view.reading is None else list(view.reading.guards),
        "rows": [
            {
                "service": row.name,
                "state": str(row.state),
                "serving": row.serving,
                "instances": row.instances,
                "states": dict(row.states),
            }
            for row in rows
        ],
    }
