"""Asks many targets: so many at once, so many a second."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from dnsregistry.scan.pace import Pace
from dnsregistry.scan.peer import Answer
from dnsregistry.scan.ranges import Target

PARALLEL = 256
"""Peers that are asked at once: silent ones, which take longest, are then a few hundred a second,
at two open files each."""

Ask = Callable[[Target], Awaitable[Answer]]
Note = Callable[[Target, Answer], Awaitable[None]]


class Surveyor:
    """Asks targets; its surveys share the bound and the pace."""

    def __init__(
        self, ask: Ask, pace: Pace, now: Callable[[], float], parallel: int = PARALLEL
    ) -> None:
        """`now` is in seconds and never runs backwards."""
        self._ask = ask
        self._pace = pace
        self._now = now
        self._free = asyncio.Semaphore(parallel)

    async def survey(self, targets: Iterable[Target], note: Note) -> None:
        """Ask each target, and have `note` called with each answer. What `note` raises ends it."""
        async with asyncio.TaskGroup() as asking:
            for target in targets:
                if wait := self._pace.wait(self._now()):
                    await asyncio.sleep(wait)
                await self._free.acquire()
                asking.create_task(self._ask_one(target, note))

    async def _ask_one(self, target: Target, note: Note) -> None:
        try:
            answer = await self._ask(target)
        finally:
            self._free.release()
        await note(target, answer)
