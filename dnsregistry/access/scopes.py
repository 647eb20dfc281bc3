"""Scopes: what a token may do.

`read` is every GET. `write:PATTERN` is to register, renew, give a status to and take away the
instances of services that match, as fnmatch has it, in lower case; it does not read. `admin` is all
of it, and owners' secrets are not asked for.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

from dnsregistry.registry.warrant import Warrant

READ = "read"
ADMIN = "admin"
WRITE = "write:"

_PATTERN = re.compile(r"[a-z0-9_*?\[\]!-]{1,63}")
_REMEMBERED = 4096
"""Services whose match is kept: a token's own are few, and a flood of names is bounded."""


class InvalidScope(ValueError):
    """A text is no scope; the message says why."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """Checked and in lower case; `parse_scopes` is the way to them."""

    reads: bool
    writes: tuple[str, ...]
    is_admin: bool

    @property
    def can_write(self) -> bool:
        """Whether there is any service that they reach."""
        return self.is_admin or bool(self.writes)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `warrant` is that of a request that shows no owner's secret, from nowhere."""

    name: str
    scopes: Scopes
    warrant: Warrant


def parse_scopes(texts: Iterable[object]) -> Scopes:
    """The scopes of a token. Raises InvalidScope."""
    reads, admin = False, False
    writes: list[str] = []
    for given in texts:
        text = str(given).lower()
        if text == READ:
            reads = True
        elif text == ADMIN:
            admin = True
        elif text.startswith(WRITE):
            writes.append(_check_pattern(text.removeprefix(WRITE)))
        else:
            raise InvalidScope(f"{given!r} is not read, admin or write: and a service's pattern")
    if not (reads or admin or writes):
        raise InvalidScope("names no scope")
    return Scopes(reads or admin, tuple(dict.fromkeys(writes)), admin)


def write_scopes(scopes: Scopes) -> list[str]:
    """The inverse of `parse_scopes`."""
    said = [ADMIN] if scopes.is_admin else [READ] if scopes.reads else []
    return [*said, *(f"{WRITE}{pattern}" for pattern in scopes.writes)]


def make_caller(name: str, scopes: Scopes) -> Caller:
    """A caller with these scopes."""
    reaches = None if scopes.is_admin else match_any(scopes.writes)
    return Caller(name, scopes, Warrant(name, reaches=reaches, overrides=scopes.is_admin))


class Matcher:
    """Whether a service, in lower case, matches any of some patterns."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._pattern = re.compile("|".join(map(translate, patterns)) or r"(?!)")

    def match(self, service: str) -> bool:
        """Whether the service matches."""
        return self._pattern.match(service.lower()) is not None


def match_any(patterns: Iterable[str]) -> Callable[[str], bool] | None:
    """What tells whether a service matches; None for `*`, which all do."""
    listed = tuple(patterns)
    return None if "*" in listed else lru_cache(_REMEMBERED)(Matcher(listed).match)


OPEN = Scopes(reads=True, writes=("*",), is_admin=False)
ANONYMOUS = make_caller("anonymous", OPEN)
"""Whoever asks where no token is asked for: everything but to go over an owner's secret."""
NOBODY = make_caller("anonymous", Scopes(reads=False, writes=(), is_admin=False))


def check_patterns(patterns: Iterable[str]) -> tuple[str, ...]:
    """Patterns in lower case. Raises InvalidScope."""
    return tuple(_check_pattern(pattern.lower()) for pattern in patterns)


def _check_pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise InvalidScope(
            f"{pattern!r} is no pattern of services: letters, digits, - and _, with *, ? and [...]"
        )
    return pattern
