"""Slow start: the weight of an instance that has just turned healthy grows in steps.

Rules:
- While one instance of an answer grows, the weights of all are told in a finer measure, so that a
  share of the usual weight of 1 can be told: SRV knows whole numbers alone (RFC 2782).
- An answer holds until the next step. The zone's serial does not count steps, as it does not count
  the order of an answer: both only say how much of the load is meant for whom.
"""

import math
from collections.abc import Mapping, Sequence

from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

STEPS = 10
"""From a tenth of its weight to the whole."""
MOST_WEIGHT = 65_535


class Ramps:
    """Instances that grow, for so many seconds each; 0: none does."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def note(self, change: Change, now: float) -> None:
        """Take a change in, at the time of it: who comes into answers begins to grow."""
        if not self._seconds:
            return
        self._forget_grown(now)
        before, after = change.before, change.after
        if after is None or not after.is_serving:
            gone = after or before
            if gone is not None:
                self._since.pop(gone.id.lower(), None)
        elif before is None or not before.is_serving:
            self._since[after.id.lower()] = now

    def step_of(self, instance: Instance, now: float) -> int | None:
        """How many of `STEPS` parts of its weight an instance has; None for all of it."""
        since = self._since.get(instance.id.lower())
        if since is None or now >= since + self._seconds:
            return None
        return min(STEPS - 1, int((now - since) / self._seconds * STEPS)) + 1

    def weigh(self, leases: Sequence[Lease], now: float) -> "Weights":
        """The weights of these leases' instances beside each other, and until when."""
        if not self._since:
            return OWN
        steps: dict[str, int] = {}
        until = math.inf
        for lease in leases:
            step = self.step_of(lease.instance, now)
            if step is not None:
                since = self._since[lease.instance.id.lower()]
                steps[lease.instance.id] = step
                until = min(until, since + step * self._seconds / STEPS)
        if not steps:
            return OWN
        heaviest = max(lease.instance.weight for lease in leases)
        return Weights(STEPS if heaviest * STEPS <= MOST_WEIGHT else 1, steps, until)

    def _forget_grown(self, now: float) -> None:
        while self._since:
            oldest = next(iter(self._since))
            if now < self._since[oldest] + self._seconds:
                return
            del self._since[oldest]


class Weights:
    """Weights as an answer tells them; `until` is when they change by themselves."""

    __slots__ = ("_measure", "_steps", "until")

    def __init__(self, measure: int, steps: Mapping[str, int], until: float) -> None:
        self._measure = measure
        self._steps = steps
        self.until = until

    def of(self, instance: Instance) -> int:
        """The weight of one of the instances. None that has some has none of it told."""
        weight = instance.weight * self._measure
        step = self._steps.get(instance.id)
        return weight if step is None or not weight else max(1, weight * step // STEPS)


OWN = Weights(1, {}, math.inf)
"""Each as its owner said."""
