"""A node: everything that one owner name answers, made from the catalogue at one time."""

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from ipaddress import IPv4Address
from itertools import islice

from dnsregistry.registry.admission import PROTOCOLS
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.check import Health
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import (
    Apex,
    Branch,
    Capability,
    CapabilityProtocol,
    Host,
    InstanceName,
    Labelled,
    NamedPort,
    NamedPorts,
    NameServer,
    Owner,
    Service,
    ServiceProtocol,
    ServiceTypes,
    Subtype,
    SubtypeBranch,
)
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.ramp import Ramps
from dnsregistry.zone.rdata import AAAA, NS, PTR, A, Rdata, RRType
from dnsregistry.zone.reason import Reason, why_empty
from dnsregistry.zone.records import (
    Pointing,
    PortOf,
    Span,
    make_addresses,
    make_pointers,
    make_services,
    make_text,
)
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.selection import Selection
from dnsregistry.zone.sieve import SILENT, Alone, Sieve

MOST_LOOKED_AT = 16
"""Leases of a service that are looked through for one that is answered: most are. Where none of so
many is, the count of those that are well is believed for `RELOOK_SECONDS`."""
RELOOK_SECONDS = 1.0
MOST_SERVICE_TYPES = 2000
"""Services listed to whoever browses for types: about what the longest message holds."""


Maker = Callable[[], Pointing]


@dataclass(frozen=True, slots=True)
class Node:
    """What makes RRsets, by type, and how long that holds.

    From `until` on a TTL may be too long or a lease may have ended: make it anew. `most` is
    how many records of an RRset an answer is to have, 0 for all. `degraded` says that it names
    instances which fail their checks and are held up for a while. `reason` tells why there is
    no data where there would be else. One that is `absent` is told like a name that is not.
    """

    makers: Mapping[int, Maker]
    until: float
    most: int = 0
    degraded: bool = False
    reason: Reason | None = None
    absent: bool = False
    _made: dict[int, Pointing] = field(default_factory=dict, init=False, compare=False)

    def find(self, rtype: int) -> Pointing | None:
        """The RRset of a type with the records behind it, made when it is first asked for."""
        made = self._made.get(rtype)
        if made is None and rtype in self.makers:
            made = self._made[rtype] = self.makers[rtype]()
        return made


_Make = Callable[[list[Lease], Span], Node]


class NodeMaker:
    """Makes the nodes of one zone.

    A name exists while a live lease is behind it; what it answers is decided by status.
    """

    def __init__(
        self, catalogue: Catalogue, policy: LivePolicy, ramps: Ramps, sieve: Sieve = SILENT
    ) -> None:
        self._catalogue = catalogue
        self._select = Selection(catalogue, sieve)
        self._sieve = sieve
        self._ramps = ramps
        self._policy = policy
        self._origin = policy.origin

    def make(self, owner: Owner, now: float) -> Node | None:
        """Return the node of an owner name; None where there is no such name."""
        name = self._origin.prepend(*owner.labels())
        select = self._select
        match owner:
            case Apex():
                return self._apex(name)
            case NameServer():
                return Node(_ready(self._serve(name)), math.inf)
            case Branch():
                return Node({}, math.inf)
            case Host(label):
                return self._host(name, label, now)
            case Service(service):
                return self._plain(name, select.of_service(service), now)
            case Labelled(label, service):
                return self._plain(name, select.labelled(service, label), now)
            case Capability(capability):
                return self._plain(name, select.capable(capability), now)
            case ServiceProtocol(service, protocol):
                return self._service(name, select.of_service(service), protocol, now)
            case CapabilityProtocol(capability, protocol):
                live = self._speaking(select.capable(capability), protocol, now)
                return self._srv(name, live, _any_port, now)
            case NamedPort(port, protocol, service):
                port_of = _named_port(port)
                live = self._speaking(select.of_service(service), protocol, now)
                return self._srv(name, select.with_port(live, port_of, port), port_of, now)
            case NamedPorts(protocol, service):
                live = self._speaking(select.of_service(service), protocol, now)
                return self._parent(select.with_ports(live), now)
            case InstanceName(instance_id, service, protocol):
                return self._instance(name, instance_id, (service, protocol), now)
            case Subtype(label, service, protocol):
                return self._subtype(name, select.labelled(service, label), protocol, now)
            case SubtypeBranch(service, protocol):
                live = self._speaking(select.of_service(service), protocol, now)
                return self._parent(select.with_labels(live), now)
            case ServiceTypes():
                return self._service_types(name, now)

    def _apex(self, name: Name) -> Node:
        target = name.prepend(*NameServer().labels())
        ns = RRset(name, RRType.NS, self._policy.ttl, (NS(target),))
        found = Pointing(ns, {target: tuple(self._serve(target))})
        return Node({RRType.NS: lambda: found}, math.inf)

    def _serve(self, name: Name) -> list[RRset]:
        addresses = self._policy.name_server
        v4 = tuple(A(a) for a in addresses if isinstance(a, IPv4Address))
        v6 = tuple(AAAA(a) for a in addresses if not isinstance(a, IPv4Address))
        ttl = self._policy.ttl
        rrsets = [RRset(name, RRType.A, ttl, v4), RRset(name, RRType.AAAA, ttl, v6)]
        return [rrset for rrset in rrsets if rrset.rdatas]

    def _host(self, name: Name, label: str, now: float) -> Node | None:
        def make(shown: list[Lease], span: Span) -> Node:
            rrsets = make_addresses(name, shown, span.ttl)
            if shown[0].instance.host is None:
                rrsets.append(make_text(name, shown[0].instance, span.ttl))
            return Node(_ready(rrsets), span.until)

        live = self._select.live(self._select.one(self._catalogue.find_host(label)), now)
        shown = self._select.in_place_of_none(live)
        if not shown:
            return _branch(live)
        span = Span.of(shown, self._policy.ttl_of, now)
        self._sieve.show(shown, _alone(make, span), in_place_of_none=False)
        return make(shown, span)

    def _plain(self, name: Name, leases: Collection[Lease], now: float) -> Node | None:
        def make(shown: list[Lease], span: Span, *, is_whole: bool = True) -> Node:
            addresses = make_addresses(name, shown, span.ttl, span.weights)
            makers = _ready(addresses)
            # Nothing stands beside an alias; but one of several is none.
            if RRType.CNAME not in makers or not is_whole:
                makers[RRType.SRV] = self._services(name, shown, _any_port, span)
            return Node(makers, span.until, self._limit(shown))

        part = partial(make, is_whole=False)
        return self._from_shown(self._select.live(leases, now), now, make, part)

    def _srv(self, name: Name, live: list[Lease], port_of: PortOf, now: float) -> Node | None:
        def make(shown: list[Lease], span: Span) -> Node:
            services = self._services(name, shown, port_of, span)
            return Node({RRType.SRV: services}, span.until, self._limit(shown))

        return self._from_shown(live, now, make)

    def _service(
        self, name: Name, leases: Collection[Lease], protocol: str, now: float
    ) -> Node | None:
        def make(shown: list[Lease], span: Span) -> Node:
            makers: dict[int, Maker] = {
                RRType.SRV: self._services(name, shown, _any_port, span),
                RRType.PTR: self._pointers(name, shown, span),
            }
            return Node(makers, span.until, self._limit(shown))

        return self._from_shown(self._speaking(leases, protocol, now), now, make)

    def _subtype(
        self, name: Name, leases: Collection[Lease], protocol: str, now: float
    ) -> Node | None:
        def make(shown: list[Lease], span: Span) -> Node:
            return Node({RRType.PTR: self._pointers(name, shown, span)}, span.until)

        return self._from_shown(self._speaking(leases, protocol, now), now, make)

    def _instance(
        self, name: Name, instance_id: str, service_type: tuple[str, str], now: float
    ) -> Node | None:
        def make(shown: list[Lease], span: Span) -> Node:
            makers = _ready([make_text(name, shown[0].instance, span.ttl)])
            makers[RRType.SRV] = self._services(name, shown, _any_port, span)
            return Node(makers, span.until)

        service, protocol = service_type
        live = self._speaking(self._select.one(self._catalogue.find(instance_id)), protocol, now)
        return self._from_shown(self._select.of_type(live, service), now, make)

    def _parent(self, live: list[Lease], now: float) -> Node | None:
        """A name that is there while one below it is, data or not (RFC 8020)."""
        return self._from_shown(live, now, lambda _, span: Node({}, span.until))

    def _service_types(self, name: Name, now: float) -> Node:
        types: dict[PTR, float] = {}
        for service in self._catalogue.services_after("", MOST_SERVICE_TYPES):
            for protocol in PROTOCOLS:
                deadline = self._find_answered(service, protocol, now)
                if deadline is not None:
                    owner = ServiceProtocol(service, protocol)
                    types[PTR(self._origin.prepend(*owner.labels()))] = deadline
        # So long a lease of each type is answered, unless a change comes first.
        span = Span.before(min(types.values(), default=math.inf), self._policy.ttl, now)
        pointers = RRset(name, RRType.PTR, span.ttl, tuple(types))
        return Node(_ready([pointers] if types else []), span.until)

    def _find_answered(self, service: str, protocol: str, now: float) -> float | None:
        """Until when a service surely has an answered lease of a protocol; None without one."""
        if not self._catalogue.count_healthy_type(service, protocol):
            return None
        leases = self._catalogue.of_service(service)
        deadlines = [
            lease.deadline
            for lease in islice(leases, MOST_LOOKED_AT)
            if lease.instance.protocol == protocol and lease.is_answered(now)
        ]
        if deadlines:
            return max(deadlines)
        return None if len(leases) <= MOST_LOOKED_AT else now + RELOOK_SECONDS

    def _services(self, name: Name, shown: list[Lease], port_of: PortOf, span: Span) -> Maker:
        return lambda: make_services(name, shown, port_of, self._origin, span.ttl, span.weights)

    def _pointers(self, name: Name, shown: list[Lease], span: Span) -> Maker:
        return lambda: make_pointers(name, shown, self._origin, span.ttl)

    def _speaking(self, leases: Collection[Lease], protocol: str, now: float) -> list[Lease]:
        return self._select.speaking(self._select.live(leases, now), protocol)

    def _from_shown(
        self, live: list[Lease], now: float, make: _Make, part: _Make | None = None
    ) -> Node | None:
        """The node that `make` gives for the leases to show, `part` for one of them.

        None, for a name that is not, or a node without data where none is to be shown.
        """
        shown = self._select.answered(live, now)
        is_empty = not shown
        if live and is_empty:
            if self._policy.empty_service is EmptyService.NXDOMAIN:
                return Node({}, math.inf, reason=why_empty(live), absent=True)
            if self._policy.empty_service is EmptyService.ALL:
                shown = self._select.in_place_of_none(live)
        if not shown:
            return _branch(live)
        span = Span.of(shown, self._policy.ttl_of, now).weighing(self._ramps.weigh(shown, now))
        self._sieve.show(shown, _alone(part or make, span), in_place_of_none=is_empty)
        node = make(shown, span)
        degraded = any(lease.instance.health is Health.DEGRADED for lease in shown)
        return replace(node, degraded=True) if degraded else node

    def _limit(self, leases: Iterable[Lease]) -> int:
        """The strictest limit of the leases' services; 0 where none has one."""
        services = {lease.instance.service for lease in leases}
        limits = set(map(self._policy.limit_of, services))
        return min(limits - {0}, default=0)


def _ready(rrsets: Iterable[RRset]) -> dict[int, Maker]:
    """RRsets that name no others, and are made already."""
    return {rrset.rtype: partial(Pointing, rrset, {}) for rrset in rrsets}


def _branch(live: Iterable[Lease]) -> Node | None:
    """A name without data, there while one of these leases lives; None without any."""
    deadlines = [lease.deadline for lease in live]
    return Node({}, min(deadlines), reason=why_empty(live)) if deadlines else None


def _alone(make: _Make, span: Span) -> Alone:
    def find(lease: Lease, rtype: int) -> tuple[Rdata, ...]:
        found = make([lease], span).find(rtype)
        return () if found is None else found.rrset.rdatas

    return find


def _any_port(instance: Instance) -> int:
    return instance.port


def _named_port(port: str) -> PortOf:
    return lambda instance: dict(instance.ports).get(port)
