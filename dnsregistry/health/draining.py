"""When the last answer that named an instance has aged out. Pure; fed with the changes.

A resolver that was answered just before the instance left may hold the answer for its TTL, and
hands it out until then.
"""

from collections.abc import Callable

from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance, Status


class Drains:
    """Drained instances by id. `ttl_of` is the longest TTL in seconds that names an instance."""

    def __init__(self, ttl_of: Callable[[Instance], float]) -> None:
        self._ttl_of = ttl_of
        self._ends: dict[str, float] = {}

    def note(self, change: Change, now: float) -> None:
        """Take a change in, at the time of it."""
        after = change.after
        if after is None:
            if change.before is not None:
                self._ends.pop(change.before.id.lower(), None)
            return
        key = after.id.lower()
        if after.status is not Status.DRAINING:
            self._ends.pop(key, None)
        elif key not in self._ends:
            before = change.before
            answered = before is not None and before.is_serving
            self._ends[key] = now + (self._ttl_of(before or after) if answered else 0.0)

    def begin(self, instance: Instance, now: float) -> None:
        """Take in an instance that was there before: it may just have been drained."""
        if instance.status is Status.DRAINING:
            self._ends[instance.id.lower()] = now + self._ttl_of(instance)

    def end_of(self, instance_id: str) -> float | None:
        """When nobody holds an answer with the instance any more; None where it is not draining."""
        return self._ends.get(instance_id.lower())
