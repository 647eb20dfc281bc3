"""When the next address is asked, and when the next sweep begins."""

from collections.abc import Callable

JITTER = 0.1
"""Part of an interval by which it is longer or shorter at random: several registries that were
started together do not go on asking the same machines at the same moments."""
BACKLOG = 0.05
"""Seconds of a pace that are made up for after a delay: what a busy loop loses, not a burst."""


class Pace:
    """Moments that are a rate apart, each moved at random."""

    def __init__(self, rate: float, draw: Callable[[], float]) -> None:
        self._gap = 1 / rate
        self._draw = draw
        self._next = 0.0

    def wait(self, now: float) -> float:
        """Seconds from now until the next moment, which is taken by asking; 0 where it has come."""
        moment = max(self._next, now - BACKLOG)
        # Half to one and a half gaps: one on average.
        self._next = moment + self._gap * (0.5 + self._draw())
        return max(0.0, moment - now)


def vary(seconds: float, draw: Callable[[], float]) -> float:
    """An interval, made up to `JITTER` of itself longer or shorter."""
    return seconds * (1 + JITTER * (2 * draw() - 1))
