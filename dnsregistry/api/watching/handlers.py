"""Watching over HTTP: `/v1/watch`, and what the other routes take of it."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import web

from dnsregistry.api.connection import Connection
from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem
from dnsregistry.api.query import read_query
from dnsregistry.api.replies import REVISION
from dnsregistry.api.watching.durations import read_duration, read_revision
from dnsregistry.api.watching.frames import write_opening
from dnsregistry.api.watching.stream import Stream
from dnsregistry.api.watching.watching import Watching

WAITING = ("wait", "since")
"""The parameters of a read that can wait."""

_HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # Proxies that gather an answer would hold events back.
    "X-Accel-Buffering": "no",
}
_BEFORE_ALL = -1


class Watch:
    """The handler of /v1/watch."""

    def __init__(self, watching: Watching) -> None:
        self._watching = watching

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Changes as they come, after a revision where one is given."""
        query = read_query(request, "service", "since")
        service = query.get("service")
        since = _read_place(request, query)
        if request.method == "HEAD":
            return web.Response(headers=_HEADERS)
        watching = self._watching
        with watching.seats.take(request.remote or ""):
            key = None if service is None else service.lower()
            start, revision = await watching.begin(key, since)
            response = web.StreamResponse(headers={**_HEADERS, REVISION: str(revision)})
            try:
                # Whoever asked may be gone before there is anything to follow.
                with suppress(ConnectionResetError):
                    await response.prepare(request)
                    await response.write(write_opening(revision, is_gap=start.is_gap))
                    if start.is_gap:
                        watching.count_reset()
                    if request.transport is not None:
                        stream = Stream(key, start.run, start.position, request.transport)
                        await self._follow(request, stream)
            finally:
                watching.close(key)
        return response

    async def _follow(self, request: web.Request, stream: Stream) -> None:
        stream.is_chunked = request.version >= (1, 1)
        stream.bound(self._watching.options.patience)
        connection = _connection(request)
        connection.is_stream = True
        self._watching.enter(stream)
        lost = connection.lost
        try:
            await asyncio.wait((stream.ended, lost), return_when=asyncio.FIRST_COMPLETED)
            if lost.done() and isinstance(lost.result(), TimeoutError):
                # The kernel was the first to see that nobody reads.
                self._watching.count_cut()
        finally:
            connection.is_stream = False
            stream.end()
            self._watching.leave(stream)


async def wait_for_change(
    watching: Watching, request: web.Request, query: Mapping[str, str], service: str | None
) -> None:
    """Wait as the parameters say, if they do; `service` in lower case, None for any change."""
    if "wait" not in query:
        if "since" in query:
            raise Problem(INVALID_QUERY, faults=[Fault("since", "means nothing without wait")])
        return
    seconds = read_duration("wait", query["wait"])
    since = query.get("since")
    revision = watching.now if since is None else read_revision("since", since)
    with watching.seats.take(request.remote or ""):
        await watching.wait(service, revision, seconds, _connection(request).lost)


def _read_place(request: web.Request, query: Mapping[str, str]) -> int | None:
    """Where to begin: what a client that comes back has seen counts before what it asked first."""
    last = request.headers.get("Last-Event-ID", "").strip()
    if last:
        try:
            return read_revision("Last-Event-ID", last)
        except Problem:
            # Not one of ours: what came after it nobody knows.
            return _BEFORE_ALL
    since = query.get("since")
    return None if since is None else read_revision("since", since)


def _connection(request: web.Request) -> Connection:
    protocol = request.protocol
    if not isinstance(protocol, Connection):
        raise TypeError(f"{type(protocol).__name__} does not tell when it is lost")
    return protocol
