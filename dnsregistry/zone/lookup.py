"""What a zone says to a question: four kinds of answer, told apart by type."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dnsregistry.zone.name import Name
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Found:
    """The RRset asked for, or the CNAME in its place; and the addresses of its targets."""

    rrset: RRset
    additional: Mapping[Name, tuple[RRset, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NoData:
    """The name exists, or a name below it does; it has no such type (RFC 2308, 2.2)."""

    soa: RRset


@dataclass(frozen=True, slots=True)
class NoName:
    """Neither the name nor one below it exists (RFC 2308, 2.1; RFC 8020)."""

    soa: RRset


@dataclass(frozen=True, slots=True)
class NotOurs:
    """The name is outside the zone."""


Lookup = Found | NoData | NoName | NotOurs
