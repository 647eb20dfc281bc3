"""Which addresses may be probed. Pure: an address and a port, and the rule that they break.

Rules:
- Decided on the address that is connected to, each time, whatever its name said before.
- Link-local addresses (metadata services among them), multicast, unspecified and reserved ones:
  never. Nor the ports on which this registry listens.
- An IPv6 address that carries an IPv4 one is judged as both.
- Else what the allowed networks hold: loopback and private ones, unless set otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from dnsregistry.registry.check import HeartbeatProbe, HttpProbe, Place
from dnsregistry.registry.check_description import write_place
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import Address

Network = IPv4Network | IPv6Network
ALLOWED: tuple[Network, ...] = tuple(
    map(
        ip_network,
        ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    )
)
"""Loopback and private networks (RFC 1918, 4193)."""

_METADATA = frozenset(
    map(ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
"""Where clouds tell a machine its secrets. Not all of them are link-local."""
_NEVER: Sequence[tuple[Network, str]] = (
    (ip_network("0.0.0.0/8"), "unspecified"),
    (ip_network("169.254.0.0/16"), "link-local"),
    (ip_network("224.0.0.0/4"), "multicast"),
    (ip_network("255.255.255.255/32"), "broadcast"),
    (ip_network("240.0.0.0/4"), "reserved"),
    (ip_network("::/128"), "unspecified"),
    (ip_network("fe80::/10"), "link-local"),
    (ip_network("fec0::/10"), "site-local"),
    (ip_network("ff00::/8"), "multicast"),
    (ip_network("100::/64"), "reserved"),
    (ip_network("64:ff9b:1::/48"), "translated to an address that cannot be told"),
)
_MAPPED = ip_network("::ffff:0:0/96")
_COMPATIBLE = ip_network("::/96")
MOST_PLAIN = 0xFFFF
"""Of ::/96: `::1` and its like are no IPv4 addresses."""
_TRANSLATED = ip_network("64:ff9b::/96")


class TargetPolicy:
    """Judges targets. `is_local` tells whether an address is one of this machine."""

    def __init__(
        self,
        allowed: Iterable[Network],
        own_ports: Iterable[int],
        is_local: Callable[[Address], bool],
    ) -> None:
        self._allowed = tuple(allowed)
        self._own_ports = frozenset(own_ports)
        self._is_local = is_local

    def refuse(self, address: Address, port: int) -> str | None:
        """The rule that keeps an address and port from being probed; None where none does."""
        inner = list(_carried(address))
        for each in (address, *inner):
            kind = _never(each)
            if kind is not None:
                return f"{_tell(address, each)} is {kind}, which is never probed"
        for each in (address, *inner):
            if port in self._own_ports and (each.is_loopback or self._is_local(each)):
                return f"port {port} of {_tell(address, each)} is this registry's own"
        # A mapped address is the IPv4 one to every system; the others have to be allowed as both.
        judged = inner if isinstance(address, IPv6Address) and address in _MAPPED else [address]
        for each in (*judged, *inner):
            if not any(each in network for network in self._allowed):
                kind = "a public address" if each.is_global else "an address"
                return f"{_tell(address, each)} is {kind} outside PROBE_NETWORKS"
        return None

    def check(self, instance: Instance) -> None:
        """Refuse, with InvalidField, a check whose address is known and may not be probed."""
        for number, check in enumerate(instance.checks):
            if isinstance(check.probe, HeartbeatProbe):
                continue
            own = check.probe.place is None
            for host, port in target_places(instance, check.probe):
                reason = None if isinstance(host, str) else self.refuse(host, port)
                if reason is not None:
                    url = isinstance(check.probe, HttpProbe)
                    field = "type" if own else "url" if url else "address"
                    raise InvalidField(f"checks.{number}.{field}", reason)


def target_places(instance: Instance, probe: object) -> Sequence[Place]:
    """Where a probe of an instance goes: the first place that can be reached."""
    place = getattr(probe, "place", None)
    if place is not None:
        return (place,)
    port = probe.port if isinstance(probe, HttpProbe) and probe.port else instance.port
    if instance.host is not None:
        return ((instance.host, port),)
    return tuple((address, port) for address in instance.addresses)


def tell_places(places: Sequence[Place]) -> str:
    """The places in words."""
    return " or ".join(map(write_place, places))


def _never(address: Address) -> str | None:
    if address in _METADATA:
        return "a cloud's metadata service"
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return "an address of one interface"
    return next((kind for network, kind in _NEVER if address in network), None)


def _carried(address: Address) -> Iterator[IPv4Address]:
    """The IPv4 addresses that an IPv6 address is made of (RFC 4291, 6052, 3056, 4380)."""
    if not isinstance(address, IPv6Address):
        return
    ends_in_one = address in _COMPATIBLE and int(address) > MOST_PLAIN
    if ends_in_one or address in _MAPPED or address in _TRANSLATED:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def _tell(address: Address, inner: Address) -> str:
    return str(address) if address == inner else f"{address}, which is {inner},"
