"""Those who wait until the replica has a change."""

import asyncio
import heapq
from collections.abc import Callable

from dnsregistry.registry.lease import Lease

Find = Callable[[str], Lease | None]


class Waiters:
    """Woken in the order of revisions, each as its own change is applied."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._revision = 0
        self._waiting: list[tuple[int, int, str, asyncio.Future[Lease | None]]] = []
        self._count = 0

    def reach(self, revision: int) -> None:
        """The replica has come to a revision."""
        self._revision = revision
        while self._waiting and self._waiting[0][0] <= revision:
            _, _, key, future = heapq.heappop(self._waiting)
            if not future.done():
                future.set_result(self._find(key))

    async def wait(self, revision: int, key: str = "") -> Lease | None:
        """Wait for a revision; returns the key's lease as of then, None where it had none."""
        if revision <= self._revision:
            return self._find(key)
        future: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._waiting, (revision, self._count, key, future))
        return await future
