"""Reads that wait until their service changes."""

import asyncio
from collections.abc import Iterable


class Waits:
    """Waits by service; those under None wait for any change."""

    def __init__(self) -> None:
        self._waiting: dict[str | None, set[asyncio.Future[None]]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def enter(self, service: str | None) -> asyncio.Future[None]:
        """A future that is done with the next change; to be left in any case."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(service, set()).add(future)
        return future

    def leave(self, service: str | None, future: asyncio.Future[None]) -> None:
        """Wait no more."""
        waiting = self._waiting.get(service)
        if waiting is not None:
            waiting.discard(future)
            if not waiting:
                del self._waiting[service]

    def wake(self, services: Iterable[str | None]) -> None:
        """Something of these has changed."""
        for service in services:
            for future in self._waiting.pop(service, ()):
                if not future.done():
                    future.set_result(None)

    def wake_all(self) -> None:
        """Anything may have changed."""
        self.wake(tuple(self._waiting))
