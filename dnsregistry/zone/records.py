"""Leases to RRsets.

Rules:
- A record's TTL never outlives the shortest lease behind it, and is at least a second. (RFC
  2181, 5.2: the records of an RRset share one.)
- An address counts once in a name, an address and port once in its SRV records: of
  those at the same place the one of the lowest priority stands there.
- A host name as endpoint is the target of its SRV. Addresses come first: a name is an alias
  only where its one instance is a host name (RFC 1034, 3.6.2 allows no data beside a CNAME).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import Address
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import HOSTS, InstanceName
from dnsregistry.zone.ramp import OWN, Weights
from dnsregistry.zone.rdata import AAAA, CNAME, PTR, SRV, TXT, A, Rdata, RRType
from dnsregistry.zone.rrset import Preference, RRset
from dnsregistry.zone.text import write_text

PortOf = Callable[[Instance], int | None]
"""The port that a name asks for; None where the instance has none such."""


MOST_DESCRIBED = 16
"""Instances of a PTR answer whose records go along with it: more do not fit a datagram. Nor do
those of other names with an SRV answer of more, which can be kept then."""


@dataclass(frozen=True, slots=True)
class Pointing:
    """An RRset that names others, and the records of those of them that are in the zone.

    `others` are names in the zone too, whose records are other instances': an answer with those
    cannot be kept, since nobody tells it of their changes.
    """

    rrset: RRset
    additional: Mapping[Name, tuple[RRset, ...]]
    others: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The TTL and the weights that leases allow, and the time from which they are untrue."""

    ttl: int
    until: float
    weights: Weights = OWN

    @classmethod
    def of(cls, leases: Sequence[Lease], longest_of: Callable[[str], int], now: float) -> "Span":
        """Return the span of the shortest lease; its TTL is at least 1 and as policy has it."""
        services = {lease.instance.service for lease in leases}
        deadline = min([lease.deadline for lease in leases])
        return cls.before(deadline, min(map(longest_of, services)), now)

    def weighing(self, weights: Weights) -> "Span":
        """The same with other weights, for no longer than those hold."""
        if weights is OWN:
            return self
        return Span(self.ttl, min(self.until, weights.until), weights)

    @classmethod
    def before(cls, deadline: float, longest: int, now: float) -> "Span":
        """Return the span of what ends at a deadline; its TTL is from 1 to `longest`."""
        left = deadline - now
        if left >= longest:
            return cls(longest, deadline - longest)
        ttl = max(1, int(left))
        return cls(ttl, deadline - ttl if left >= ttl else deadline)


def make_addresses(
    owner: Name, leases: Sequence[Lease], ttl: int, weights: Weights = OWN
) -> list[RRset]:
    """Return the A and AAAA RRsets that there are, or the one CNAME; may be empty."""
    if len(leases) == 1 and leases[0].instance.host is not None:
        alias = CNAME(Name.from_text(leases[0].instance.host))
        return [RRset(owner, RRType.CNAME, ttl, (alias,))]
    v4: list[IPv4Address] = []
    v6: list[IPv6Address] = []
    v4_preferences: list[Preference] = []
    v6_preferences: list[Preference] = []
    for address, preference in _prefer_addresses(leases, weights):
        if isinstance(address, IPv4Address):
            v4.append(address)
            v4_preferences.append(preference)
        else:
            v6.append(address)
            v6_preferences.append(preference)
    rrsets = []
    if v4:
        a = tuple([A(address) for address in v4])
        rrsets.append(RRset(owner, RRType.A, ttl, a, tuple(v4_preferences)))
    if v6:
        aaaa = tuple([AAAA(address) for address in v6])
        rrsets.append(RRset(owner, RRType.AAAA, ttl, aaaa, tuple(v6_preferences)))
    return rrsets


def make_services(
    owner: Name,
    leases: Iterable[Lease],
    port_of: PortOf,
    origin: Name,
    ttl: int,
    weights: Weights = OWN,
) -> Pointing:
    """Return one SRV for each endpoint; the records may be none where no instance has the port."""
    rdatas: list[Rdata] = []
    preferences: list[Preference] = []
    additional: dict[Name, tuple[RRset, ...]] = {}
    others: dict[Name, None] = {}
    taken: set[tuple[bytes | str, int]] = set()
    hosts = origin.prepend(HOSTS)
    for lease in sorted(leases, key=_precedence):
        instance = lease.instance
        port = port_of(instance)
        if port is None:
            continue
        reached = [(place, port) for place in _places(instance)]
        if taken.issuperset(reached):
            continue
        taken.update(reached)
        weight = weights.of(instance)
        if instance.host is not None:
            target = Name.from_text(instance.host)
            if target.relative_to(origin) is not None:
                others[target] = None
        else:
            target = hosts.prepend(instance.host_label)
            additional[target] = tuple(make_addresses(target, [lease], ttl))
        rdatas.append(SRV(instance.priority, weight, port, target))
        preferences.append(Preference(instance.priority, weight))
    rrset = RRset(owner, RRType.SRV, ttl, tuple(rdatas), tuple(preferences))
    return Pointing(rrset, additional, tuple(others) if len(rdatas) <= MOST_DESCRIBED else ())


def make_pointers(owner: Name, leases: Iterable[Lease], origin: Name, ttl: int) -> Pointing:
    """Return a PTR to each instance's DNS-SD name, with its SRV, TXT and addresses (12.1)."""
    rdatas: dict[Rdata, None] = {}
    additional: dict[Name, tuple[RRset, ...]] = {}
    for lease in leases:
        instance = lease.instance
        name = InstanceName(instance.id.lower(), instance.service, instance.protocol)
        target = origin.prepend(*name.labels())
        rdatas[PTR(target)] = None
        if len(additional) < MOST_DESCRIBED:
            found = make_services(target, [lease], _main_port, origin, ttl)
            addresses = [rrset for rrsets in found.additional.values() for rrset in rrsets]
            additional[target] = (found.rrset, make_text(target, instance, ttl), *addresses)
    return Pointing(RRset(owner, RRType.PTR, ttl, tuple(rdatas)), additional)


def make_text(owner: Name, instance: Instance, ttl: int) -> RRset:
    """Return the TXT RRset of an instance: one record, its metadata."""
    return RRset(owner, RRType.TXT, ttl, (TXT(write_text(instance)),))


def _precedence(lease: Lease) -> tuple[int, int, str]:
    """Which of those at one place goes first: the same in every run and on every node.

    One with more addresses covers those that share some of them.
    """
    instance = lease.instance
    return -len(instance.addresses), instance.priority, instance.host_label


def _main_port(instance: Instance) -> int:
    return instance.port


def _places(instance: Instance) -> Sequence[bytes | str]:
    """Where an instance is reached. Octets hash in a tenth of an address's time."""
    if instance.host is not None:
        return [instance.host]
    return [address.packed for address in instance.addresses]


def _prefer_addresses(
    leases: Sequence[Lease], weights: Weights
) -> Iterable[tuple[Address, Preference]]:
    """Each address once: the best priority on it, with the weights of that priority added up."""
    merged: dict[bytes, tuple[Address, Preference]] = {}
    for lease in leases:
        instance = lease.instance
        own = Preference(instance.priority, weights.of(instance))
        for address in instance.addresses:
            key = address.packed
            if key not in merged:
                merged[key] = address, own
                continue
            _, held = merged[key]
            if own.priority < held.priority:
                merged[key] = address, own
            elif own.priority == held.priority:
                merged[key] = address, Preference(own.priority, held.weight + own.weight)
    return merged.values()
