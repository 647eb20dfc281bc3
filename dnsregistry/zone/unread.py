"""A zone that is ours and could never be read: nobody else is to be asked about its names."""

from dataclasses import dataclass

from dnsregistry.zone.lookup import Lookup, NotOurs, Unavailable
from dnsregistry.zone.name import Name


@dataclass(frozen=True, slots=True)
class UnreadZone:
    """Holds the place of a zone until its file can be read."""

    origin: Name

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Say that there is no telling yet."""
        return NotOurs() if name.relative_to(self.origin) is None else Unavailable()
