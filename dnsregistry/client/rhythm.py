"""When the next heartbeat or attempt is due. Pure: chance comes in as an argument.

Rules:
- The first heartbeat comes at any moment of the interval: clients that were started together,
  or that registered again together, do not stay together.
- After a failure the wait is drawn from nought to a window that doubles with each further one
  (full jitter), up to the interval. Clients that all found the registry away come back spread
  over their interval.
- What a registry asks for (Retry-After) is waited, and the jitter comes after it.
"""

from collections.abc import Callable

BEATS_PER_LEASE = 3
"""Two heartbeats may be lost."""
MOST_INTERVAL = 30.0
"""Seconds. A registry that has lost its data has every client back after that."""
LEAST_INTERVAL = 0.2
JITTER = 0.1
"""The part of an interval by which a heartbeat may come earlier."""
FIRST_WINDOW = 1 / 8
"""Of the interval: the window of the first wait after a failure."""
MOST_RETRY_AFTER = 60.0
"""Seconds that a registry, or a proxy before it, can make a client wait."""


class Rhythm:
    """The waits of one client; `draw` gives numbers from 0 up to 1.

    `failures` are those in a row, `interval` the seconds between heartbeats.
    """

    def __init__(self, draw: Callable[[], float]) -> None:
        self._draw = draw
        self.interval = MOST_INTERVAL / BEATS_PER_LEASE
        self.failures = 0

    def take_lease(self, ttl: float | None) -> None:
        """Note for how many seconds a lease was granted; None for no end."""
        if ttl is None:
            self.interval = MOST_INTERVAL
        else:
            self.interval = min(max(ttl / BEATS_PER_LEASE, LEAST_INTERVAL), MOST_INTERVAL)

    def after_registration(self) -> float:
        """Seconds until the first heartbeat."""
        self.failures = 0
        return self.interval * self._draw()

    def after_heartbeat(self) -> float:
        """Seconds until the next one."""
        self.failures = 0
        return self.interval * (1 - JITTER * self._draw())

    def after_failure(self, retry_after: float | None) -> float:
        """Seconds until the next attempt."""
        window = min(self.interval, self.interval * FIRST_WINDOW * 2.0 ** min(self.failures, 16))
        self.failures += 1
        return min(retry_after or 0.0, MOST_RETRY_AFTER) + window * self._draw()
