"""Reverse zones: addresses to the host names of the instances that have them.

Rules:
- An address answers with every host that it has, each of which resolves forward to it. The TTL
  follows the service's.
- Inside a zone of ours an unknown address is NXDOMAIN; a name with a known address below it is
  NODATA. Outside it is not ours.
- Zones are declared, or with `auto` come and go with the addresses: a /24 or a /64 each.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import Address
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import Host
from dnsregistry.zone.policy import LivePolicy
from dnsregistry.zone.rdata import NS, PTR, SOA, Rdata, RRType
from dnsregistry.zone.records import Span
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.sieve import SILENT, Cause, Sieve, Trace

Network = IPv4Network | IPv6Network
V4_AUTO, V6_AUTO = 24, 64
"""The prefix of an address that `auto` takes for one network."""

_V4_ROOT = Name.from_text("in-addr.arpa")
_V6_ROOT = Name.from_text("ip6.arpa")
_DECIMALS = tuple(str(octet).encode() for octet in range(256))


def reverse_name(address: Address) -> Name:
    """Return the name under which an address's PTR stands (RFC 1035, 3.5; RFC 3596, 2.5)."""
    if isinstance(address, IPv4Address):
        return Name((*[_DECIMALS[octet] for octet in reversed(address.packed)], *_V4_ROOT.labels))
    digits = address.packed.hex().encode()
    return Name((*[digits[at : at + 1] for at in range(31, -1, -1)], *_V6_ROOT.labels))


def reverse_origin(network: Network) -> Name:
    """Return the origin of a network's reverse zone.

    Raises ValueError where the prefix does not end at a label: an octet, or four bits of IPv6.
    """
    step = 8 if network.version == 4 else 4
    if network.prefixlen % step:
        raise ValueError(f"{network}: the prefix is not a multiple of {step} bits")
    labels = reverse_name(network.network_address).labels
    host_labels = (network.max_prefixlen - network.prefixlen) // step
    return Name(labels[host_labels:])


class ReverseZone:
    """The reverse of one network; names of its instances are in the live zone."""

    def __init__(
        self,
        network: Network,
        catalogue: Catalogue,
        policy: LivePolicy,
        live_soa: Callable[[], RRset],
        names: Counter[tuple[bytes, ...]],
    ) -> None:
        self._origin = reverse_origin(network)
        self._catalogue = catalogue
        self._policy = policy
        self._live_soa = live_soa
        self._names = names

    @property
    def origin(self) -> Name:
        """The zone's name."""
        return self._origin

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type at a time; never answers a lease at its deadline."""
        if name.relative_to(self._origin) is None:
            return NotOurs()
        address = _read_address(name)
        if name == self._origin and (address is None or rtype != RRType.PTR):
            return self._apex(rtype)
        if address is not None:
            rrset = self._pointers(name, address, now)
            if rrset is None:
                # A zone of one address: its name is the origin, which is always there.
                return NoData(self._soa()) if name == self._origin else NoName(self._soa())
            return Found(rrset) if rtype == RRType.PTR else NoData(self._soa())
        return NoData(self._soa()) if name.labels in self._names else NoName(self._soa())

    def _apex(self, rtype: int) -> Lookup:
        if rtype == RRType.SOA:
            return Found(self._soa())
        if rtype == RRType.NS:
            rdata = self._soa().rdatas[0]
            servers = (NS(rdata.mname),) if isinstance(rdata, SOA) else ()
            return Found(RRset(self._origin, RRType.NS, self._policy.ttl, servers))
        return NoData(self._soa())

    def trace(self, name: Name, now: float) -> Trace:
        """Tell what the pointers of a name in the zone are made of, and what is left out."""
        trace = Trace()
        address = _read_address(name)
        if address is not None:
            self._pointers(name, address, now, trace)
        return trace

    def _point(self, lease: Lease, rtype: int = RRType.PTR) -> tuple[Rdata, ...]:
        host = Host(lease.instance.host_label)
        target = self._policy.origin.prepend(*host.labels())
        return (PTR(target),) if rtype == RRType.PTR else ()

    def _pointers(
        self, name: Name, address: Address, now: float, sieve: Sieve = SILENT
    ) -> RRset | None:
        reached = self._catalogue.reached(address)
        sieve.begin(reached)
        live = [lease for lease in reached if lease.is_live(now)]
        sieve.keep(live, Cause.EXPIRED)
        leases = [lease for lease in live if lease.is_answered(now)]
        sieve.keep(leases, Cause.STATUS)
        sieve.show(leases, self._point, in_place_of_none=False)
        if not leases:
            return None
        hosts = dict.fromkeys(rdata for lease in leases for rdata in self._point(lease))
        span = Span.of(leases, self._policy.ttl_of, now)
        return RRset(name, RRType.PTR, span.ttl, tuple(hosts))

    def _soa(self) -> RRset:
        live = self._live_soa()
        return RRset(self._origin, RRType.SOA, live.ttl, live.rdatas)


class ReverseZones:
    """All reverse zones: puts them under an authority and follows the changes."""

    def __init__(
        self,
        authority: Authority,
        catalogue: Catalogue,
        policy: LivePolicy,
        live_soa: Callable[[], RRset],
    ) -> None:
        self._authority = authority
        self._catalogue = catalogue
        self._policy = policy
        self._live_soa = live_soa
        self._names: Counter[tuple[bytes, ...]] = Counter()
        self._auto: Counter[Network] | None = None
        self._wanted = False

    def declare(self, networks: Iterable[Network]) -> None:
        """Own the reverse of these networks for good, before any instance is told of."""
        for network in networks:
            self._wanted = True
            self._authority.put(self._make(network))

    def follow_addresses(self) -> None:
        """Own the reverse of whatever /24 or /64 an instance has an address in (`auto`)."""
        self._auto = Counter()
        self._wanted = True

    def take_in(self, instance: Instance) -> None:
        """Take note of an instance that the catalogue held before changes were followed."""
        for address in instance.addresses:
            self._count(address, 1)

    def apply(self, change: Change) -> None:
        """Take note of the addresses that come and go."""
        for address in _addresses_of(change.after):
            self._count(address, 1)
        for address in _addresses_of(change.before):
            self._count(address, -1)

    def _count(self, address: Address, step: int) -> None:
        if not self._wanted:
            return
        labels = reverse_name(address).labels
        for start in range(1, len(labels)):
            self._names[labels[start:]] += step
            if not self._names[labels[start:]]:
                del self._names[labels[start:]]
        if self._auto is None:
            return
        network = _network_of(address)
        if network not in self._auto:
            self._authority.put(self._make(network))
        self._auto[network] += step
        if not self._auto[network]:
            del self._auto[network]
            self._authority.remove(reverse_origin(network))

    def _make(self, network: Network) -> ReverseZone:
        return ReverseZone(network, self._catalogue, self._policy, self._live_soa, self._names)


def _addresses_of(instance: Instance | None) -> Iterator[Address]:
    return iter(instance.addresses if instance else ())


def _network_of(address: Address) -> Network:
    prefix = V4_AUTO if address.version == 4 else V6_AUTO
    return ip_network((address, prefix), strict=False)


def _read_address(name: Name) -> Address | None:
    """The address that a whole reverse name spells, in its one canonical way; else None."""
    for root, count in ((_V4_ROOT, 4), (_V6_ROOT, 32)):
        labels = name.relative_to(root)
        if labels is not None and len(labels) == count:
            try:
                parts = [label.decode("ascii") for label in reversed(labels)]
                address = _join(parts)
            except ValueError:
                return None
            return address if reverse_name(address) == name else None
    return None


def _join(parts: list[str]) -> Address:
    if len(parts) == 4:
        return IPv4Address(".".join(parts))
    return IPv6Address(int("".join(parts), 16))
