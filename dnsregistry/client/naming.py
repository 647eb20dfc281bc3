"""Asking DNS for a service, as any program would, by the system's resolvers or by given ones."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dnsregistry.client.errors import DnsAway
from dnsregistry.client.values import Endpoint

if TYPE_CHECKING:
    from dns.message import Message
    from dns.rrset import RRset

ZONE_VARIABLE = "DNSREGISTRY_ZONE"
DEFAULT_ZONE = "registry.local"
QUERY_SECONDS = 5.0
"""For an answer, whoever gives it."""
SERVER_SECONDS = 1.0
"""For one server, before the next one is asked, or the same again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What DNS answered.

    `ttl` is the seconds for which it may be kept; `exists` is false for a name that there is not
    (NXDOMAIN), and true where it only has no such records.
    """

    records: Sequence["RRset"]
    additional: Sequence["RRset"]
    ttl: int
    exists: bool = True


def service_name(service: str, protocol: str = "tcp", zone: str | None = None) -> str:
    """The owner name of a service's SRV records; the zone by DNSREGISTRY_ZONE, else the default."""
    zone = zone or os.environ.get(ZONE_VARIABLE) or DEFAULT_ZONE
    return f"_{service}._{protocol}.{zone.strip('.')}."


class Dns:
    """Asks name servers: those of `servers` (host, host:port, comma-separated), else the system's.

    A server that does not answer is followed by the next; what does not fit is asked by TCP.
    """

    def __init__(self, servers: str | None = None) -> None:
        # Takes a sixth of a second to import, for what most clients never use.
        from dns.asyncresolver import Resolver
        from dns.resolver import NoResolverConfiguration

        try:
            self._resolver: Resolver = Resolver(configure=servers is None)
        except NoResolverConfiguration:
            raise DnsAway("/etc/resolv.conf names no server that could be asked") from None
        self._resolver.lifetime = QUERY_SECONDS
        self._resolver.timeout = SERVER_SECONDS
        self._resolver.use_edns(0, 0, 1232)
        if servers is not None:
            self._resolver.nameservers = _read_servers(servers)

    @property
    def servers(self) -> str:
        """Who is asked."""
        return ", ".join(map(_tell_server, self._resolver.nameservers))

    async def ask(self, name: str, rtype: str) -> Found:
        """The records of a full name. Raises DnsAway, and ValueError for what is no name."""
        from dns.exception import DNSException, Timeout
        from dns.name import from_text
        from dns.rdatatype import RdataType
        from dns.resolver import NXDOMAIN, NoMetaqueries, NoNameservers

        try:
            owner = from_text(name)
        except (DNSException, UnicodeError) as error:
            raise ValueError(f"{name!r} is no name: {error}") from None
        try:
            kind = RdataType.make(rtype)
        except (DNSException, ValueError):
            raise ValueError(f"{rtype!r} is no type of records, such as SRV") from None
        try:
            answer = await self._resolver.resolve(
                owner, kind, search=False, raise_on_no_answer=False
            )
        except NXDOMAIN as error:
            denials: Mapping[Any, Message] = error.responses()  # type: ignore[no-untyped-call]
            return Found((), (), min(map(_negative_ttl, denials.values()), default=0), False)
        except (NoNameservers, Timeout, OSError) as error:
            reason = _tell_failures(error)
            raise DnsAway(f"no name server at {self.servers} answers: {reason}") from None
        except NoMetaqueries:
            raise ValueError(f"{rtype!r} is no type of records that are looked up") from None
        except DNSException as error:
            raise DnsAway(f"what {self.servers} answers is of no use: {_short(error)}") from None
        response = answer.response
        if answer.rrset is None:
            return Found((), (), _negative_ttl(response))
        ttl = min(rrset.ttl for rrset in response.answer)
        return Found(tuple(response.answer), tuple(response.additional), ttl)


async def find_endpoints(dns: Dns, name: str) -> tuple[list[Endpoint], int]:
    """The targets of a name's SRV records, each with an address where the answer brought one.

    With it the seconds for which they may be kept. Raises DnsAway.
    """
    found = await dns.ask(name, "SRV")
    addresses: dict[Any, str] = {}
    for rrset in found.additional:
        for rdata in rrset:
            if hasattr(rdata, "address"):
                addresses.setdefault(rrset.name, rdata.address)
    endpoints: list[Endpoint] = []
    for rrset in found.records:
        for rdata in rrset:
            target = getattr(rdata, "target", None)
            # A target that is the root says that there is no such service (RFC 2782).
            if not hasattr(rdata, "priority") or target is None or len(target.labels) == 1:
                continue
            host = addresses.get(target) or target.to_text(omit_final_dot=True)
            endpoints.append(Endpoint(host, rdata.port, rdata.priority, rdata.weight))
    return endpoints, found.ttl


def _negative_ttl(response: "Message") -> int:
    """For how long a denial may be kept (RFC 2308, 5)."""
    for rrset in response.authority:
        for rdata in rrset:
            if hasattr(rdata, "minimum"):
                return min(rrset.ttl, int(rdata.minimum))
    return 0


def _read_servers(text: str) -> list[Any]:
    from dns.nameserver import Do53Nameserver

    servers: list[Any] = []
    for place in text.split(","):
        host, port = _split(place.strip())
        servers.append(Do53Nameserver(host, port))
    return servers


def _split(place: str) -> tuple[str, int]:
    """The address and port of `192.0.2.1`, `192.0.2.1:5300`, `::1` or `[::1]:5300`."""
    from ipaddress import ip_address

    host, port = place, "53"
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif place.count(":") == 1:
        host, _, port = place.partition(":")
    try:
        host = str(ip_address("127.0.0.1" if host == "localhost" else host))
        if not 0 < int(port) < 65536:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{place!r} is no address of a name server, such as 127.0.0.1:5300"
        ) from None
    return host, int(port)


def _tell_server(server: Any) -> str:
    if isinstance(server, str):
        return server
    host = f"[{server.address}]" if ":" in server.address else server.address
    return host if server.port == 53 else f"{host}:{server.port}"


def _tell_failures(error: BaseException) -> str:
    """Why each attempt came to nothing, every reason once."""
    attempts = getattr(error, "kwargs", {}).get("errors", ())
    return ", ".join(dict.fromkeys(_tell_failure(attempt[3]) for attempt in attempts)) or _short(
        error
    )


def _tell_failure(reason: object) -> str:
    from dns.exception import Timeout

    if isinstance(reason, Timeout):
        return "no reply in time"
    if isinstance(reason, OSError):
        return (reason.strerror or str(reason)).lower()
    return str(reason)


def _short(error: BaseException) -> str:
    return str(error).rstrip(".").split(": ", 1)[-1][:300]
