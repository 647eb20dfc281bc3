"""Carries the octets of a connection to a socket file and back.

Rules:
- Neither side is read from while the other takes nothing, so a splice holds a bounded amount.
- When one side ends, so does the other.
- Of all octets that came in and were not yet answered `Budget` allows so many together; beyond
  that the connection with most of them is cut.
"""

import asyncio
from typing import cast

from dnsregistry.api.dialects.room import Room

MOST_UNANSWERED = 64 * 1024 * 1024
"""Octets, of all connections: a few of the largest messages that are taken."""


class Budget:
    """Octets that came in since the last answer, by connection."""

    def __init__(self, most: int = MOST_UNANSWERED) -> None:
        self._most = most
        self._total = 0
        self._taken: dict[Splice, int] = {}

    def take(self, splice: "Splice", octets: int) -> None:
        """Note octets that came in; cuts the connection with most of them where it is too much."""
        self._total += octets
        self._taken[splice] = self._taken.get(splice, 0) + octets
        if self._total > self._most:
            largest = max(self._taken, key=self._taken.__getitem__)
            self.free(largest)
            largest.abort()

    def free(self, splice: "Splice") -> None:
        """Note that a connection was answered, or is gone."""
        self._total -= self._taken.pop(splice, 0)


class Splice(asyncio.Protocol):
    """One connection from outside, and the one to the socket file."""

    def __init__(self, path: str, room: Room, budget: Budget) -> None:
        self._path = path
        self._room = room
        self._budget = budget
        self._inner = _Inner(self)
        self._early = bytearray()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connect to the other side; until then only what has come already is kept."""
        self._outer = cast("asyncio.Transport", transport)
        self._outer.pause_reading()
        self._room.enter(self)
        self._room.wait(self)
        self._connecting = asyncio.get_running_loop().create_task(self._connect())
        self._connecting.add_done_callback(lambda _: self.leave_when_gone())

    def data_received(self, data: bytes) -> None:
        """Carry octets in."""
        self._room.wait(self)
        self._budget.take(self, len(data))
        if self._inner.transport is None:
            self._early += data
        else:
            self._inner.transport.write(data)

    def pause_writing(self) -> None:
        """The client takes nothing: read no answers for it."""
        if self._inner.transport is not None:
            self._inner.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self._inner.transport is not None:
            self._inner.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other side, once it has what was sent."""
        self._lost = True
        self._budget.free(self)
        self._connecting.cancel()
        if self._inner.transport is not None:
            self._inner.transport.close()
        self.leave_when_gone()

    def abort(self) -> None:
        """Cut it."""
        self._outer.abort()

    def carry_out(self, data: bytes) -> None:
        """Carry octets to the client."""
        self._budget.free(self)
        if not self._outer.is_closing():
            self._room.wait(self)
            self._outer.write(data)

    def set_reading(self, *, on: bool) -> None:
        """Read from the client, or stop for a while."""
        if on:
            self._outer.resume_reading()
        else:
            self._outer.pause_reading()

    def leave_when_gone(self) -> None:
        """Leave the room, once nothing of either side is left."""
        if self._lost and self._connecting.done() and not self._inner.is_open:
            self._room.leave(self)

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: self._inner, self._path)
        except OSError:
            self._outer.abort()
            return
        if self._inner.transport is not None:
            self._inner.transport.write(bytes(self._early))
        self._early.clear()
        self._outer.resume_reading()


class _Inner(asyncio.Protocol):
    """The side of the socket file."""

    def __init__(self, splice: Splice) -> None:
        self._splice = splice
        self.transport: asyncio.Transport | None = None
        self.is_open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self._splice.carry_out(data)

    def pause_writing(self) -> None:
        self._splice.set_reading(on=False)

    def resume_writing(self) -> None:
        self._splice.set_reading(on=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._splice.abort()
        self._splice.leave_when_gone()
