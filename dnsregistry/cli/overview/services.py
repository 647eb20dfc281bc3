"""Services and how they are, kept by the changes that a watch tells. Pure: time is an argument."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import nsmallest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dnsregistry.client import Event, Instance

REMEMBERED_SECONDS = 60.0
"""For which a service that has nobody left is shown, and one that has lost somebody comes first."""
SERVING = frozenset({"healthy", "degraded"})
_LOSSES = frozenset({"removed", "expired", "left"})


class State(IntEnum):
    """How a service is, worst first.

    DOWN has instances and none that answers name; GONE has had some until a moment ago; DEGRADED
    has some that are not well; DRAINING and MAINTENANCE are somebody's wish.
    """

    DOWN = 0
    GONE = 1
    DEGRADED = 2
    DRAINING = 3
    MAINTENANCE = 4
    HEALTHY = 5

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an instance, and when. `left` is one that went while nobody was told."""

    kind: str
    instance_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Row:
    """A service as of a moment; `states` are its instances by their one word."""

    name: str
    state: State
    states: Mapping[str, int]
    change: Change | None

    @property
    def instances(self) -> int:
        """How many there are."""
        return sum(self.states.values())

    @property
    def serving(self) -> int:
        """How many of them answers name."""
        return sum(count for state, count in self.states.items() if state in SERVING)


@dataclass(slots=True)
class _Standing:
    states: Counter[str] = field(default_factory=Counter)
    change: Change | None = None


class Services:
    """All services. A change costs the same however many there are."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}
        self._standings: dict[str, _Standing] = {}

    def take(self, event: "Event", now: float) -> None:
        """Note an event of a watch that began at `reset`."""
        if event.instance is None:
            self._reset(event.instances, now)
        elif event.kind in _LOSSES:
            self._drop(event.instance.id)
            self._note(event.instance.service, Change(event.kind, event.instance.id, now))
        else:
            self._put(event.instance)
            self._note(event.instance.service, Change(event.kind, event.instance.id, now))

    def totals(self) -> tuple[int, int, int]:
        """How many services with instances there are, how many instances, and how many serve."""
        inhabited = [row.states for row in self._standings.values() if row.states]
        serving = sum(states[word] for states in inhabited for word in SERVING)
        return len(inhabited), len(self._known), serving

    def worst(self, now: float, most: int | None = None) -> tuple[list[Row], int]:
        """The services, worst first, `most` of them; and how many more there are."""
        self._forget(now)
        rows = [
            Row(name, _judge(standing.states), standing.states, standing.change)
            for name, standing in self._standings.items()
        ]

        def badness(row: Row) -> tuple[int, bool, str]:
            return row.state, not _has_lost(row.change, now), row.name

        shown = sorted(rows, key=badness) if most is None else nsmallest(most, rows, key=badness)
        return shown, len(rows) - len(shown)

    def _reset(self, instances: Iterable["Instance"], now: float) -> None:
        present = {instance.id: instance for instance in instances}
        left = [(key, told[0]) for key, told in self._known.items() if key not in present]
        for instance_id, service in left:
            self._drop(instance_id)
            self._note(service, Change("left", instance_id, now))
        for instance in present.values():
            self._put(instance)

    def _put(self, instance: "Instance") -> None:
        self._drop(instance.id)
        self._known[instance.id] = instance.service, instance.state
        standing = self._standings.setdefault(instance.service, _Standing())
        standing.states[instance.state] += 1

    def _drop(self, instance_id: str) -> None:
        known = self._known.pop(instance_id, None)
        if known is not None:
            service, state = known
            states = self._standings[service].states
            states[state] -= 1
            if not states[state]:
                del states[state]

    def _note(self, service: str, change: Change) -> None:
        self._standings.setdefault(service, _Standing()).change = change

    def _forget(self, now: float) -> None:
        empty = [name for name, standing in self._standings.items() if not standing.states]
        for name in empty:
            # An instance that was registered anew under another service leaves no change behind.
            if not _has_lost(self._standings[name].change, now):
                del self._standings[name]


def _judge(states: Mapping[str, int]) -> State:
    words = set(states)
    if not words:
        return State.GONE
    if not words & SERVING:
        wished = {"draining", "maintenance"}
        if not words <= wished:
            return State.DOWN
        return State.DRAINING if "draining" in words else State.MAINTENANCE
    if words & {"degraded", "unhealthy"}:
        return State.DEGRADED
    return State.DRAINING if "draining" in words else State.HEALTHY


def _has_lost(change: Change | None, now: float) -> bool:
    return change is not None and change.kind in _LOSSES and now - change.at < REMEMBERED_SECONDS
