"""Values counted by classes: cheap to note, read by whoever wants them."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Bounds of what waits for a network or a disk."""


class Histogram:
    """Counts by upper bound; one class more is for all above. `total` is the sum of the values."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float, times: int = 1) -> None:
        """Count a value, or so many that were the same."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    @property
    def number(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def buckets(self) -> Iterator[tuple[str, int]]:
        """Each bound as text with how many values were up to it; `+Inf` comes last."""
        return zip((*map(str, self.bounds), "+Inf"), accumulate(self.counts), strict=True)

    def drain(self) -> dict[str, Any]:
        """What was noted since this was last called, as JSON can have it; empty for nothing."""
        if not any(self.counts):
            return {}
        drained = {"counts": self.counts, "total": self.total}
        self.counts, self.total = [0] * len(self.counts), 0.0
        return drained

    def add(self, drained: Mapping[str, Any]) -> None:
        """Note what another one of the same bounds has drained."""
        if drained:
            self.counts = [*map(int.__add__, self.counts, drained["counts"])]
            self.total += drained["total"]

    def tell(self) -> dict[str, float]:
        """How many values there were, and their mean, for people."""
        number = self.number
        return {"count": number, "mean": round(self.total / number, 6) if number else 0.0}
