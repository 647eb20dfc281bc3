"""All zones that we answer for, as one."""

from collections.abc import Iterable

from dnsregistry.zone.lookup import Lookup, NotOurs, Zone
from dnsregistry.zone.name import Name
from dnsregistry.zone.tree import DS


class Authority:
    """The zones by origin. A name belongs to the deepest one that it is under.

    `version` grows whenever a zone is put or removed.
    """

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._zones = {zone.origin.labels: zone for zone in zones}
        self.version = 0

    def find(self, name: Name) -> Zone | None:
        """The zone that a name belongs to; None where it is not ours."""
        labels = name.labels
        for start in range(len(labels) + 1):
            zone = self._zones.get(labels[start:])
            if zone is not None:
                return zone
        return None

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer from the name's zone; NotOurs where there is none."""
        zone = self.find(name)
        if rtype == DS and zone is not None and zone.origin == name and name.labels:
            # The one type whose records at a cut are the parent's (RFC 4035, 3.1.4.1).
            zone = self.find(Name(name.labels[1:])) or zone
        return NotOurs() if zone is None else zone.lookup(name, rtype, now)

    def put(self, zone: Zone) -> None:
        """Add a zone, or replace the one with its origin."""
        self._zones[zone.origin.labels] = zone
        self.version += 1

    def remove(self, origin: Name) -> None:
        """Take a zone out."""
        del self._zones[origin.labels]
        self.version += 1
