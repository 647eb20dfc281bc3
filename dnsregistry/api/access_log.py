"""HTTP requests in the log, where a setting asks for them."""

from collections.abc import Callable

from aiohttp import web

from dnsregistry.log.configure import Log
from dnsregistry.log.form import Logged
from dnsregistry.log.request import current

ERROR_STATUS = 400
MOST_PATH = 500
"""Characters of a path, with its query, that are logged."""

Emit = Callable[[dict[str, object]], None]
"""Writes what happened as a line of the log."""


class AccessLog:
    """Writes a line a request; with `only_errors`, of those that were answered with 400 or more."""

    def __init__(self, emit: Emit, *, only_errors: bool) -> None:
        self._emit = emit
        self._only_errors = only_errors

    def note(
        self, request: web.Request, response: web.StreamResponse, route: str, seconds: float
    ) -> None:
        """Log a request that was answered. Of a path's query only the names are told."""
        status = response.status
        if self._only_errors and status < ERROR_STATUS:
            return
        self._emit(
            {
                "event": "request",
                "logger": "dnsregistry.requests",
                "request_id": current.get(),
                "client": request.remote,
                "method": request.method,
                "path": _write_path(request),
                "route": route,
                "status": status,
                "octets": response.content_length,
                "seconds": round(seconds, 6),
            }
        )


def _write_path(request: web.Request) -> str:
    """The path as it came; a value behind it may be a token, and has no place here."""
    path, mark, _ = request.raw_path.partition("?")
    names = "&".join(dict.fromkeys(request.query)) if mark else ""
    return f"{path}{mark}{names}"[:MOST_PATH]


def build_access_log(wanted: Logged, log: Log | None) -> AccessLog | None:
    """The log of requests, None where none is asked for or there is no log at all."""
    if log is None or wanted is Logged.OFF:
        return None
    return AccessLog(log.emit, only_errors=wanted is Logged.ERRORS)
