"""A static zone: its records are what they are, whoever asks and whenever.

Rules (RFC 1034, 4.3.2; RFC 4592; RFC 2308):
- What is below a delegation is answered by a referral, and so is what is at it but for its
  DS, which belongs to the parent (RFC 4035, 3.1.4.1).
- A name exists if it or one below it has records. One that exists but lacks the type is
  NODATA, and no wildcard answers for it.
- For one that does not exist, only the wildcard right below the closest encloser answers.
- A DNAME is found in the place of every name below its owner (RFC 6672, 3.2).
"""

import math
from collections.abc import Iterable
from dataclasses import replace

from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import SOA, RRType
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.targets import targets_of
from dnsregistry.zone.tree import DNAME, DS, WILDCARD, Branch, Tree


class StaticZone:
    """Answers questions about names under one origin from RRsets that never change."""

    def __init__(self, origin: Name, rrsets: Iterable[RRset]) -> None:
        """Each owner name and type at most once, with one SOA, which is at the origin.

        No wildcard may own NS or DNAME: what it would mean is undefined (RFC 4592, 4.2 and 4.4).
        Raises ValueError without SOA, or for a name outside the origin.
        """
        self.origin = origin
        self._tree = Tree(origin, rrsets)
        soa = self._tree.apex.rrsets.get(RRType.SOA)
        if soa is None or not isinstance(soa.rdatas[0], SOA):
            raise ValueError(f"{origin} has no SOA")
        self.serial = soa.rdatas[0].serial
        self._denial = deny(soa)

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type. Costs the labels of the name.

        Found may hold a DNAME that is owned by a name above: `redirect` makes the CNAME of it.
        """
        relative = name.relative_to(self.origin)
        if relative is None:
            return NotOurs()
        branch, left = self._tree.descend(relative)
        if branch.cut and (left or rtype != DS):
            return self._tree.refer(branch)
        if not left:
            return self._answer(branch.find(rtype), math.inf)
        if DNAME in branch.rrsets:
            return Found(branch.rrsets[DNAME])
        source = branch.below.get(WILDCARD)
        if source is None:
            return NoName(self._denial)
        # Such names are without number: an answer to one of them is not worth keeping.
        return self._answer(synthesize(source, rtype, name), 0.0)

    def _answer(self, rrset: RRset | None, until: float) -> Lookup:
        if rrset is None:
            return NoData(self._denial, until)
        addresses = {target: self._tree.addresses(target) for target in targets_of(rrset)}
        additional = {target: found for target, found in addresses.items() if found}
        return Found(rrset, additional, until=until)


def deny(soa: RRset) -> RRset:
    """The SOA of a denial, whose TTL is the lesser of its own and its MINIMUM (RFC 2308, 5)."""
    rdata = soa.rdatas[0]
    return replace(soa, ttl=min(soa.ttl, rdata.minimum)) if isinstance(rdata, SOA) else soa


def synthesize(source: Branch, rtype: int, name: Name) -> RRset | None:
    """The wildcard's RRset of a type or its CNAME, owned by the name (RFC 4592, 3.3.1)."""
    rrset = source.find(rtype)
    return None if rrset is None else replace(rrset, owner=name)
