"""The connections of a listener, and those that wait for their peer to say something.

Only so many may wait. One too many makes the one that has waited longest leave: whoever says
something at once is served, however many others sit there in silence.
"""

import asyncio
from typing import Protocol

MOST_WAITING = 1000
"""At a few KiB and an open file each."""


class Guest(Protocol):
    """A connection that can be cut; it leaves the room when it is gone."""

    def abort(self) -> None:
        """Cut it."""


class Room:
    """Who is there, and who waits, in the order in which they began to."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        """`most` is how many may wait."""
        self._most = most
        self._guests: set[Guest] = set()
        self._waiting: dict[Guest, None] = {}
        self._left = asyncio.Event()
        self._closed = False

    def enter(self, guest: Guest) -> None:
        """Take one in, or cut it where the room is cleared."""
        self._guests.add(guest)
        if self._closed:
            guest.abort()

    def wait(self, guest: Guest) -> None:
        """Let one wait from now on, also one that waits already; the longest waiting may go."""
        self._waiting.pop(guest, None)
        self._waiting[guest] = None
        if len(self._waiting) > self._most:
            eldest = next(iter(self._waiting))
            del self._waiting[eldest]
            eldest.abort()

    def serve(self, guest: Guest) -> None:
        """Note that one waits no more, if it did."""
        self._waiting.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        """Note that one is gone, with all that it had begun."""
        self._waiting.pop(guest, None)
        self._guests.discard(guest)
        self._left.set()

    async def clear(self) -> None:
        """Cut all, whoever comes later too, and wait until they are gone."""
        self._closed = True
        for guest in tuple(self._guests):
            guest.abort()
        while self._guests:
            self._left.clear()
            await self._left.wait()
