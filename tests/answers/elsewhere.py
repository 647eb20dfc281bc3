"""Whoever answers for names that are not ours: here, what the test has written down."""

import asyncio
from ipaddress import ip_network

from dnsregistry.answers.access import EVERYONE, Access
from dnsregistry.answers.query import Query
from dnsregistry.answers.responder import Recursion


class Elsewhere:
    """Gives the same reply to all, at once or as a future, and remembers what it was asked."""

    def __init__(self, reply: bytes | asyncio.Future[bytes] = b"theirs") -> None:
        self.reply = reply
        self.asked: list[tuple[Query, bytes, int, bytes]] = []

    def answer(
        self, query: Query, message: bytes, limit: int, options: bytes
    ) -> bytes | asyncio.Future[bytes]:
        """Return what was written down."""
        self.asked.append((query, message, limit, options))
        return self.reply

    def open_to(self, *networks: str) -> Recursion:
        """For clients in these networks; all where there are none."""
        return Recursion(self, Access([ip_network(text) for text in networks] or EVERYONE))
