"""The changes of late, so that whoever knows a revision can be told what came after. Pure.

Rules:
- It remembers up to so many changes and about so many octets, whatever they are of; each service's
  run is a part of that, and costs nothing once it is empty and nobody reads it.
- `floor` is the revision of the last change that is forgotten, or at which the history begins.
  What is asked for from below it has a gap.
- Of a service without a run this much is known: it has not changed since the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dnsregistry.api.watching.event import make_events
from dnsregistry.api.watching.run import Run
from dnsregistry.registry.feed import Change

MOST_OCTETS = 32 * 1024 * 1024
"""Of all events as JSON: what a few large instances that change all the time can take."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a reader begins; after a gap, at the end."""

    run: Run
    position: int
    is_gap: bool


class History:
    """`revision` is the last one known, `floor` the one from which on nothing is missing."""

    def __init__(self, revision: int, most: int, most_octets: int = MOST_OCTETS) -> None:
        self.floor = self.revision = revision
        self._most = most
        self._most_octets = most_octets
        self._octets = 0
        self._whole = Run()
        self._runs: dict[str, Run] = {}
        self._services: dict[int, Sequence[str]] = {}

    def __len__(self) -> int:
        return len(self._whole)

    def count_services(self) -> int:
        """How many services it keeps a run of."""
        return len(self._runs)

    def add(self, change: Change) -> Sequence[str]:
        """Take in a change whose revision is above all before; returns the services it is of."""
        event, told = make_events(change)
        self.revision = event.revision
        self._whole.append(event)
        self._octets += event.weight
        for service, part in told:
            run = self._runs.get(service)
            if run is None:
                run = self._runs[service] = Run()
            run.append(part)
        services = tuple([service for service, _ in told])
        self._services[event.revision] = services
        while len(self._whole) > self._most or self._octets > self._most_octets:
            self._forget()
        return services

    def reach(self, revision: int) -> None:
        """Know that there is no change up to a revision beyond those that were taken in."""
        self.revision = max(self.revision, revision)

    def tear(self, revision: int) -> None:
        """Forget everything: what led to this revision is not known. All readers have a gap."""
        self.floor = self.revision = revision
        self._octets = 0
        self._services.clear()
        self._whole.tear()
        self._runs = {service: run for service, run in self._runs.items() if run.readers}
        for run in self._runs.values():
            run.tear()

    def open(self, service: str | None, since: int | None) -> Start:
        """A reader of a service's events, or of all, after a revision, or of those to come.

        The reader is counted until `close`.
        """
        run = self._whole if service is None else self._runs.setdefault(service, Run())
        run.readers += 1
        if since is None:
            return Start(run, run.end, is_gap=False)
        if since < self.floor:
            return Start(run, run.end, is_gap=True)
        return Start(run, run.find(since), is_gap=False)

    def close(self, service: str | None) -> None:
        """A reader is gone."""
        if service is None:
            self._whole.readers -= 1
            return
        run = self._runs[service]
        run.readers -= 1
        self._prune(service, run)

    def may_have_changed(self, service: str | None, since: int) -> bool:
        """Whether a service, or anything, has changed after a revision.

        True as well for a revision from below the floor: nobody knows any more.
        """
        if since < self.floor:
            return True
        run = self._whole if service is None else self._runs.get(service)
        return run is not None and run.last_revision() > since

    def _forget(self) -> None:
        event = self._whole.drop()
        self._octets -= event.weight
        self.floor = event.revision
        for service in self._services.pop(event.revision):
            run = self._runs[service]
            run.drop()
            self._prune(service, run)

    def _prune(self, service: str, run: Run) -> None:
        if not run.readers and not run:
            del self._runs[service]
