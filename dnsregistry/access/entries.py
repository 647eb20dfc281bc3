"""TOKENS_FILE as values: TOML with a table `[[token]]` for each caller.

A table has `name`, `scopes`, and either `hash`, of a token, or `cert`, a name in a client
certificate. Names differ. What is wrong is told by the token's name or place.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dnsregistry.access.hashes import Hash, InvalidHash, is_name, parse_hash
from dnsregistry.access.scopes import Caller, InvalidScope, Scopes, make_caller, parse_scopes

MOST_TOKENS = 10_000
MOST_OCTETS = 8 * 1024 * 1024
"""Of the file: several times what that many tokens take."""
_KEYS = frozenset({"name", "hash", "cert", "scopes"})


class TokensFault(Exception):
    """A tokens file cannot be used; the text is one sentence that names it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One caller: known by a token or by a name in a certificate, one of `hash` and `cert`."""

    name: str
    scopes: Scopes
    hash: Hash | None = None
    cert: str | None = None

    @property
    def caller(self) -> Caller:
        """The caller that it describes."""
        return make_caller(self.name, self.scopes)


def read_file(path: Path) -> str:
    """The text of a tokens file. Raises TokensFault."""
    try:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
        if len(octets) > MOST_OCTETS:
            raise TokensFault(f"{path} is longer than {MOST_OCTETS} octets")
        return octets.decode()
    except OSError as error:
        raise TokensFault(f"cannot read {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TokensFault(f"{path} is not UTF-8") from None


def parse_entries(text: str, path: Path) -> tuple[Entry, ...]:
    """The entries of a tokens file's text. Raises TokensFault, which tells no hash."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TokensFault(f"{path} is no TOML: {error}") from None
    except RecursionError:
        raise TokensFault(f"{path} is nested too deep") from None
    for key in document:
        if key != "token":
            raise TokensFault(f"{path}: {key!r} is not known there, only tables [[token]]")
    tables = document.get("token", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise TokensFault(f"{path}: token must be tables, each [[token]]")
    if len(tables) > MOST_TOKENS:
        raise TokensFault(f"{path}: at most {MOST_TOKENS} tokens are allowed")
    entries: dict[str, Entry] = {}
    for place, table in enumerate(tables, 1):
        try:
            entry = _read(table)
        except ValueError as error:
            raise TokensFault(f"{path}: token {_tell(table, place)}: {error}") from None
        if entry.name in entries:
            raise TokensFault(f"{path}: the name {entry.name!r} is given twice")
        entries[entry.name] = entry
    return tuple(entries.values())


def _read(table: Mapping[str, object]) -> Entry:
    for key in table:
        if key not in _KEYS:
            raise ValueError(f"{key!r} is not known there")
    name, cert, scopes = table.get("name"), table.get("cert"), table.get("scopes")
    if not isinstance(name, str) or not is_name(name):
        raise ValueError("name must be up to 63 lower-case letters, digits and hyphens")
    if not isinstance(scopes, list):
        raise ValueError("scopes must be a list of texts")
    if ("hash" in table) == ("cert" in table):
        raise ValueError("needs either hash or cert")
    try:
        allowed = parse_scopes(scopes)
    except InvalidScope as error:
        raise ValueError(f"scopes: {error}") from None
    if "cert" in table:
        if not isinstance(cert, str) or not cert.strip():
            raise ValueError("cert must be a name in a certificate")
        return Entry(name, allowed, cert=cert.strip().lower())
    try:
        return Entry(name, allowed, hash=parse_hash(str(table["hash"])))
    except InvalidHash as error:
        raise ValueError(f"hash {error}") from None


def _tell(table: Mapping[str, object], place: int) -> str:
    name = table.get("name")
    return repr(name) if isinstance(name, str) and is_name(name) else f"number {place}"
