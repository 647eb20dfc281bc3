"""A question on its way, and the clients that wait for it."""

import asyncio
from collections.abc import Callable

from dnsregistry.forward.cache import Entry
from dnsregistry.forward.groups import Group
from dnsregistry.forward.question import Asked
from dnsregistry.forward.race import Race
from dnsregistry.forward.relay import Asker

TURN = 64
"""Replies written before the loop turns to others: well under a millisecond of work."""

Write = Callable[[Asker], bytes]


class Flight:
    """One race for many clients. A client that gives up takes only itself away."""

    def __init__(self, asked: Asked, group: Group, stale: Entry | None) -> None:
        self.asked = asked
        self.group = group
        self.stale = stale
        self.stale_given = False
        self.stale_timer: asyncio.TimerHandle | None = None
        self.race: Race
        self._waiters: list[tuple[Asker, asyncio.Future[bytes]]] = []

    def __len__(self) -> int:
        return len(self._waiters)

    def join(self, asker: Asker, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[bytes]":
        """Return the reply to come."""
        future: asyncio.Future[bytes] = loop.create_future()
        self._waiters.append((asker, future))
        return future

    def deliver(self, write: Write, loop: asyncio.AbstractEventLoop) -> int:
        """Give all who wait their reply, some at each turn of the loop; returns how many."""
        waiters, self._waiters = self._waiters, []
        _deliver(waiters, write, loop)
        return len(waiters)


def _deliver(
    waiters: list[tuple[Asker, "asyncio.Future[bytes]"]],
    write: Write,
    loop: asyncio.AbstractEventLoop,
) -> None:
    for asker, future in waiters[:TURN]:
        if not future.done():
            future.set_result(write(asker))
    if len(waiters) > TURN:
        loop.call_soon(_deliver, waiters[TURN:], write, loop)
