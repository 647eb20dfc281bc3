"""Garbage collection in small steps, for a process that answers while it holds millions of objects.

Rules:
- All is looked through seldom: the catalogue is millions of objects without a cycle among them, and
  every answer waits for that. What does come in cycles is young: errors and requests.
- What is young is looked through soon after each change. Python alone does so once some thousands
  more have come than gone; where each that comes takes the place of another, as when instances
  change, the young ones are hundreds of thousands by then, and everything waits for 50 ms.
"""

import asyncio
import gc

PAUSE = 0.005
"""Seconds from a change to the look: what comes in that time is looked through in a part of a
millisecond."""
ROUNDS = 4
"""Looks through what has just come, until one goes through what outlived those before as well."""


def calm_collector() -> None:
    """Have all that there is now, and later all that has grown old, looked through seldom."""
    gc.freeze()
    gc.set_threshold(5_000, 4, 10_000)


class Sweeper:
    """Looks through young objects; belongs to the running event loop."""

    def __init__(self, pause: float = PAUSE, rounds: int = ROUNDS) -> None:
        """`pause` and `rounds` are as PAUSE and ROUNDS."""
        self._pause = pause
        self._rounds = rounds
        self._loop = asyncio.get_running_loop()
        self._is_planned = False
        self._looks = 0

    def note(self, *_: object) -> None:
        """Something changed, so that objects came and went."""
        if not self._is_planned:
            self._is_planned = True
            self._loop.call_later(self._pause, self._look)

    def _look(self) -> None:
        self._is_planned = False
        self._looks += 1
        gc.collect(1 if self._looks % self._rounds == 0 else 0)
