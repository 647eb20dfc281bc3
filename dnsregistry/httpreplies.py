"""HTTP's replies of programs that nobody vouches for: few heads, read a piece at a time.

Few of them are interim ones (RFC 9110, 15.2), and one is the last. aiohttp reads those that say
that there will be a reply without end, and in one go as many as have come: thousands fit into
what a socket gives at once, and a program that sends nothing else would hold up the event loop.
"""

import asyncio
from functools import partial
from typing import Any

from aiohttp import BaseConnector, ClientError
from aiohttp.client_proto import ResponseHandler

MOST_INTERIM = 8
PIECE = 4096
"""Octets that are parsed before the heads in them are counted."""


class Replies(ResponseHandler):
    """The replies on a connection; too many to one request end it."""

    _heads = 0

    def set_response_params(self, **given: Any) -> None:
        """Begin with another request."""
        self._heads = 0
        super().set_response_params(**given)

    def data_received(self, data: bytes) -> None:
        """Take octets in, as long as they are wanted; none of them is to go on with what came."""
        if len(data) <= PIECE:
            super().data_received(data)
            return
        for start in range(0, len(data), PIECE):
            if self.exception() is not None:
                return
            super().data_received(data[start : start + PIECE])

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take in a reply's head."""
        self._heads += 1
        if self._heads <= MOST_INTERIM + 1:
            super().feed_data(data, size)
        elif self.exception() is None:
            self.close()
            self.set_exception(ClientError(f"more than {MOST_INTERIM} interim answers"))


def bound_replies(connector: BaseConnector) -> None:
    """Have the connector's connections take no more than that; on the running loop."""
    # aiohttp offers no other place to say which class a connection is of.
    connector._factory = partial(_make, asyncio.get_running_loop())


def _make(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return Replies(loop)
