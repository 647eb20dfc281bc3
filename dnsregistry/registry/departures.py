"""Who has gone a short while ago, and how: for people who ask why an instance is not answered.

Pure, fed with the changes. Bounded in number and in time: nothing is decided by it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance

MOST_KEPT = 1024
"""Of all services together; with the largest metadata some 16 MiB."""
KEPT_SECONDS = 600.0
"""Whoever asks why something has just stopped asks within minutes."""


@dataclass(frozen=True, slots=True)
class Departure:
    """An instance that is gone: EXPIRED or REMOVED, and when that was told."""

    instance: Instance
    kind: ChangeKind
    at: float


class Departures:
    """The last instances that have gone. One that comes back is forgotten.

    `services` are those of each service, by its name in lower case.
    """

    def __init__(self, most: int = MOST_KEPT, seconds: float = KEPT_SECONDS) -> None:
        self._most = most
        self._seconds = seconds
        self._all: OrderedDict[str, Departure] = OrderedDict()
        self.services: dict[str, dict[str, Departure]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def note(self, change: Change, now: float) -> None:
        """Take a change in, at the time of it."""
        before, after = change.before, change.after
        if after is not None:
            if self._all:
                self._forget(after.id.lower())
        elif before is not None:
            key = before.id.lower()
            self._forget(key)
            gone = self._all[key] = Departure(before, change.kind, now)
            self.services.setdefault(before.service, {})[key] = gone
            self._forget_old(now)

    def last(self, service: str, now: float) -> Departure | None:
        """Who left a service last; None where nobody is remembered."""
        self._forget_old(now)
        gone = self.services.get(service)
        return next(reversed(gone.values())) if gone else None

    def all(self, now: float) -> Iterator[Departure]:
        """All that are remembered, who left last comes last."""
        self._forget_old(now)
        return iter(list(self._all.values()))

    def _forget_old(self, now: float) -> None:
        kept = self._all
        while len(kept) > self._most:
            self._forget(next(iter(kept)))
        while kept and now >= next(iter(kept.values())).at + self._seconds:
            self._forget(next(iter(kept)))

    def _forget(self, key: str) -> None:
        gone = self._all.pop(key, None)
        if gone is None:
            return
        service = self.services[gone.instance.service]
        del service[key]
        if not service:
            del self.services[gone.instance.service]
