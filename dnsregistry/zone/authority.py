"""All zones that we answer for, as one."""

from collections import Counter
from collections.abc import Callable, Iterable
from enum import IntEnum

from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Lookup, NotOurs, Zone
from dnsregistry.zone.name import Name
from dnsregistry.zone.tree import DS


class Source(IntEnum):
    """Where a zone comes from. Of two with one origin the one from the higher source is served."""

    # Names that must not leave the house, where nobody has said more of them.
    EMPTY = 0
    # A file that could not be read yet.
    UNREAD = 1
    LIVE = 2
    FILE = 3
    # What stands for all of them until it is known what they hold.
    AWAITED = 4


class Authority:
    """The zones by origin. A name belongs to the deepest one that it is under."""

    def __init__(self, zones: Iterable[Zone]) -> None:
        self._watchers: list[Callable[[], None]] = []
        self._served: dict[tuple[bytes, ...], Zone] = {}
        self._above: Counter[tuple[bytes, ...]] = Counter()
        """How many served zones lie under a name."""
        self._live: LiveZone | None = None
        self._sources: dict[tuple[bytes, ...], dict[Source, Zone]] = {}
        for zone in zones:
            self.put(zone)

    def find(self, name: Name) -> Zone | None:
        """The zone that a name belongs to; None where it is not ours."""
        labels = name.labels
        for start in range(len(labels) + 1):
            zone = self._served.get(labels[start:])
            if zone is not None:
                return zone
        return None

    def find_for(self, name: Name, rtype: int) -> Zone | None:
        """The zone that answers a type of a name; None where it is not ours."""
        zone = self.find(name)
        if rtype == DS and zone is not None and zone.origin == name and name.labels:
            # The one type whose records at a cut are the parent's (RFC 4035, 3.1.4.1).
            zone = self.find(Name(name.labels[1:])) or zone
        return zone

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer from the name's zone; NotOurs where there is none."""
        zone = self.find_for(name, rtype)
        return NotOurs() if zone is None else zone.lookup(name, rtype, now)

    def alone(self) -> LiveZone | None:
        """The live zone, unless another zone lies over it or under it."""
        live = self._live
        if live is None or self._above[live.origin.labels]:
            return None
        return live if self._served.get(live.origin.labels) is live else None

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call this whenever a zone has been put or removed."""
        self._watchers.append(watcher)

    def put(self, zone: Zone, source: Source = Source.LIVE) -> None:
        """Add a zone, or replace the one from this source with its origin."""
        if isinstance(zone, LiveZone):
            self._live = zone
        self._sources.setdefault(zone.origin.labels, {})[source] = zone
        self._serve(zone.origin.labels)

    def remove(self, origin: Name, source: Source = Source.LIVE) -> None:
        """Take out the zone that came from this source; what it covered is served again."""
        del self._sources[origin.labels][source]
        self._serve(origin.labels)

    def _serve(self, labels: tuple[bytes, ...]) -> None:
        sources = self._sources[labels]
        if sources:
            if labels not in self._served:
                self._count_above(labels, 1)
            self._served[labels] = sources[max(sources)]
        else:
            del self._sources[labels], self._served[labels]
            self._count_above(labels, -1)
        for watcher in self._watchers:
            watcher()

    def _count_above(self, labels: tuple[bytes, ...], step: int) -> None:
        for start in range(1, len(labels) + 1):
            above = labels[start:]
            self._above[above] += step
            if not self._above[above]:
                del self._above[above]
