"""The store's clock seen from a node: nodes need not agree on the time."""

from collections.abc import Callable

STALE = 10.0
"""Seconds after which a measurement gives way to any newer one: clocks drift by ms a minute."""


class StoreClock:
    """Turns times of the store, in ms, into those of the registry's clock, in seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._here = 0.0
        self._there = 0
        self._spread = float("inf")

    def measure(self, asked: float, there: int) -> None:
        """Take in that the store told `there` between the local time `asked` and now.

        The shorter the way, the nearer the middle is to the truth: a longer one is left aside
        unless the last is stale, or contradicts it.
        """
        answered = self.now()
        middle, spread = (asked + answered) / 2, (answered - asked) / 2
        strays = abs(self.to_local(there) - middle) > spread + self._spread + 0.001
        if spread <= self._spread or strays or answered - self._here > STALE:
            self._here, self._there, self._spread = middle, there, spread

    def to_local(self, there: int) -> float:
        """A time of the store on the registry's clock."""
        return self._here + (there - self._there) / 1000

    def to_store(self, here: float) -> int:
        """A time of the registry's clock on the store's, not before its beginning."""
        return max(0, self._there + round((here - self._here) * 1000))
