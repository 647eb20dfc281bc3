"""What comes in over HTTP, counted by route: one look into a table a request."""

from collections import defaultdict
from collections.abc import Hashable, Iterator

from dnsregistry.histogram import Histogram

BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0)
"""Seconds: upper bounds of the classes that times of answering are counted in."""
UNMATCHED = "unmatched"
"""Stands for all paths that no route has: clients may make up as many as they like."""


class RouteTally:
    """One method of one route."""

    __slots__ = ("method", "route", "statuses", "times")

    def __init__(self, method: str, route: str) -> None:
        self.method = method
        self.route = route
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.times = Histogram(BOUNDS)

    def note(self, status: int, seconds: float) -> None:
        """Count an answer with this status that took so long."""
        self.statuses[status] += 1
        self.times.note(seconds)


class Traffic:
    """What has come in since the start, each request counted when it was answered."""

    def __init__(self) -> None:
        self.internal_errors = 0
        self._unmatched = RouteTally("other", UNMATCHED)
        self._tallies: dict[Hashable, RouteTally] = {}

    def add(self, key: Hashable, method: str, route: str) -> None:
        """Count apart what comes to a route, which is known by this key."""
        self._tallies[key] = RouteTally(method, route)

    def find(self, key: Hashable) -> RouteTally:
        """Where a route is counted; all that are not known share one place."""
        return self._tallies.get(key, self._unmatched)

    def tallies(self) -> Iterator[RouteTally]:
        """All places where something was counted."""
        yield from (tally for tally in self._tallies.values() if tally.statuses)
        yield self._unmatched

    @property
    def requests(self) -> int:
        """How many were answered."""
        return sum(sum(tally.statuses.values()) for tally in self.tallies())
