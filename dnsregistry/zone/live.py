"""The live zone: the registry's leases, seen as a DNS zone.

Rules:
- A name's node is made at the first question and kept until a change touches the name or
  the node's own time is up. A change costs the names it touches, a question its own name.
- Only names that exist are kept, so that questions for unknown names cost no memory.
- The serial grows with every change that an answer shows, and with no other.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Protocol

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.departures import Departure, Departures
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.zone import serial
from dnsregistry.zone.absence import Absence
from dnsregistry.zone.lookup import LONGEST_CHAIN, Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.node import Node, NodeMaker
from dnsregistry.zone.owner import (
    Apex,
    Capability,
    CapabilityProtocol,
    Host,
    InstanceName,
    Labelled,
    NamedPort,
    NameServer,
    Owner,
    Service,
    ServiceProtocol,
    Subtype,
    owners_of,
    read,
)
from dnsregistry.zone.policy import LivePolicy
from dnsregistry.zone.ramp import Ramps
from dnsregistry.zone.rdata import CNAME, SOA, RRType
from dnsregistry.zone.reason import Reason, why_gone
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.sieve import Trace
from dnsregistry.zone.spelling import Spelling
from dnsregistry.zone.text import write_text as write_strings
from dnsregistry.zone.tree import ADDRESS_TYPES

# Secondaries would poll by these; any value is legal while nothing is transferred.
REFRESH, RETRY, EXPIRE = 60, 15, 86_400


class Memory(Protocol):
    """Whoever keeps answers of the zone beyond the question."""

    def forget(self, name: bytes) -> None:
        """Forget what was answered for a wire name in lower case, without its root octet."""
        ...

    def renumber(self, origin: Name, serial: int) -> None:
        """Tell this serial from now on where the SOA of the zone of this name is told."""
        ...


class LiveZone:
    """Answers questions about names under one origin from the catalogue."""

    def __init__(
        self,
        catalogue: Catalogue,
        policy: LivePolicy,
        first_serial: int,
        ramps: Ramps | None = None,
        departures: Departures | None = None,
    ) -> None:
        self.origin = policy.origin
        self.serial = first_serial
        self._spelling = Spelling(policy.origin)
        self._negative_ttl = policy.negative_ttl
        self._catalogue = catalogue
        self.ramps = Ramps() if ramps is None else ramps
        self._made_of = catalogue, policy, self.ramps
        self._maker = NodeMaker(*self._made_of)
        self._departures = Departures() if departures is None else departures
        self._nodes: dict[Owner, Node] = {}
        self._memories: list[Memory] = []
        # Whether no lookup would find a wire name; False where only a lookup can tell.
        self.lacks = Absence(catalogue, policy.origin, self._departures.services).covers

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type at a time; never answers a lease at its deadline."""
        relative = name.relative_to(self.origin)
        if relative is None:
            return NotOurs()
        owner = read(relative)
        node = None if owner is None else self._find(owner, now)
        if node is None:
            return NoName(self.soa(), math.inf, self._why_gone(owner, now))
        if node.absent:
            return NoName(self.soa(), math.inf, node.reason)
        if rtype == RRType.SOA and isinstance(owner, Apex):
            return Found(self.soa(), until=math.inf)
        found = node.find(rtype) or node.find(RRType.CNAME)
        if found is None:
            return NoData(self.soa(), node.until, node.reason)
        most = 0 if found.rrset.rtype == RRType.PTR else node.most
        if not found.others:
            return Found(found.rrset, found.additional, most, node.until, node.degraded)
        additional = {**found.additional, **self._addresses(found.others, now)}
        return Found(found.rrset, additional, most, 0.0, node.degraded)

    def trace(self, name: Name, now: float) -> Trace:
        """Tell what the answers for a name of the zone are made of, and what is left out."""
        relative = name.relative_to(self.origin)
        owner = None if relative is None else read(relative)
        trace = Trace()
        if owner is not None:
            NodeMaker(*self._made_of, trace).make(owner, now)
        return trace

    def find_departed(self, name: Name, now: float) -> Iterator[Departure]:
        """Those who have gone a short while ago and took part in a name's answers."""
        relative = name.relative_to(self.origin)
        owner = None if relative is None else read(relative)
        if owner is not None:
            departed = self._departures.all(now)
            yield from (
                x
                for x in departed
                if _may_have_had(owner, x.instance) and owner in owners_of(x.instance)
            )

    def soa(self) -> RRset:
        """The zone's SOA. Its TTL is its MINIMUM, so that both bounds of RFC 2308, 5 agree."""
        ttl = self._negative_ttl
        soa = SOA(
            mname=self.origin.prepend(*NameServer().labels()),
            rname=self.origin.prepend("hostmaster"),
            serial=self.serial,
            refresh=REFRESH,
            retry=RETRY,
            expire=EXPIRE,
            minimum=ttl,
        )
        return RRset(self.origin, RRType.SOA, ttl, (soa,))

    def apply(self, change: Change) -> None:
        """Forget what a change makes untrue. Costs the instance's own names."""
        for instance in (change.before, change.after):
            if instance is not None:
                for owner, name in self._spelling.wires(instance):
                    self._nodes.pop(owner, None)
                    for memory in self._memories:
                        memory.forget(name)
        before, after = change.before, change.after
        if before is None or after is None or _visible(before) != _visible(after):
            self.advance_serial()

    def advance_serial(self) -> None:
        """Note a change that an answer shows and that came from elsewhere."""
        self._renumber(serial.advance(self.serial))

    def take_serial(self, told: int) -> None:
        """Have the serial that is told: one for all nodes of a cluster."""
        if told != self.serial:
            self._renumber(told)

    def _renumber(self, number: int) -> None:
        self.serial = number
        for memory in self._memories:
            memory.renumber(self.origin, number)

    def remember_in(self, memory: Memory) -> None:
        """Tell this memory from now on what it must forget."""
        self._memories.append(memory)

    def check_alias(self, instance: Instance, now: float) -> None:
        """Refuse, with InvalidField, a host name that leads back to the instance itself."""
        if instance.host is None:
            return
        own = {self.origin.prepend(*owner.labels()) for owner in owners_of(instance)}
        target = Name.from_text(instance.host)
        for _ in range(LONGEST_CHAIN):
            if target in own:
                raise InvalidField("address", f"{instance.host!r} leads back to this instance")
            found = self.lookup(target, RRType.CNAME, now)
            if not isinstance(found, Found):
                return
            alias = found.rrset.rdatas[0]
            if isinstance(alias, CNAME):
                target = alias.target
        raise InvalidField(
            "address", f"{instance.host!r} leads through more than {LONGEST_CHAIN} aliases"
        )

    def names_of(self, instance: Instance) -> list[str]:
        """The owner names that answer with an instance, without the final dot."""
        return self._spelling.texts(instance)

    def _addresses(self, names: Iterable[Name], now: float) -> dict[Name, tuple[RRset, ...]]:
        found = {
            name: tuple(
                lookup.rrset
                for lookup in (self.lookup(name, rtype, now) for rtype in ADDRESS_TYPES)
                if isinstance(lookup, Found) and lookup.rrset.rtype in ADDRESS_TYPES
            )
            for name in names
        }
        return {name: rrsets for name, rrsets in found.items() if rrsets}

    def _find(self, owner: Owner, now: float) -> Node | None:
        node = self._nodes.get(owner)
        if node is not None and now < node.until:
            return node
        node = self._maker.make(owner, now)
        if node is None or node.absent:
            self._nodes.pop(owner, None)
        else:
            self._nodes[owner] = node
        return node

    def _why_gone(self, owner: Owner | None, now: float) -> Reason | None:
        match owner:
            case Service(service) | ServiceProtocol(service, _):
                if self._catalogue.has_service(service):
                    return None
                last = self._departures.last(service, now)
                return None if last is None else why_gone(last, now)
        return None


def _may_have_had(owner: Owner, instance: Instance) -> bool:
    """Whether an instance can be behind a name, at a glance: not all of its names are made."""
    match owner:
        case Apex() | NameServer():
            return False
        case Host(label):
            return label == instance.host_label
        case Capability(label) | CapabilityProtocol(label, _):
            return label in instance.labels
        case Labelled(label, service) | Subtype(label, service, _):
            return service == instance.service and label in instance.labels
        case NamedPort(port, _, service):
            return service == instance.service and port in dict(instance.ports)
        case InstanceName(instance_id, service, _):
            return service == instance.service and instance_id == instance.id.lower()
    return getattr(owner, "service", instance.service) == instance.service


def _visible(instance: Instance) -> object:
    """What of an instance can be seen in DNS."""
    return (
        instance.id.lower(),
        instance.service,
        instance.protocol,
        frozenset(instance.endpoints),
        frozenset(instance.ports),
        instance.priority,
        instance.weight,
        instance.labels,
        frozenset(text.lower() for text in instance.capabilities),
        instance.status,
        instance.is_serving,
        write_strings(instance),
    )
