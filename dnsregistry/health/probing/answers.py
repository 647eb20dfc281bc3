"""The answers of a target over HTTP: few of them are interim ones (RFC 9110, 15.2).

aiohttp reads those that say that there will be an answer without end, and in one go as many as
have come: a target that sends nothing else would hold up the event loop for as long as a check
may take.
"""

import asyncio
from functools import partial
from typing import Any

from aiohttp import BaseConnector, ClientError
from aiohttp.client_proto import ResponseHandler

MOST_INTERIM = 8
FIRST_FINAL = 200


class Answers(ResponseHandler):
    """The answers on a connection; too many interim ones end it."""

    _interim = 0

    def set_response_params(self, **given: Any) -> None:
        """Begin with another answer."""
        self._interim = 0
        super().set_response_params(**given)

    def feed_data(self, data: Any, size: int = 0) -> None:
        """Take in an answer's head."""
        if data[0].code < FIRST_FINAL:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                self.close()
                self.set_exception(ClientError(f"more than {MOST_INTERIM} interim answers"))
                return
        super().feed_data(data, size)


def bound_answers(connector: BaseConnector) -> None:
    """Have the connector's connections take no more than that; on the running loop."""
    # aiohttp offers no other place to say which class a connection is of.
    connector._factory = partial(_make, asyncio.get_running_loop())


def _make(loop: asyncio.AbstractEventLoop) -> ResponseHandler:
    return Answers(loop)
