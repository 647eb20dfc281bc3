"""How well an upstream answers: what is remembered of it, and whom that puts first. Pure.

Rules:
- An upstream that twice in a row left a question to others is down: it is asked after those
  that are not, until an answer comes from it.
- Among the others the faster one comes first, but only where it is faster by far: those under
  `NEAR_SECONDS` count as equal and stay in the order in which they were named.
- Patience is how long the first upstream has before the next one is asked too: what its
  answers took so far and four times their deviation, as TCP does (RFC 6298), within bounds.
"""

import math
from collections.abc import Sequence
from typing import Protocol, TypeVar

MISSES_UNTIL_DOWN = 2
"""One lost datagram is no verdict; a third wait would be felt."""
NEAR_SECONDS = 0.1
"""Under it no person notices which of two was asked."""
FIRST_PATIENCE = 0.3
"""For an upstream never measured: a resolver far away with the name at hand takes less."""
SHORTEST_PATIENCE, LONGEST_PATIENCE = 0.1, 0.5
"""Less doubles the questions on every hiccup; more is felt when an upstream dies."""

_GAIN, _DEVIATION_GAIN = 1 / 8, 1 / 4


class Health:
    """What is remembered of one upstream; times in seconds."""

    def __init__(self) -> None:
        self.misses = 0
        self._mean: float | None = None
        self._deviation = 0.0

    @property
    def is_down(self) -> bool:
        """Whether it left the last questions to others."""
        return self.misses >= MISSES_UNTIL_DOWN

    @property
    def round_trip(self) -> float | None:
        """What its answers take, smoothed; None before the first one."""
        return self._mean

    @property
    def patience(self) -> float:
        """How long it may take before the next upstream is asked too."""
        if self.is_down:
            return SHORTEST_PATIENCE
        if self._mean is None:
            return FIRST_PATIENCE
        wanted = self._mean + 4 * self._deviation
        return min(max(wanted, SHORTEST_PATIENCE), LONGEST_PATIENCE)

    def hit(self, seconds: float) -> None:
        """Note an answer that took so long."""
        self.misses = 0
        if self._mean is None:
            self._mean, self._deviation = seconds, seconds / 2
            return
        self._deviation += _DEVIATION_GAIN * (abs(seconds - self._mean) - self._deviation)
        self._mean += _GAIN * (seconds - self._mean)

    def miss(self) -> None:
        """Note a question that it did not answer, or that others had to answer for it."""
        self.misses += 1

    def rank(self) -> tuple[bool, int]:
        """Sort key: the less, the better."""
        if self._mean is None or self._mean <= NEAR_SECONDS:
            return self.is_down, 0
        return self.is_down, 1 + int(math.log2(self._mean / NEAR_SECONDS))


class Ranked(Protocol):
    """Something with a health."""

    @property
    def health(self) -> Health:
        """What is remembered of it."""
        ...


_R = TypeVar("_R", bound=Ranked)


def rank(named: Sequence[_R]) -> list[_R]:
    """Return them in the order in which to ask; equals stay as they were named."""
    return sorted(named, key=lambda upstream: upstream.health.rank())


def demoted(named: Sequence[_R], ranked: Sequence[_R]) -> list[_R]:
    """Those that stand behind one that was named after them: their turn may not come again."""
    places = {id(upstream): place for place, upstream in enumerate(named)}
    furthest = -1
    behind = []
    for upstream in ranked:
        place = places[id(upstream)]
        if place < furthest:
            behind.append(upstream)
        furthest = max(furthest, place)
    return behind
