"""Owner names as a tree: which names exist, and what stands above a name (RFC 1034, 4.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dnsregistry.zone.lookup import Referral
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.targets import targets_of

DNAME = 39
DS = 43
WILDCARD = b"*"

ADDRESS_TYPES = (RRType.A, RRType.AAAA)


@dataclass(eq=False, slots=True)
class Branch:
    """A name: its RRsets by type, none where only names below it exist, and those below it.

    `cut` tells that the name is delegated: what is at and below it is not the zone's
    (RFC 1034, 4.2.1).
    """

    owner: Name
    cut: bool = False
    rrsets: dict[int, RRset] = field(default_factory=dict)
    below: dict[bytes, Branch] = field(default_factory=dict)

    def find(self, rtype: int) -> RRset | None:
        """The RRset of a type, or the CNAME in its place (RFC 1034, 4.3.2, 3a)."""
        return self.rrsets.get(rtype) or self.rrsets.get(RRType.CNAME)


class Tree:
    """The names at and below an origin. Never changed once it is built."""

    def __init__(self, origin: Name, rrsets: Iterable[RRset]) -> None:
        """Each owner name and type at most once. Raises ValueError for a name outside."""
        self.origin = origin
        self.apex = Branch(origin)
        self.empty = True
        for rrset in rrsets:
            self._put(rrset)
            self.empty = False

    def descend(self, relative: Sequence[bytes]) -> tuple[Branch, int]:
        """Go down to a name; return where the way ends, and how many labels are then left.

        It ends at a delegation, above which nothing is left to decide; below a DNAME, which
        redirects all names under it; at the closest encloser (RFC 4592, 3.3.1); or at the name,
        with no label left.
        """
        branch = self.apex
        for left in range(len(relative), 0, -1):
            if DNAME in branch.rrsets:
                return branch, left
            below = branch.below.get(relative[left - 1])
            if below is None:
                return branch, left
            branch = below
            if branch.cut:
                return branch, left - 1
        return branch, 0

    def find(self, relative: Sequence[bytes]) -> Branch | None:
        """The branch of a name that exists, be it below a delegation; None where there is none."""
        branch: Branch | None = self.apex
        for label in reversed(relative):
            if branch is None:
                return None
            branch = branch.below.get(label)
        return branch

    def refer(self, cut: Branch) -> Referral:
        """Point to the servers of a delegated name, with all the addresses the zone has of them."""
        ns = cut.rrsets[RRType.NS]
        glue = [rrset for name in targets_of(ns) for rrset in self.addresses(name, glue=True)]
        return Referral(ns, tuple(glue))

    def addresses(self, name: Name, *, glue: bool = False) -> tuple[RRset, ...]:
        """The A and AAAA RRsets of a name; of one below a delegation only where `glue` is asked."""
        relative = name.relative_to(self.origin)
        if relative is None:
            return ()
        branch = self.find(relative)
        if branch is None or not (glue or self.is_ours(relative)):
            return ()
        return tuple(branch.rrsets[rtype] for rtype in ADDRESS_TYPES if rtype in branch.rrsets)

    def is_ours(self, relative: Sequence[bytes]) -> bool:
        """Whether a name that exists is neither delegated nor redirected."""
        branch, left = self.descend(relative)
        return left == 0 and not branch.cut

    def _put(self, rrset: RRset) -> None:
        relative = rrset.owner.relative_to(self.origin)
        if relative is None:
            raise ValueError(f"{rrset.owner} is outside {self.origin}")
        branch = self.apex
        for place in range(len(relative) - 1, -1, -1):
            label = relative[place]
            below = branch.below.get(label)
            if below is None:
                owner = Name(rrset.owner.labels[place:])
                below = branch.below[label] = Branch(owner)
            branch = below
        branch.rrsets[rrset.rtype] = rrset
        if rrset.rtype == RRType.NS and branch is not self.apex:
            branch.cut = True
