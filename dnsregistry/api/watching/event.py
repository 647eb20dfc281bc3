"""An event: one change as a watcher is told it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from dnsregistry.api.replies import encode
from dnsregistry.registry.check_description import describe_check
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

PLAIN_OCTETS = 700
"""Of an event whose instance has no metadata, tags or checks, as JSON."""
ITEM_OCTETS = 16
"""Of a member or element beside its texts: quotes, marks, or a number."""
CHECK_OCTETS = 256
"""Of a check's verdict, beside what the check is."""
NAME_OCTETS = 64
"""Of an owner name beside its label and service: what stands between them, and a usual origin."""


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
        # One character takes up to six octets.
        return len(encode(value)) + ITEM_OCTETS
    if isinstance(value, Mapping):
        return sum(weigh(key) + weigh(item) for key, item in value.items()) + ITEM_OCTETS
    if isinstance(value, list | tuple):
        return sum(map(weigh, value)) + ITEM_OCTETS
    return ITEM_OCTETS


def _make(change: Change, lease: Lease, kind: ChangeKind, instance: Instance) -> Event:
    weight = PLAIN_OCTETS + _weigh_names(instance)
    given = instance.metadata, instance.tags, instance.capabilities, instance.ports
    for part in (*given, instance.version):
        if part:
            weight += weigh(part)
    for check in instance.checks:
        weight += CHECK_OCTETS + weigh(describe_check(check))
    return Event(change.revision, kind, instance, lease, weight)


def _weigh_names(instance: Instance) -> int:
    """The owner names of labels and ports: two of each label, and two more of a capability."""
    if not (instance.ports or instance.tags or instance.capabilities):
        return 0
    ports = tuple([name for name, _ in instance.ports])
    labels = ports + 2 * instance.tags + 4 * instance.capabilities
    return sum(map(len, labels)) + len(labels) * (NAME_OCTETS + len(instance.service))
