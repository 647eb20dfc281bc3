"""The live zone with static records laid over it: one zone, their union.

Rules:
- A static RRset stands in the place of the live one of its name and type; the other types of
  the name stay live. Each such place is told once.
- An alias bears no other data beside it (RFC 1034, 3.6.2): a static CNAME takes the whole name,
  and a live one gives way to any static record.
- A name exists if it does in either; denials and wildcards go by that.
- A static delegation takes the name and all names below it.
- SOA and serial are the live zone's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs, Referral, Zone
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import PTR, RRType
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.static import deny, synthesize
from dnsregistry.zone.targets import targets_of
from dnsregistry.zone.tree import ADDRESS_TYPES, DS, WILDCARD, Branch, Tree

RETELL = 60.0
"""Seconds until a static RRset is held against the live zone again, which costs a lookup."""


_LIVE_TYPES = (RRType.A, RRType.AAAA, RRType.SRV, RRType.TXT, RRType.PTR)
"""What live names have; a static CNAME is held against all of them."""

_NOTHING: Mapping[Name, tuple[RRset, ...]] = {}


class MergedZone:
    """Answers from static records first, then from the live zone.

    The overlay holds neither SOA nor DNAME. Its wildcards own no NS.
    """

    def __init__(self, live: Zone, overlay: Tree, tell: Callable[[Name, int], None]) -> None:
        """`tell` hears the name and type of a static RRset that stands in a live one's place.

        Raises ValueError where the two have different origins.
        """
        if live.origin != overlay.origin:
            raise ValueError(f"{overlay.origin} cannot lie over {live.origin}")
        self.origin = live.origin
        self.live = live
        self._overlay = overlay
        self._tell = tell
        self._told: set[tuple[Name, int]] = set()
        self._compared: dict[tuple[Name, int], float] = {}

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type at a time from the union of both."""
        relative = name.relative_to(self.origin)
        if relative is None:
            return NotOurs()
        branch, left = self._overlay.descend(relative)
        if branch.cut and (left or rtype != DS):
            return self._refer(branch, now)
        if not left:
            return self._join(branch, rtype, now)
        lookup = self.live.lookup(name, rtype, now)
        if not isinstance(lookup, NoName):
            return self._amend(lookup, now)
        source = branch.below.get(WILDCARD)
        if source is None:
            return lookup
        if self._encloses(branch, relative[:left], now):
            # When the name between goes, nobody takes that for a change of this one.
            return NoName(lookup.soa)
        rrset = synthesize(source, rtype, name)
        return NoData(lookup.soa) if rrset is None else self._found(rrset, now)

    def _join(self, branch: Branch, rtype: int, now: float) -> Lookup:
        """Answer for a name that is in the overlay."""
        static = branch.find(rtype)
        if static is not None:
            self._compare(static, now)
            return self._found(static, now)
        lookup = self.live.lookup(branch.owner, rtype, now)
        match lookup:
            case NoName(soa):
                return NoData(soa)
            case Found(rrset) if rrset.rtype == RRType.CNAME and branch.rrsets:
                self._tell_once(branch.owner, next(iter(branch.rrsets)))
                return self._no_data(now)
        return self._amend(lookup, now)

    def _encloses(self, branch: Branch, relative: Sequence[bytes], now: float) -> bool:
        """Whether a live name stands between a branch and the name below it."""
        for place in range(len(relative) - 1, 0, -1):
            between = Name((*relative[place:], *branch.owner.labels))
            if not isinstance(self.live.lookup(between, RRType.A, now), NoName):
                return True
        return False

    def _no_data(self, now: float) -> NoData:
        apex = self.live.lookup(self.origin, RRType.SOA, now)
        if not isinstance(apex, Found):
            raise TypeError(f"the live zone {self.origin} has no SOA")
        return NoData(deny(apex.rrset))

    def _refer(self, cut: Branch, now: float) -> Referral:
        ns = cut.rrsets[RRType.NS]
        glue: list[RRset] = []
        for target in targets_of(ns):
            below = self._overlay.addresses(target, glue=True)
            glue += self._addresses(target, now) or below
        return Referral(ns, tuple(glue))

    def _found(self, static: RRset, now: float) -> Found:
        found = ((target, self._addresses(target, now)) for target in targets_of(static))
        return Found(static, {target: rrsets for target, rrsets in found if rrsets})

    def _amend(self, lookup: Lookup, now: float) -> Lookup:
        """Put static records in the place of the live ones that come with a live answer."""
        if not isinstance(lookup, Found):
            return lookup
        given = lookup.additional
        found: dict[Name, tuple[RRset, ...]] = {
            target: self._addresses(target, now, given) for target in targets_of(lookup.rrset)
        }
        # With a PTR come whole instances: SRV, TXT and addresses (RFC 6763, 12.1).
        for rdata in lookup.rrset.rdatas:
            if isinstance(rdata, PTR):
                laid = (self._lay_over(rrset) for rrset in given.get(rdata.target, ()))
                found[rdata.target] = tuple(rrset for rrset in laid if rrset)
        additional = {target: rrsets for target, rrsets in found.items() if rrsets}
        if additional == dict(given) and not self._leads_on(lookup):
            return lookup
        # Names of others are in it now, whose changes nobody would take for this name's.
        return replace(lookup, additional=additional, until=0.0)

    def _leads_on(self, found: Found) -> bool:
        """Whether it names others of the zone whose records did not come with it."""
        return any(
            target not in found.additional and target.relative_to(self.origin) is not None
            for target in targets_of(found.rrset)
        )

    def _lay_over(self, live: RRset) -> RRset | None:
        """What stands in the place of a live RRset: itself, a static one, or nothing."""
        relative = live.owner.relative_to(self.origin)
        if relative is None:
            return live
        branch, left = self._overlay.descend(relative)
        if branch.cut:
            return None
        if left:
            return live
        return None if RRType.CNAME in branch.rrsets else branch.rrsets.get(live.rtype, live)

    def _addresses(
        self, target: Name, now: float, given: Mapping[Name, tuple[RRset, ...]] = _NOTHING
    ) -> tuple[RRset, ...]:
        """The A and AAAA RRsets of a name, static over live; `given` spares live lookups."""
        relative = target.relative_to(self.origin)
        if relative is None:
            return given.get(target, ())
        branch, left = self._overlay.descend(relative)
        if branch.cut:
            return ()
        live = given.get(target)
        if live is None:
            live = self._live_addresses(target, now)
        if left or not branch.rrsets:
            return live
        if RRType.CNAME in branch.rrsets:
            return ()
        by_type = {rrset.rtype: rrset for rrset in live} | branch.rrsets
        return tuple(by_type[rtype] for rtype in ADDRESS_TYPES if rtype in by_type)

    def _live_addresses(self, target: Name, now: float) -> tuple[RRset, ...]:
        lookups = [self.live.lookup(target, rtype, now) for rtype in ADDRESS_TYPES]
        return tuple(
            lookup.rrset
            for lookup in lookups
            if isinstance(lookup, Found) and lookup.rrset.rtype in ADDRESS_TYPES
        )

    def _compare(self, static: RRset, now: float) -> None:
        key = static.owner, static.rtype
        if key in self._told or now < self._compared.get(key, -RETELL) + RETELL:
            return
        self._compared[key] = now
        rtypes = _LIVE_TYPES if static.rtype == RRType.CNAME else (static.rtype,)
        lookups = (self.live.lookup(static.owner, rtype, now) for rtype in rtypes)
        if any(isinstance(lookup, Found) for lookup in lookups):
            self._tell_once(*key)

    def _tell_once(self, owner: Name, rtype: int) -> None:
        if (owner, rtype) not in self._told:
            self._told.add((owner, rtype))
            self._tell(owner, rtype)
