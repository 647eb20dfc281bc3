"""Where the dialects listen: the entries of DIALECTS."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from ipaddress import ip_address

ALL = "all"
_ENTRY = re.compile(r"(?P<name>[a-z-]+)(?::(?:(?P<host>\[[^\]]*\]|[^:\[\]]*):)?(?P<port>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class Place:
    """A dialect that is on; host and port None where its entry does not say."""

    dialect: str
    host: str | None = None
    port: int | None = None

    def __str__(self) -> str:
        if self.port is None:
            return self.dialect
        if self.host is None:
            return f"{self.dialect}:{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.dialect}:{host}:{self.port}"

    def at(self, *, host: str | None = None, port: int | None = None) -> "Place":
        """The same with what its entry does not say."""
        return replace(
            self,
            host=host if self.host is None else self.host,
            port=port if self.port is None else self.port,
        )


def parse_places(entries: Sequence[str], ports: Mapping[str, int]) -> tuple[Place, ...]:
    """The dialects that the entries turn on, in the order of `ports`, their usual ports by name.

    An entry is `name`, `name:port`, `name:host:port` or `all`; what names a dialect itself goes
    over `all`. Raises ValueError.
    """
    named: dict[str, Place] = {}
    everything = False
    for entry in entries:
        if entry == ALL:
            everything = True
            continue
        place = _parse(entry, ports)
        if place.dialect in named:
            raise ValueError(f"names {place.dialect} twice")
        named[place.dialect] = place
    return tuple(named.get(name, Place(name)) for name in ports if everything or name in named)


def parse_host(text: str) -> str:
    """The address in its usual form; `localhost` is 127.0.0.1. Raises ValueError."""
    if text == "localhost":
        return "127.0.0.1"
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError(f"{text!r} is no IP address to listen on") from None


def parse_port(text: str) -> int:
    """A port's number. Raises ValueError."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is no port number from 0 to 65535")
    return int(text)


def _parse(entry: str, ports: Mapping[str, int]) -> Place:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise ValueError(f"{entry!r} is not of the form name, name:port or name:host:port")
    name = match["name"]
    if name not in ports:
        known = ", ".join((*ports, ALL))
        close = get_close_matches(name, ports, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {known}"
        raise ValueError(f"{name!r} is no dialect; {hint}")
    host = match["host"]
    return Place(
        name,
        host=None if host is None else parse_host(host.removeprefix("[").removesuffix("]")),
        port=None if match["port"] is None else parse_port(match["port"]),
    )
