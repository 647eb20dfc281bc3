"""Heartbeats gathered: those of some milliseconds go to the store together."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence

from dnsregistry.storage.errors import StoreAway

GATHER_SECONDS = 0.01
"""How long the first one waits for others: at most 100 scripts a second, nothing to a client."""
MOST_IN_SCRIPT = 200
"""Ids of one script, which holds up the store for some milliseconds."""

Send = Callable[[Sequence[str]], Awaitable[frozenset[int]]]
"""Renews by key; returns the places of those without a live lease. Raises StoreAway."""


class Beats:
    """Single heartbeats, each with an answer of its own."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[tuple[str, asyncio.Future[bool]]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def renew(self, key: str) -> bool:
        """Whether the key has a live lease, which is renewed then. Raises StoreAway."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, answer))
        if len(self._waiting) == 1:
            self._spawn(self._gather())
        elif len(self._waiting) >= MOST_IN_SCRIPT:
            self._spawn(self._flush(self._take()))
        return await answer

    async def stop(self) -> None:
        """End what is on its way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _take(self) -> list[tuple[str, asyncio.Future[bool]]]:
        batch, self._waiting = self._waiting, []
        return batch

    async def _gather(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        if batch := self._take():
            await self._flush(batch)

    async def _flush(self, batch: Sequence[tuple[str, asyncio.Future[bool]]]) -> None:
        try:
            unknown = await self._send([key for key, _ in batch])
        except (StoreAway, asyncio.CancelledError) as error:
            for _, answer in batch:
                if not answer.done():
                    answer.set_exception(
                        StoreAway("it is being closed") if _is_end(error) else error
                    )
            return
        for place, (_, answer) in enumerate(batch):
            if not answer.done():
                answer.set_result(place not in unknown)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_end(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)
