"""Connections that are open, in all and of each client; one too many is closed at once."""

from asyncio import BaseTransport
from collections import Counter


class Crowd:
    """Counts who is in; those that are shaking hands over TLS are."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self.refused = 0
        self.connections = 0
        self._most = most
        self._most_of_one = most_of_one
        self._of: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one in; False where its client, or all, have as many as they may."""
        if self.connections >= self._most or self._of[address] >= self._most_of_one:
            self.refused += 1
            return False
        self.connections += 1
        self._of[address] += 1
        return True

    def leave(self, address: str) -> None:
        """Count out one that was in."""
        self.connections -= 1
        self._of[address] -= 1
        if not self._of[address]:
            del self._of[address]


def address_of(transport: BaseTransport) -> str:
    """The peer's address in text; empty for one that is gone already."""
    peer = transport.get_extra_info("peername")
    return peer[0] if peer else ""
