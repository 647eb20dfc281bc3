"""What the commands that ask a registry have in common: where it is, and what goes wrong."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from dnsregistry.cli.table import plain

if TYPE_CHECKING:
    from dnsregistry.client import Client

DEFAULT_URL = "http://127.0.0.1:8053"
AWAY = 3
"""The exit code where nobody answers. 1 is a refusal, 2 a wrong command line."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Place:
    """Where a registry is, and with what right it is asked."""

    url: str
    token: str | None = field(repr=False)
    ca_file: str | None


def asks_registry(command: F) -> F:
    """Give a command --url, --token and --ca-file; it is called with a `place` of them."""

    @wraps(command)
    def call(*given: Any, url: str, token: str | None, ca_file: str | None, **others: Any) -> Any:
        return command(*given, place=Place(url, token, ca_file), **others)

    for option in reversed(_OPTIONS):
        call = option(call)
    return call  # type: ignore[return-value]


_OPTIONS = (
    click.option(
        "--url",
        envvar="DNSREGISTRY_URL",
        show_envvar=True,
        default=DEFAULT_URL,
        show_default=True,
        metavar="URL[,URL...]",
        help="Where the registry is; of several, the first that answers.",
    ),
    click.option(
        "--token",
        envvar="DNSREGISTRY_TOKEN",
        show_envvar=True,
        metavar="TOKEN",
        help="Shown to the registry; best given by the variable, which no process list shows.",
    ),
    click.option(
        "--ca-file",
        envvar="DNSREGISTRY_CA_FILE",
        show_envvar=True,
        metavar="FILE",
        help="Certificates, PEM, that https is trusted by; default: the system's.",
    ),
)
owner_secret = click.option(
    "--owner-secret",
    envvar="DNSREGISTRY_OWNER_SECRET",
    show_envvar=True,
    metavar="SECRET",
    help="Of an instance that was registered with one.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
zone = click.option(
    "--zone",
    envvar="DNSREGISTRY_ZONE",
    show_envvar=True,
    default="registry.local",
    show_default=True,
    help="The registry's zone.",
)


def ask(place: Place, use: Callable[["Client"], Awaitable[T]]) -> T:
    """What comes of using a client. Ends the program with one sentence where that fails."""
    from dnsregistry.client import Client

    async def run() -> T:
        async with Client(place.url, token=place.token, ca_file=place.ca_file) as client:
            return await use(client)

    return tell_failures(lambda: asyncio.run(run()))


async def for_each(ids: Sequence[str], use: Callable[[str], Awaitable[None]]) -> None:
    """Use each id, whatever becomes of the others; then raise the first refusal."""
    from dnsregistry.client import Refused

    refusals: list[Refused] = []
    for instance_id in ids:
        try:
            await use(instance_id)
        except Refused as refused:
            if refusals:
                click.echo(f"Error: {plain(str(refused))}", err=True)
            refusals.append(refused)
    if refusals:
        raise refusals[0]


def tell_failures(call: Callable[[], T]) -> T:
    """What the call returns. Ends the program with one sentence and its code where it fails."""
    from dnsregistry.client import ClientError, DnsAway, RegistryAway

    try:
        return call()
    except RegistryAway as away:
        fail(f"{away}{_advise(str(away))}", AWAY)
    except DnsAway as away:
        fail(str(away), AWAY)
    except ClientError as error:
        fail(str(error), 1)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def fail(text: str, code: int) -> NoReturn:
    """Tell it on standard error, and end."""
    click.echo(f"Error: {plain(text)}", err=True)
    sys.exit(code)


def tell_log() -> None:
    """Have what the client library logs on standard error, a line an event."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")


def _advise(text: str) -> str:
    refused = "connection refused" in text and ("//127." in text or "//localhost" in text)
    return "; start one with: dnsregistry serve" if refused else ""
