"""When which check is due. Pure: time and chance are arguments.

Rules:
- The checks that are there at the start spread evenly over their intervals, however many they
  are: each begins a golden section further than the one before.
- The next time counts from the last due time, not from when it was met, so that nothing drifts;
  intervals that have passed meanwhile are left out and never caught up with.
- A check is out of the schedule from when it is taken until it is put back: never two at a time.
"""

import heapq
from collections.abc import Hashable
from typing import Generic, TypeVar

GOLDEN = 0.6180339887498949
SPARE_ENTRIES = 64
"""Entries of checks that are gone, which the heap may hold beside as many as are in use."""

K = TypeVar("K", bound=Hashable)


class Schedule(Generic[K]):
    """Keys by the time at which they are due, in seconds on any clock."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._phase = 0.0
        self._number = 0

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def spread(self, key: K, interval: float, now: float) -> float:
        """Put a key in somewhere in its first interval, far from those put in just before.

        Returns when it is due.
        """
        self._phase = (self._phase + GOLDEN) % 1.0
        due = now + self._phase * interval
        self.put(key, due)
        return due

    def put(self, key: K, due: float) -> None:
        """Put a key in, or move it."""
        self._due[key] = due
        self._number += 1
        heapq.heappush(self._heap, (due, self._number, key))
        if len(self._heap) > 2 * len(self._due) + SPARE_ENTRIES:
            self._trim()

    def remove(self, key: K) -> None:
        """Take a key out, if it is in."""
        self._due.pop(key, None)

    def earliest(self) -> float | None:
        """When the next key is due; None without any."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def take(self, now: float) -> tuple[K, float] | None:
        """Take out the key that has been due longest, with that time; None where none is."""
        due = self.earliest()
        if due is None or due > now:
            return None
        _, _, key = heapq.heappop(self._heap)
        del self._due[key]
        return key, due

    def _trim(self) -> None:
        self._heap = [(due, number, key) for number, (key, due) in enumerate(self._due.items())]
        heapq.heapify(self._heap)


def next_due(due: float, now: float, interval: float, jitter: float, draw: float) -> float:
    """When a check that was due comes again; `draw` from [0, 1) is how much of the jitter is used.

    Jitter goes as far to both sides, so that a check of 10 s comes 8,640 times a day.
    """
    passed = max(1, int((now - due) / interval) + 1)
    return due + passed * interval * (1 + jitter * (draw - 0.5))
