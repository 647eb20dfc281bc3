"""The nodes of the cluster that live, as the store tells them; one who asks follows them.

Rules:
- A node lives while its word to the store is no older than LIVING_SECONDS, by the store's clock.
- One that comes counts at once. After the store was found, one that is not there may be on its way
  still, and counts for a while: an outage of the store moves nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import structlog

LIVING_SECONDS = 2.0
"""Five of a node's words to the store: a slow one is not taken for dead, a dead one soon is."""
GRACE_SECONDS = 5.0
"""What nodes get to find the store again in: twice what two failures of a link may take."""

Tell = Callable[[Iterable[str], str], Awaitable[None]]
"""Takes the names of all nodes that live, and this one's among them."""

log = structlog.get_logger("dnsregistry.storage")


class Nodes:
    """`name` is this one's, which lives whatever is told; `now` is the registry's clock."""

    def __init__(self, name: str, now: Callable[[], float]) -> None:
        self.name = name
        self.living = frozenset({name})
        self._now = now
        self._found_at = now()
        self._changed = asyncio.Event()

    def find(self, names: Iterable[str]) -> None:
        """The store was found, or found again, and tells these."""
        self._found_at = self._now()
        self.hear(names)

    def hear(self, names: Iterable[str]) -> None:
        """The store tells these."""
        living = frozenset({self.name, *names})
        if self._now() - self._found_at < GRACE_SECONDS:
            living |= self.living
        if living != self.living:
            self.living = living
            self._changed.set()

    async def follow(self, tell: Tell) -> None:
        """Tell who lives, at once and with each change, one after the other, until cancelled."""
        while True:
            self._changed.clear()
            try:
                await tell(self.living, self.name)
            except Exception:
                log.exception("what follows from the nodes that live has failed")
            await self._changed.wait()
