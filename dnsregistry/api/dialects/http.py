"""A dialect that is spoken over HTTP: its routes on a port of its own, and its own form of error.

Whatever goes wrong, before a handler is reached too, is told in the document's form.
"""

import logging
import socket
from collections.abc import Callable, Sequence
from time import perf_counter

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dnsregistry.api.body import read_body
from dnsregistry.api.connection import Runner
from dnsregistry.api.context import Api
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.tally import DialectTally
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    Problem,
    problem_of_fact,
    problem_of_http,
)
from dnsregistry.api.replies import SERVER
from dnsregistry.log.request import HEADER, choose_id, current
from dnsregistry.registry.errors import RegistryError

SHUTDOWN_SECONDS = 5.0
"""What requests on their way get to end in: more than any of ours takes."""

Route = tuple[str, str, Handler]
"""Method, path and handler."""
Tell = Callable[[Problem], web.Response]
"""Writes a problem in the document's form."""

_log = logging.getLogger(__name__)
_debug = structlog.get_logger("dnsregistry.dialects")


class HttpListener:
    """Serves an application on a socket, and tells what is no HTTP in the dialect's form."""

    def __init__(self, application: web.Application, sock: socket.socket, tell: Tell) -> None:
        self._runner = Runner(application, tell=tell, shutdown_timeout=SHUTDOWN_SECONDS)
        self._socket = sock

    async def start(self) -> None:
        """Accept from now on."""
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Take no more, end what is on its way, close."""
        await self._runner.cleanup()


def build_application(
    routes: Sequence[Route],
    tell: Tell,
    cors: Cors,
    tally: DialectTally,
    *,
    log_requests: bool = False,
) -> web.Application:
    """The routes, ready to be served. HEAD goes where GET does, and a final slash is no matter."""
    application = web.Application(middlewares=[_answer(tell, cors, tally)])
    if log_requests:
        application.middlewares.insert(0, _log_request)
    for method, path, handler in routes:
        for verb in (method, "HEAD") if method == "GET" else (method,):
            application.router.add_route(verb, path, handler)
            application.router.add_route(verb, f"{path}/", handler)

    async def finish(request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Server"] = SERVER
        response.headers[HEADER] = current.get()
        response.headers.update(cors.mark(request, response.headers))

    application.on_response_prepare.append(finish)
    return application


async def read_object(api: Api, request: web.Request) -> dict[str, object]:
    """The JSON object that the body is. Raises Problem."""
    body = await read_body(request, limit=api.body_limit, patience=api.body_patience)
    return parse_object(body)


def _answer(tell: Tell, cors: Cors, tally: DialectTally) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = perf_counter()
        current.set(choose_id(request.headers.get(HEADER)))
        try:
            if cors.is_preflight(request):
                return cors.answer_preflight(request)
            cors.check(request)
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - one request must not hurt the next
            return _tell(request, error, tell, tally)
        finally:
            tally.note_time(perf_counter() - began)

    return answer


@web.middleware
async def _log_request(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await handler(request)
    client, path = request.remote, request.raw_path
    _debug.info("request", client=client, method=request.method, path=path, status=response.status)
    return response


def _tell(
    request: web.Request, error: Exception, tell: Tell, tally: DialectTally
) -> web.StreamResponse:
    if isinstance(error, web.HTTPException) and error.status < 400:
        raise error
    problem = problem_of(error)
    if problem.kind is INTERNAL_ERROR:
        tally.internal_errors += 1
        _log.error("%s %s failed", request.method, request.path, exc_info=error)
    else:
        tally.refused += 1
    return tell(problem)


def problem_of(error: Exception) -> Problem:
    """What an exception means to a client; one that nobody foresaw is an internal error."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RegistryError):
        return problem_of_fact(error)
    if isinstance(error, web.HTTPException):
        return problem_of_http(error)
    return Problem(INTERNAL_ERROR, "the cause is in the server's log")
