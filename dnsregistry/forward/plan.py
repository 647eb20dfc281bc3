"""Which upstream is asked about which names (UPSTREAMS).

The setting is a list of entries; each is one of:

- `10.0.0.53`, `10.0.0.53:5353`, `2001:db8::1`, `[2001:db8::1]:5353`: asked about every name
  that no route takes, the first one first while it answers as well as the others;
- `corp.example=10.0.0.53`: a route. Names at and under `corp.example` go there and nowhere
  else; the longest suffix wins. Several servers: `corp.example=10.0.0.53+10.0.1.53`, or the
  suffix given again;
- `system`: the name servers of the machine's own resolv.conf, after those that are named here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from dnsregistry.forward.endpoint import Endpoint, parse_endpoint
from dnsregistry.zone.name import Name

SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Route:
    """Names at and under a suffix, and whom to ask about them."""

    suffix: Name
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Whom to ask. No endpoint is in one list twice, no suffix in two routes."""

    endpoints: tuple[Endpoint, ...] = ()
    system: bool = False
    routes: tuple[Route, ...] = ()

    def all_endpoints(self) -> tuple[Endpoint, ...]:
        """Every endpoint that is named, each once."""
        routed = (endpoint for route in self.routes for endpoint in route.endpoints)
        return tuple(dict.fromkeys((*self.endpoints, *routed)))


def parse_upstreams(entries: Iterable[str]) -> Plan:
    """Read the entries of UPSTREAMS. Raises ValueError with one sentence that names the entry."""
    endpoints: dict[Endpoint, None] = {}
    routes: dict[Name, dict[Endpoint, None]] = {}
    system = False
    for entry in entries:
        suffix, equals, servers = entry.partition("=")
        if equals:
            taken = routes.setdefault(_parse_suffix(suffix.strip(), entry), {})
            for server in servers.split("+"):
                taken[_parse_server(server.strip(), entry)] = None
        elif entry.strip() == SYSTEM:
            system = True
        else:
            endpoints[parse_endpoint(entry.strip())] = None
    return Plan(
        tuple(endpoints),
        system,
        tuple(Route(suffix, tuple(servers)) for suffix, servers in routes.items()),
    )


def _parse_suffix(text: str, entry: str) -> Name:
    try:
        suffix = Name.from_text(text)
    except ValueError as error:
        raise ValueError(f"the route {entry!r} has no domain name: {error}") from None
    if not suffix.labels:
        raise ValueError(f"the route {entry!r} is for every name: give its servers without a name")
    return suffix


def _parse_server(text: str, entry: str) -> Endpoint:
    if not text:
        raise ValueError(f"the route {entry!r} names no server")
    if text == SYSTEM:
        raise ValueError(f"the route {entry!r} names {SYSTEM}, which is not for routes")
    try:
        return parse_endpoint(text)
    except ValueError as error:
        raise ValueError(f"in the route {entry!r} {error}") from None
