"""`dnsregistry legacy`: the command line of the registry that the scanner dialect stands in for."""

import json
import socket
import sys

import click

from dnsregistry.jsonframe import ObjectStream

SECONDS = 5.0
"""Of silence, until the registry is given up."""
MOST_OCTETS = 256 * 1024 * 1024
"""Of an answer: some hundred thousand services."""
_CHUNK = 64 * 1024


@click.group()
@click.option("--host", default="localhost", show_default=True, help="Where the registry is.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5353,
    show_default=True,
    envvar="REGISTRY_PORT",
    show_envvar=True,
    help="Port of its scanner dialect.",
)
@click.pass_context
def legacy(context: click.Context, host: str, port: int) -> None:
    """Ask a registry that speaks the scanner dialect, and print its answer as JSON."""
    context.obj = (host, port)


@legacy.command(name="list")
@click.pass_obj
def list_all(place: tuple[str, int]) -> None:
    """List all services."""
    _ask(place, {"query_type": "list_all"})


@legacy.command(name="type")
@click.argument("service_type")
@click.pass_obj
def find_by_type(place: tuple[str, int], service_type: str) -> None:
    """List the services of SERVICE_TYPE."""
    _ask(place, {"query_type": "find_by_type", "service_type": service_type})


@legacy.command(name="id")
@click.argument("service_id")
@click.pass_obj
def find_by_id(place: tuple[str, int], service_id: str) -> None:
    """Show the service with the id SERVICE_ID."""
    _ask(place, {"query_type": "find_by_id", "service_id": service_id})


def _ask(place: tuple[str, int], query: dict[str, str]) -> None:
    where = f"{place[0]} port {place[1]}"
    try:
        answer = json.loads(_exchange(place, json.dumps(query).encode() + b"\n"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.ClickException(f"no answer from {where}: {reason.lower()}") from None
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"what answers at {where} is no registry: {error}") from None
    click.echo(json.dumps(answer, indent=2))
    if "error" in answer:
        sys.exit(1)


def _exchange(place: tuple[str, int], query: bytes) -> bytes:
    """The first JSON object of the answer. Raises OSError and ValueError."""
    stream = ObjectStream(MOST_OCTETS)
    with socket.create_connection(place, SECONDS) as sock:
        sock.sendall(query)
        while (answer := stream.take()) is None:
            chunk = sock.recv(_CHUNK)
            if not chunk:
                raise OSError("the connection was closed")
            stream.feed(chunk)
    return answer
