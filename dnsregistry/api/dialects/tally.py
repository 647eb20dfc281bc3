"""What came in through one dialect: plain numbers, counted where it happens and read elsewhere."""

from bisect import bisect_left
from dataclasses import dataclass, field

BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Seconds: upper bounds of the classes that times of answering are counted in."""


@dataclass(slots=True)
class DialectTally:
    """Since the start.

    `times` counts the requests by the class of BOUNDS that they took, one more for what took longer
    than all of them; `seconds` is the sum.
    """

    registrations: int = 0
    heartbeats: int = 0
    removals: int = 0
    queries: int = 0
    refused: int = 0
    internal_errors: int = 0
    seconds: float = 0.0
    times: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    @property
    def requests(self) -> int:
        """How many were answered, whatever the answer."""
        return sum(self.times)

    def note_time(self, seconds: float) -> None:
        """Count one request that took so long."""
        self.times[bisect_left(BOUNDS, seconds)] += 1
        self.seconds += seconds
