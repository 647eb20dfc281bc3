"""Connections: what a peer gets that does not speak HTTP, or stays without speaking."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from aiohttp import StreamReader, hdrs, web

from dnsregistry.accepting import end_accepting
from dnsregistry.access.crowd import Crowd, address_of
from dnsregistry.api.body import LEAST_RATE
from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    INVALID_HTTP,
    Problem,
    problem_of_http,
    problem_reply,
)
from dnsregistry.api.replies import SERVER
from dnsregistry.api.unsent import count_unsent
from dnsregistry.log.request import HEADER, choose_id, current

IDLE = 75.0
"""Seconds that a connection may stay without a request: longer than proxies keep theirs."""
HEAD_PATIENCE = 10.0
"""Seconds that the head of a request may take to come whole; octets that drip in win no time."""
TAKING_PATIENCE = 20.0
"""Seconds in which a peer must take as much of an answer as `LEAST_RATE` makes of them."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections there may be, and how long requests and answers may take."""

    crowd: Crowd | None = None
    head_patience: float = HEAD_PATIENCE
    taking_patience: float = TAKING_PATIENCE


USUAL = Bounds()
Tell = Callable[[Problem], web.Response]
"""Writes a problem as an answer."""

_log = logging.getLogger(__name__)


class Connection(web.RequestHandler):
    """One connection; what fails before a handler is reached is told like all else.

    `lost` is done when the connection is, for a handler that waits for something else; its result
    is the error that ended it, if one did. `is_stream` is set by a handler that sees by itself to
    a peer that does not take what is sent.
    """

    __slots__ = (
        *("_address", "_answered", "_bounds", "_head", "_lost", "_silence", "_taking", "_tell"),
        "is_stream",
    )

    def __init__(self, *given: Any, tell: Tell, bounds: Bounds, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._tell = tell
        self._bounds = bounds
        self._address: str | None = None
        self._head: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._answered: StreamReader | None = None
        self._taking: asyncio.TimerHandle | None = None
        self._lost: asyncio.Future[BaseException | None] | None = None
        self.is_stream = False

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
        crowd = self._bounds.crowd
        # One over TLS was counted before its handshake.
        if crowd is not None and transport.get_extra_info("ssl_object") is None:
            address = address_of(transport)
            if not crowd.enter(address):
                cast("asyncio.Transport", transport).abort()
                return
            self._address = address
        self._silence = self._loop.call_later(IDLE, self._end_silence)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop waiting for the rest of a body that was answered before its end."""
        super().connection_lost(exc)
        if self._address is not None and self._bounds.crowd is not None:
            self._bounds.crowd.leave(self._address)
            self._address = None
        for timer in (self._silence, self._head, self._taking):
            if timer is not None:
                timer.cancel()
        if self._answered is not None and not self._answered.is_eof():
            self._answered.feed_eof()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(exc)

    def data_received(self, data: bytes) -> None:
        """Take octets in; the first of a request's head start its clock, its end stops it."""
        web.RequestHandler.data_received(self, data)
        if self._messages or self._waiter is None or self._waiter.done():
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head is None:
            self._head = self._loop.call_later(self._bounds.head_patience, self._end_head)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on reading where that was stopped: aiohttp asks for it after each body."""
        if self._reading_paused:
            super().resume_reading(resume_parser)

    def pause_writing(self) -> None:
        """More waits than is kept for a peer: from now on it has to take it."""
        super().pause_writing()
        if self.transport is not None and not self.is_stream:
            self._watch_taking(self.transport)

    def resume_writing(self) -> None:
        """The peer has taken enough."""
        super().resume_writing()
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _watch_taking(self, transport: asyncio.Transport) -> None:
        patience = self._bounds.taking_patience
        goal = count_unsent(transport) - patience * LEAST_RATE
        self._taking = self._loop.call_later(patience, self._check_taking, transport, goal)

    def _check_taking(self, transport: asyncio.Transport, goal: float) -> None:
        if count_unsent(transport) > goal:
            transport.abort()
        else:
            self._watch_taking(transport)

    def _end_head(self) -> None:
        self._head = None
        if self._waiter is not None and not self._waiter.done():
            self.force_close()

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
        _name_request()
        if status < 500:
            lines = (message or "").splitlines() or [""]
            # What follows are octets of the request: a header among them may hold a token.
            told = lines[0].partition(": b")[0]
            _log.debug("no HTTP from %s: %s", request.remote, told)
            response = self._refuse(Problem(INVALID_HTTP, told))
        else:
            _log.error("a request from %s failed", request.remote, exc_info=exc)
            response = self._refuse(Problem(INTERNAL_ERROR, "the cause is in the server's log"))
        response.force_close()
        return response

    def _refuse(self, problem: Problem) -> web.Response:
        """The problem as an answer, with what else would be added on the way from a handler."""
        _name_request()
        response = self._tell(problem)
        response.headers[hdrs.SERVER] = SERVER
        response.headers[HEADER] = current.get()
        return response

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send the answer, also where aiohttp refused before any handler."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = self._refuse(problem_of_http(resp))
        self._answered = request.content
        if self._answered.exception() is not None:
            # A body that broke off has no rest to wait for, and no request after it.
            self._answered.feed_eof()
            resp.force_close()
        return super().finish_response(request, resp, start_time)


def _name_request() -> None:
    if not current.get():
        current.set(choose_id(None))


class Server(web.Server):
    """Makes a Connection for each peer."""

    def __init__(self, *given: Any, tell: Tell, bounds: Bounds, **settings: Any) -> None:
        super().__init__(*given, **settings)
        self._tell = tell
        self._bounds = bounds

    def __call__(self) -> web.RequestHandler:  # noqa: D102 - asyncio's protocol factory
        given = {"tell": self._tell, "bounds": self._bounds, **self._kwargs}
        return Connection(self, loop=self._loop, **given)


class Runner(web.AppRunner):
    """Serves the application on any number of sites. No access log: a line per heartbeat.

    `tell` writes what fails before a handler is reached.
    """

    __slots__ = ("_bounds", "_tell")

    def __init__(
        self,
        application: web.Application,
        tell: Tell = problem_reply,
        bounds: Bounds = USUAL,
        **settings: Any,
    ) -> None:
        super().__init__(application, access_log=None, **{"keepalive_timeout": IDLE, **settings})
        self._tell = tell
        self._bounds = bounds

    async def cleanup(self) -> None:
        """Accept nothing more, end what is on its way, close."""
        for site in self.sites:
            server = site._server
            if server is not None:
                await end_accepting(server)
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        # aiohttp offers no other place to say which class a connection is of.
        made = await super()._make_server()
        return Server(
            made.request_handler,
            tell=self._tell,
            bounds=self._bounds,
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
            handler_cancellation=made.handler_cancellation,
            **made._kwargs,
        )
