"""Connections: what a peer gets that does not speak HTTP, or stays without speaking."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import StreamReader, web

from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    INVALID_HTTP,
    Problem,
    problem_of_http,
    problem_reply,
)

IDLE = 75.0
"""Seconds that a connection may stay without a request: longer than proxies keep theirs."""

Tell = Callable[[Problem], web.Response]
"""Writes a problem as an answer."""

_log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One connection; what fails before a handler is reached is told like all else.

    `lost` is done when the connection is, for a handler that waits for something else; its result
    is the error that ended it, if one did.
    """

    __slots__ = ("_answered", "_lost", "_silence", "_tell")

    def __init__(self, *given: Any, tell: Tell, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._tell = tell
        self._silence: asyncio.TimerHandle | None = None
        self._answered: StreamReader | None = None
        self._lost: asyncio.Future[BaseException | None] | None = None

    @property
    def lost(self) -> asyncio.Future[BaseException | None]:
        """Done once the connection is lost."""
        if self._lost is None:
            self._lost = self._loop.create_future()
            if self.transport is None:
                self._lost.set_result(None)
        return self._lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Give the peer its time for a first request; after that, aiohttp sees to it."""
        super().connection_made(transport)
        self._silence = self._loop.call_later(IDLE, self._end_silence)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop waiting for the rest of a body that was answered before its end."""
        super().connection_lost(exc)
        if self._silence is not None:
            self._silence.cancel()
        if self._answered is not None and not self._answered.is_eof():
            self._answered.feed_eof()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(exc)

    def _end_silence(self) -> None:
        if self._answered is None and self._waiter is not None:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The last answer on a connection. A peer's own fault is no line in the log."""
        if status < 500:
            _log.debug("no HTTP from %s: %s", request.remote, message)
            lines = (message or "").splitlines() or [""]
            response = self._tell(Problem(INVALID_HTTP, lines[0]))
        else:
            _log.error("a request from %s failed", request.remote, exc_info=exc)
            response = self._tell(Problem(INTERNAL_ERROR, "the cause is in the server's log"))
        response.force_close()
        return response

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer, also where aiohttp refused before any handler."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = self._tell(problem_of_http(resp))
        self._answered = request.content
        if self._answered.exception() is not None:
            # A body that broke off has no rest to wait for, and no request after it.
            self._answered.feed_eof()
            resp.force_close()
        return await super().finish_response(request, resp, start_time)


class Server(web.Server):
    """Makes a Connection for each peer."""

    def __init__(self, *given: Any, tell: Tell, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._tell = tell

    def __call__(self) -> web.RequestHandler:  # noqa: D102 - asyncio's protocol factory
        return Connection(self, loop=self._loop, tell=self._tell, **self._kwargs)


class Runner(web.AppRunner):
    """Serves the application on any number of sites. No access log: a line per heartbeat.

    `tell` writes what fails before a handler is reached.
    """

    __slots__ = ("_tell",)

    def __init__(
        self, application: web.Application, tell: Tell = problem_reply, **settings: Any
    ) -> None:
        super().__init__(application, access_log=None, **{"keepalive_timeout": IDLE, **settings})
        self._tell = tell

    async def _make_server(self) -> web.Server:
        # aiohttp offers no other place to say which class a connection is of.
        made = await super()._make_server()
        return Server(
            made.request_handler,
            tell=self._tell,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,
        )
