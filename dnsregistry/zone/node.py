"""A node: everything that one owner name answers, made from the catalogue at one time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import (
    Apex,
    Branch,
    Capability,
    CapabilityProtocol,
    Host,
    Labelled,
    NamedPort,
    NamedPorts,
    NameServer,
    Owner,
    Service,
    ServiceProtocol,
)
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import AAAA, NS, A, RRType
from dnsregistry.zone.records import PortOf, Span, make_addresses, make_services
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Node:
    """RRsets by type, the addresses behind its SRV targets, and how long that holds.

    From `until` on a TTL may be too long or a lease may have ended: make it anew.
    """

    rrsets: Mapping[int, RRset]
    until: float
    additional: Mapping[Name, tuple[RRset, ...]] = field(default_factory=dict)


class NodeMaker:
    """Makes the nodes of one zone.

    A name exists while a live lease is behind it; what it answers is decided by status.
    """

    def __init__(self, catalogue: Catalogue, policy: LivePolicy) -> None:
        self._catalogue = catalogue
        self._policy = policy

    def make(self, owner: Owner, now: float) -> Node | None:
        """Return the node of an owner name; None where there is no such name."""
        name = self._policy.origin.prepend(*owner.labels())
        find = self._catalogue
        match owner:
            case Apex():
                return self._apex(name)
            case NameServer():
                return self._name_server(name)
            case Branch():
                return Node({}, now)
            case Host(label):
                return self._host(name, label, now)
            case Service(service):
                return self._service(name, find.of_service(service), now)
            case Labelled(label, service):
                return self._service(name, find.labelled(service, label), now)
            case Capability(capability):
                return self._service(name, find.capable(capability), now)
            case ServiceProtocol(service, protocol):
                return self._srv(name, find.of_service(service), _main_port(protocol), now)
            case CapabilityProtocol(capability, protocol):
                return self._srv(name, find.capable(capability), _main_port(protocol), now)
            case NamedPort(port, protocol, service):
                port_of = _named_port(protocol, port)
                return self._srv(name, find.of_service(service), port_of, now)
            case NamedPorts(protocol, service):
                return self._named_ports(service, protocol, now)

    def _apex(self, name: Name) -> Node:
        target = name.prepend(*NameServer().labels())
        glue = tuple(self._name_server(target).rrsets.values())
        ns = RRset(name, RRType.NS, self._policy.ttl, (NS(target),))
        return _node([ns], 0.0, {target: glue})

    def _name_server(self, name: Name) -> Node:
        addresses = self._policy.name_server
        v4 = tuple(A(a) for a in addresses if isinstance(a, IPv4Address))
        v6 = tuple(AAAA(a) for a in addresses if not isinstance(a, IPv4Address))
        ttl = self._policy.ttl
        rrsets = [RRset(name, RRType.A, ttl, v4), RRset(name, RRType.AAAA, ttl, v6)]
        return _node([rrset for rrset in rrsets if rrset.rdatas], 0.0)

    def _host(self, name: Name, label: str, now: float) -> Node | None:
        lease = self._catalogue.find_host(label)
        if lease is None or not lease.is_live(now):
            return None
        if lease.instance.status is Status.MAINTENANCE:
            return Node({}, lease.deadline)
        span = Span.of([lease], self._policy.ttl, now)
        return _node(make_addresses(name, [lease], span.ttl), span.until)

    def _service(self, name: Name, leases: Iterable[Lease], now: float) -> Node | None:
        live = [lease for lease in leases if lease.is_live(now)]
        shown = self._choose(live, now)
        if not shown:
            return shown if shown is None else _empty(live)
        span = Span.of(shown, self._policy.ttl, now)
        addresses = make_addresses(name, shown, span.ttl)
        if addresses and addresses[0].rtype == RRType.CNAME:
            return _node(addresses, span.until)
        found = make_services(name, shown, _any_port, self._policy.origin, span.ttl)
        return _node([*addresses, found.rrset], span.until, found.additional)

    def _srv(self, name: Name, leases: Iterable[Lease], port_of: PortOf, now: float) -> Node | None:
        live = [lease for lease in leases if lease.is_live(now) and port_of(lease.instance)]
        shown = self._choose(live, now)
        if not shown:
            return shown if shown is None else _empty(live)
        span = Span.of(shown, self._policy.ttl, now)
        found = make_services(name, shown, port_of, self._policy.origin, span.ttl)
        return _node([found.rrset], span.until, found.additional)

    def _named_ports(self, service: str, protocol: str, now: float) -> Node | None:
        with_ports = [
            lease
            for lease in self._catalogue.of_service(service)
            if lease.is_live(now) and lease.instance.ports and lease.instance.protocol == protocol
        ]
        # It is there while a name below it is, data or not.
        return None if self._choose(with_ports, now) is None else _empty(with_ports)

    def _choose(self, live: list[Lease], now: float) -> list[Lease] | None:
        """The leases to show; empty for a name without data; None for a name that is not."""
        if not live:
            return None
        shown = [lease for lease in live if lease.is_answered(now)]
        if shown:
            return shown
        match self._policy.empty_service:
            case EmptyService.NODATA:
                return []
            case EmptyService.NXDOMAIN:
                return None
            case EmptyService.ALL:
                return [x for x in live if x.instance.status is not Status.MAINTENANCE]


def _node(
    rrsets: Iterable[RRset],
    until: float,
    additional: Mapping[Name, tuple[RRset, ...]] | None = None,
) -> Node:
    return Node({rrset.rtype: rrset for rrset in rrsets}, until, additional or {})


def _empty(live: Iterable[Lease]) -> Node:
    """A name without data while these leases last."""
    return Node({}, min(lease.deadline for lease in live))


def _any_port(instance: Instance) -> int:
    return instance.port


def _main_port(protocol: str) -> PortOf:
    return lambda instance: instance.port if instance.protocol == protocol else None


def _named_port(protocol: str, port: str) -> PortOf:
    return lambda instance: (
        dict(instance.ports).get(port) if instance.protocol == protocol else None
    )
