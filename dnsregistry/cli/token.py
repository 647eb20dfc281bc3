"""`dnsregistry token`: make, list and revoke the tokens of a TOKENS_FILE."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dnsregistry.access.edit import append, locked, read_if_there, remove, replace_file
from dnsregistry.access.entries import TokensFault, parse_entries, read_file
from dnsregistry.access.hashes import is_name, make_hash, make_token
from dnsregistry.access.scopes import InvalidScope, parse_scopes, write_scopes
from dnsregistry.settings import PREFIX

_file = click.option(
    "--tokens-file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    envvar=f"{PREFIX}TOKENS_FILE",
    show_envvar=True,
    help="The file that serve is told by TOKENS_FILE.",
)


@click.group()
def token() -> None:
    """Make, list and revoke the tokens that HTTP asks for.

    A server that follows the file notices within a second.
    """


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    help="read, write:PATTERN of services such as write:user-*, or admin; may be repeated.",
)
@_file
def create(name: str, scopes: tuple[str, ...], path: Path) -> None:
    """Make a token, append its hash to the file, and print the token, this once."""
    if not is_name(name):
        raise click.BadParameter(
            "must be up to 63 lower-case letters, digits and hyphens", param_hint="NAME"
        )
    try:
        allowed = parse_scopes(scopes)
    except InvalidScope as error:
        raise click.BadParameter(str(error), param_hint="--scope") from None
    with _told(), locked(path):
        text, entries = read_if_there(path)
        if any(entry.name == name for entry in entries):
            raise TokensFault(f"{path} has a token {name!r} already; revoke it, or choose another")
        made = make_token(name)
        changed = append(text, name, allowed, make_hash(made))
        parse_entries(changed, path)
        replace_file(path, changed)
    click.echo(made)


@token.command(name="list")
@_file
def list_tokens(path: Path) -> None:
    """List the tokens: name, how it is known, scopes."""
    with _told():
        for entry in parse_entries(read_file(path), path):
            known = "token" if entry.cert is None else f"cert={entry.cert}"
            click.echo(f"{entry.name}  {known}  {' '.join(write_scopes(entry.scopes))}")


@token.command()
@click.argument("name")
@_file
def revoke(name: str, path: Path) -> None:
    """Take a token out of the file; the rest of it stays as it is."""
    with _told(), locked(path):
        replace_file(path, remove(read_file(path), name, path))


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except TokensFault as fault:
        raise click.ClickException(str(fault)) from None
