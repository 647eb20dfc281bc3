"""RRsets: the records of one owner name and type (RFC 2181, 5)."""

from dataclasses import dataclass
from typing import NamedTuple

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import Rdata, name_type


class Preference(NamedTuple):
    """How much a record wants to stand in front: lower priority first, then by weight."""

    priority: int
    weight: int


@dataclass(frozen=True, slots=True)
class RRset:
    """All records have one TTL in seconds (RFC 2181, 5.2) and differ in their data.

    `preferences` runs beside `rdatas`, or is empty where the order means nothing.
    """

    owner: Name
    rtype: int
    ttl: int
    rdatas: tuple[Rdata, ...]
    preferences: tuple[Preference, ...] = ()

    def lines(self) -> list[str]:
        """The records in presentation format, one a line, as dig prints them without tabs."""
        head = f"{self.owner} {self.ttl} IN {name_type(self.rtype)}"
        return [f"{head} {rdata}" for rdata in self.rdatas]
