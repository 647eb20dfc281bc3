"""Instances in rows, and the options that describe one."""

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dnsregistry.cli.table import print_rows
from dnsregistry.client.checks import read_check

if TYPE_CHECKING:
    from dnsregistry.client import Instance
    from dnsregistry.client.description import Fields

COLUMNS = ("id", "service", "address", "port", "state", "tags", "expires")

F = TypeVar("F", bound=Callable[..., Any])


def print_instances(instances: Iterable["Instance"], as_json: bool) -> None:
    """Print them, a line each; as JSON an object each, as the API tells it."""
    if as_json:
        for instance in instances:
            click.echo(json.dumps(dict(instance.told)))
    else:
        print_rows(COLUMNS, map(_row, instances))


def _row(instance: "Instance") -> tuple[str, ...]:
    return (
        *(instance.id, instance.service, ",".join(instance.addresses), str(instance.port)),
        *(instance.state, ",".join(instance.tags), str(instance.told.get("expires_at") or "never")),
    )


class _Pair(click.ParamType):  # type: ignore[type-arg]
    """NAME=VALUE."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        """The two sides."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return name, text


class _Ttl(click.ParamType):  # type: ignore[type-arg]
    """Seconds, or `none`."""

    name = "SECONDS"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | str:
        """A number, or the word."""
        if value == "none":
            return "none"
        try:
            seconds = float(value)
        except ValueError:
            self.fail(f"{value!r} is neither a number of seconds nor none", param, ctx)
        if not 1 <= seconds < float("inf"):
            self.fail("must be 1 second at least", param, ctx)
        return seconds


class _Check(click.ParamType):  # type: ignore[type-arg]
    """A check in short."""

    name = "CHECK"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        """The text, if it is a check."""
        try:
            read_check(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return str(value)


_OPTIONS = (
    click.option("--address", multiple=True, help="Address or host name; default: the local one."),
    click.option("--id", "instance_id", help="Default: one is made up."),
    click.option("--tag", "tags", multiple=True, help="May be given several times."),
    click.option("--capability", "capabilities", multiple=True, help="The same."),
    click.option("--metadata", type=_Pair(), multiple=True, help="The same."),
    click.option("--named-port", "ports", type=_Pair(), multiple=True, help="The same."),
    click.option("--protocol", help="tcp, udp, ...  [default: tcp]"),
    click.option("--priority", type=int, help="Lower ones are used first.  [default: 0]"),
    click.option("--weight", type=int, help="Share among those of one priority.  [default: 1]"),
    click.option("--service-version", "version", help="Of the program."),
    click.option(
        "--check",
        "checks",
        type=_Check(),
        multiple=True,
        help="What the registry asks: http:///path, tcp://, grpc://, heartbeat://.",
    ),
    click.option(
        "--ttl",
        type=_Ttl(),
        help="Until a lease without heartbeats ends; none: never.  [default: the registry's]",
    ),
)


def describes_instance(command: F) -> F:
    """Give a command the options that `read_fields` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def read_fields(options: dict[str, Any], secret: str | None) -> "Fields":
    """What is registered, of the options; what was not given is left to the registry."""
    fields: dict[str, Any] = {
        name: value for name, value in options.items() if value is not None and value != ()
    }
    if "instance_id" in fields:
        fields["id"] = fields.pop("instance_id")
    if "address" in fields and len(fields["address"]) == 1:
        fields["address"] = fields["address"][0]
    if fields.get("ttl") == "none":
        fields["ttl"] = None
    if "metadata" in fields:
        fields["metadata"] = dict(fields["metadata"])
    if "ports" in fields:
        fields["ports"] = {name: _read_port(name, text) for name, text in fields["ports"]}
    if secret is not None:
        fields["owner_secret"] = secret
    return fields  # type: ignore[return-value]


def _read_port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise click.BadParameter(f"{name}={text}: a port is a number", param_hint="--named-port")
    return int(text)
