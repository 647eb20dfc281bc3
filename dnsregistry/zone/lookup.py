"""What a zone says to a question: six kinds of answer, told apart by type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from dnsregistry.zone.name import Name
from dnsregistry.zone.reason import Reason
from dnsregistry.zone.rrset import RRset

LONGEST_CHAIN = 8
"""Aliases followed in one answer: more than any real chain, and a bound on the work."""


@dataclass(frozen=True, slots=True)
class Found:
    """The RRset asked for, or the CNAME in its place; and the records of its targets.

    `most` is how many of its records an answer is to have, 0 for all. `until` is when the zone
    will say otherwise without a change that it tells; 0: it may at any time. `degraded` says that
    it names what fails its checks and is held up for a while.
    """

    rrset: RRset
    additional: Mapping[Name, tuple[RRset, ...]] = field(default_factory=dict)
    most: int = 0
    until: float = field(default=0.0, compare=False)
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class NoData:
    """The name exists, or a name below it does; it has no such type (RFC 2308, 2.2).

    `until` as in Found. `reason` tells people why, where there would be data else.
    """

    soa: RRset
    until: float = field(default=0.0, compare=False)
    reason: Reason | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NoName:
    """Neither the name nor one below it exists (RFC 2308, 2.1; RFC 8020).

    `until` and `reason` as in NoData.
    """

    soa: RRset
    until: float = field(default=0.0, compare=False)
    reason: Reason | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The name is outside the zone."""


@dataclass(frozen=True, slots=True)
class Referral:
    """The name is below a delegation: other servers know (RFC 1034, 4.3.2, 3b)."""

    ns: RRset
    glue: tuple[RRset, ...] = ()


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The name is ours, and what it answers is not known now."""


Lookup = Found | NoData | NoName | NotOurs | Referral | Unavailable


class Zone(Protocol):
    """Whatever answers with authority for the names at and below an origin."""

    @property
    def origin(self) -> Name:
        """The zone's name."""
        ...

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type at a time; NotOurs only for names outside the origin."""
        ...
