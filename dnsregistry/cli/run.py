"""`dnsregistry run`: run a program, and have it in the registry while it runs."""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

import click

from dnsregistry.cli.asking import Place, asks_registry, owner_secret
from dnsregistry.cli.instances import describes_instance, read_fields
from dnsregistry.cli.table import plain

NOT_RUNNABLE, NOT_FOUND = 126, 127


@click.command(context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.option("--service", required=True, help="The program's service.")
@click.option("--port", type=click.IntRange(1, 65535), required=True, help="Where it accepts.")
@describes_instance
@click.option(
    "--drain",
    type=click.FloatRange(0),
    default=0,
    metavar="SECONDS",
    help="Between its leaving the answers and its being told to end.  [default: 0]",
)
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=10,
    metavar="SECONDS",
    help="Until a program that is told to end is killed.  [default: 10]",
)
@click.option(
    "--start-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=60,
    metavar="SECONDS",
    help="Until its port must accept.  [default: 60]",
)
@owner_secret
@asks_registry
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    service: str,
    port: int,
    drain: float,
    grace: float,
    start_timeout: float,
    owner_secret: str | None,
    place: Place,
    command: tuple[str, ...],
    **options: Any,
) -> None:
    """Run COMMAND, and have it in the registry from when its port accepts until it ends.

    \b
        dnsregistry run --service web --port 8080 --check http:///health -- python app.py

    Signals go to the command and its children; at SIGTERM it is drained first. The exit code is
    the command's own, 128+n where a signal ended it, 124 where its port never opened, 125 where
    the registry refuses it, 126 or 127 where it cannot be run.
    """  # noqa: D301 - click's mark for lines that stay as they are
    fields = read_fields(options, owner_secret)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="dnsregistry run: %(message)s"
    )

    def tell(text: str) -> None:
        # Who reads may be gone; the program is not to suffer for it.
        with suppress(OSError):
            click.echo(f"dnsregistry run: {plain(text)}", err=True)

    async def supervise() -> NoReturn:
        # aiohttp takes half a second to import, which no help text should pay.
        from dnsregistry.cli.running.child import Child
        from dnsregistry.cli.running.run import Patience, Run
        from dnsregistry.client import Registration

        registration = Registration(
            service,
            port=port,
            url=place.url,
            token=place.token,
            ca_file=place.ca_file,
            drain=drain,
            on_sigterm=False,
            **fields,
        )
        patience = Patience(start_timeout, grace)
        code = await Run(Child(command), registration, patience, tell).run()
        # All is done. Python would wait for threads that ask a DNS which is away.
        os._exit(code)

    try:
        asyncio.run(supervise())
    except FileNotFoundError:
        tell(f"there is no program {command[0]}")
        sys.exit(NOT_FOUND)
    except OSError as error:
        tell(f"{command[0]} cannot be run: {(error.strerror or str(error)).lower()}")
        sys.exit(NOT_RUNNABLE)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
