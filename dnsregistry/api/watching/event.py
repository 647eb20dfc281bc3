"""An event: one change as a watcher is told it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

PLAIN_OCTETS = 700
"""Of an event whose instance has no metadata, tags or checks, as JSON."""
ITEM_OCTETS = 16
"""Of a member or element beside its texts: quotes, marks, or a number."""
CHECK_OCTETS = 256


@dataclass(slots=True)
class Event:
    """What is told of an instance under a revision.

    `lease` is the living record: its times are those of when the event is written. `weight` is
    about how many octets that takes; `octets` holds them from the first time on.
    """

    revision: int
    kind: ChangeKind
    instance: Instance
    lease: Lease
    weight: int
    octets: bytes | None = None


Told = tuple[str, Event]
"""A service's name, and what its watchers are told."""


def make_events(change: Change) -> tuple[Event, tuple[Told, ...]]:
    """What watchers of everything are told, and what those of each service are.

    An instance that moves to another service is removed from one and registered with the other.
    """
    before, after = change.before, change.after
    instance = after or before
    if instance is None or change.lease is None:
        raise ValueError(f"change {change.revision} is of nothing")
    event = _make(change, change.lease, change.kind, instance)
    if before is None or after is None or before.service == after.service:
        return event, ((instance.service, event),)
    left = _make(change, change.lease, ChangeKind.REMOVED, before)
    came = _make(change, change.lease, ChangeKind.REGISTERED, after)
    return event, ((before.service, left), (after.service, came))


def weigh(value: object) -> int:
    """About how many octets a value takes as JSON; never much less than it does."""
    if isinstance(value, str):
        return len(value) + ITEM_OCTETS
    if isinstance(value, Mapping):
        return sum(len(key) + weigh(item) for key, item in value.items()) + ITEM_OCTETS
    if isinstance(value, list | tuple):
        return sum(map(weigh, value)) + ITEM_OCTETS
    return ITEM_OCTETS


def _make(change: Change, lease: Lease, kind: ChangeKind, instance: Instance) -> Event:
    weight = PLAIN_OCTETS + CHECK_OCTETS * len(instance.checks)
    for part in (instance.metadata, instance.tags, instance.capabilities, instance.ports):
        if part:
            weight += weigh(part)
    return Event(change.revision, kind, instance, lease, weight)
