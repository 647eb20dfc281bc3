"""Each instance that could be in an answer: kept, or left out and why."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field

from dnsregistry.explain.visits import STATIC, Visit
from dnsregistry.explain.wanted import write_type
from dnsregistry.registry.check import Health
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.lookup import Found
from dnsregistry.zone.ramp import STEPS
from dnsregistry.zone.rdata import SRV, Rdata, RRType
from dnsregistry.zone.reason import FAILED, why_not_serving, write_ago
from dnsregistry.zone.sieve import Candidate, Cause, Step

_VERSIONS: Mapping[int, int] = {RRType.A: 4, RRType.AAAA: 6}


@dataclass(frozen=True, slots=True)
class Told:
    """A candidate with its fate. `name` is the owner name that it was a candidate for."""

    id: str
    name: str
    kept: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Shares:
    """What became of the records of a visit's answer.

    `decided` are those that this client is to have, `written` those for which there was room.
    """

    decided: frozenset[Rdata] = frozenset()
    written: frozenset[Rdata] = frozenset()


@dataclass(slots=True)
class Judge:
    """Tells the fates of the candidates of one visit, one after another.

    `octets` is what the reply may have, `failure` tells of an instance's checks, `step_of` how
    far it has grown.
    """

    visit: Visit
    shares: Shares
    octets: int
    now: float
    failure: Callable[[Instance], str]
    step_of: Callable[[Instance], int | None]
    _holders: dict[object, str] = field(default_factory=dict)

    def judge_all(self) -> Iterator[Told]:
        """All candidates, then those that have gone."""
        lookup, trace = self.visit.lookup, self.visit.trace
        rtype = lookup.rrset.rtype if isinstance(lookup, Found) else self.visit.rtype
        full = frozenset(lookup.rrset.rdatas) if isinstance(lookup, Found) else frozenset()
        doubles: list[Candidate] = []
        for candidate in trace.candidates:
            lost = trace.lost_at(candidate)
            if lost is not None:
                yield self._tell(candidate.instance, self._why_lost(candidate, lost))
                continue
            own = self._own(candidate, rtype)
            if not full.isdisjoint(own) and not self._is_held(candidate.instance, own):
                self._note_holder(candidate.instance, own)
                why = self._why_short(own, len(full))
                kept = None if why else self._why_kept(candidate.instance, own)
                yield self._tell(candidate.instance, why or "", kept)
            elif not own:
                yield self._tell(candidate.instance, _why_without(candidate.instance, rtype))
            elif self.visit.path == STATIC:
                yield self._tell(
                    candidate.instance, "a record of the zone file stands in its place"
                )
            else:
                doubles.append(candidate)
        for candidate in doubles:
            yield self._tell(candidate.instance, self._why_double(candidate, rtype))
        held = {candidate.instance.id.lower() for candidate in trace.candidates}
        for gone in self.visit.departed:
            if gone.instance.id.lower() not in held:
                ago, _ = write_ago(gone.at, self.now)
                yield self._tell(gone.instance, f"{gone.kind} {ago}")

    def _tell(self, instance: Instance, why_not: str, why: str | None = None) -> Told:
        name = str(self.visit.name)
        return Told(instance.id, name, why is not None, why_not if why is None else why)

    def _own(self, candidate: Candidate, rtype: int) -> tuple[Rdata, ...]:
        """What it would have at the name alone, as it was then."""
        if self.visit.trace.alone is None:
            return ()
        lease = candidate.lease
        frozen = Lease(candidate.instance, lease.sequence, lease.revision, self.now)
        return self.visit.trace.alone(frozen, rtype)

    def _why_lost(self, candidate: Candidate, lost: Step) -> str:
        instance, wanted = candidate.instance, lost.wanted
        match lost.cause:
            case Cause.EXPIRED:
                return f"expired {write_ago(candidate.deadline, self.now)[0]}"
            case Cause.SERVICE:
                return f"belongs to {instance.service}, not to {wanted}"
            case Cause.PROTOCOL:
                return f"speaks {instance.protocol}, not {wanted}"
            case Cause.LABEL:
                return f"has no tag and no capability {wanted}".rstrip()
            case Cause.PORT:
                return f"has no port named {wanted}" if wanted else "has no named port"
            case Cause.STATUS:
                return self._why_out(instance)

    def _why_out(self, instance: Instance) -> str:
        why = why_not_serving(instance)
        return self.failure(instance) if why == FAILED else why

    def _why_short(self, own: Collection[Rdata], all_there_are: int) -> str:
        """Why none of its records reached the client, though the name has them; empty if some."""
        decided, written = self.shares.decided, self.shares.written
        if decided.isdisjoint(own):
            return f"limit: this client gets {len(decided)} of {all_there_are} (SERVICE_LIMITS)"
        if written.isdisjoint(own):
            part = f"{len(written)} of {len(decided)} records"
            return f"no room in {self.octets} octets: this client gets {part}, and asks by TCP"
        return ""

    def _why_kept(self, instance: Instance, own: Collection[Rdata]) -> str:
        told = ["answered"]
        if self.visit.trace.in_place_of_none:
            told.append(f"for want of any better (EMPTY_SERVICE=all): {self._why_out(instance)}")
        if instance.health is Health.DEGRADED:
            told.append(f"held up by the guard: {self.failure(instance)}")
        step = self.step_of(instance)
        if step is not None:
            told.append(f"slow start: {step} of {STEPS} parts of its weight")
        if instance.weight == 0 and any(isinstance(rdata, SRV) for rdata in own):
            told.append("weight 0: seldom stands first")
        return "; ".join(told)

    def _note_holder(self, instance: Instance, own: Collection[Rdata]) -> None:
        for place in _places(instance, own):
            self._holders.setdefault(place, instance.id)

    def _is_held(self, instance: Instance, own: Collection[Rdata]) -> bool:
        """Whether others have all its places: host names have the very same records."""
        places = list(_places(instance, own))
        return bool(places) and all(place in self._holders for place in places)

    def _why_double(self, candidate: Candidate, rtype: int) -> str:
        own = self._own(candidate, rtype)
        for place in _places(candidate.instance, own):
            if place in self._holders:
                return f"same address and port as {self._holders[place]}"
        return "another record stands in its place"


def _places(instance: Instance, own: Collection[Rdata]) -> Iterator[object]:
    """Where its SRV records lead: one place is answered once."""
    for rdata in own:
        if isinstance(rdata, SRV):
            for place, _ in instance.endpoints:
                yield place, rdata.port


def _why_without(instance: Instance, rtype: int) -> str:
    version = _VERSIONS.get(rtype)
    if version is not None and instance.host is not None:
        return f"is the host name {instance.host}, which is an alias only where it is alone"
    if version is not None and all(address.version != version for address in instance.addresses):
        return f"has no IPv{version} address"
    return f"has no {write_type(rtype)} record at this name"
