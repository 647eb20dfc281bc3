"""The routes, and what stands around every one of them."""

import logging
import re
from collections.abc import Callable, Coroutine, Sequence
from time import perf_counter
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware
from multidict import istr

from dnsregistry.api.access_log import AccessLog
from dnsregistry.api.context import Api
from dnsregistry.api.cors import NO_PAGES, Cors
from dnsregistry.api.openapi.description import Description
from dnsregistry.api.openapi.document import build_document
from dnsregistry.api.openapi.operation import Route
from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    Problem,
    problem_of_fact,
    problem_of_http,
    problem_reply,
)
from dnsregistry.api.quota import Quota
from dnsregistry.api.replies import REVISION, SERVER
from dnsregistry.api.routes.description import list_routes as list_descriptions
from dnsregistry.api.routes.table import list_routes
from dnsregistry.api.traffic import Traffic
from dnsregistry.log.request import HEADER, choose_id, current
from dnsregistry.registry.errors import RegistryError

# What is looked up with every request is folded once.
_ID = istr(HEADER)

_log = logging.getLogger(__name__)
_PART = re.compile(r"\{([a-z]+)\}")


def build_application(
    api: Api,
    others: Sequence[Route] = (),
    traffic: Traffic | None = None,
    log: AccessLog | None = None,
    around: Sequence[Middleware] = (),
    *,
    cors: Cors = NO_PAGES,
    quota: Quota | None = None,
) -> web.Application:
    """The API, ready to be served, and other routes beside it.

    Requests are counted in `traffic` and told to `log`; `around` stands around all of it. Whatever
    goes wrong in any of them is answered as a problem. What may change something is closed to the
    web pages of others, but for those that `cors` lets in. Who may call which route is the door's.
    """
    traffic = Traffic() if traffic is None else traffic
    application = web.Application(middlewares=[*around, _answer(traffic, log, cors, quota)])
    described = Description(lambda: build_document(routes, api.version))
    routes = (*list_routes(api, traffic), *others, *list_descriptions(described))
    for route in routes:
        pages = None if route.open_to_pages else cors.allows
        handler = api.door.protect(route.method, route.path, route.handler, pages)
        # An id may hold braces, which the router's own pattern leaves out.
        path = _PART.sub(r"{\1:[^/]+}", route.path)
        for verb in (route.method, "HEAD") if route.method == "GET" else (route.method,):
            traffic.add(application.router.add_route(verb, path, handler), verb, route.path)
    application.on_response_prepare.append(_add_headers(api))
    _run_watching(application, api)
    if cors.is_open:
        application.on_response_prepare.append(cors.add_marks)
    return application


def _answer(traffic: Traffic, log: AccessLog | None, cors: Cors, quota: Quota | None) -> Middleware:
    is_bounded = quota is not None or cors.is_open

    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        began = perf_counter()
        current.set(choose_id(request.headers.get(_ID)))
        response: web.StreamResponse
        try:
            if is_bounded:
                _check_bounds(request, quota)
            if is_bounded and cors.is_open and cors.is_preflight(request):
                response = cors.answer_preflight(request)
            else:
                response = await handler(request)
        except RegistryError as fact:
            response = problem_reply(problem_of_fact(fact))
        except Problem as problem:
            response = problem_reply(problem)
        except web.HTTPException as error:
            if error.status < 400:
                traffic.find(request.match_info.route).note(error.status, perf_counter() - began)
                raise
            response = problem_reply(problem_of_http(error))
        except Exception:  # noqa: BLE001 - one request must not hurt the next
            traffic.internal_errors += 1
            _log.exception("%s %s failed", request.method, request.path)
            response = problem_reply(Problem(INTERNAL_ERROR, "the cause is in the server's log"))
        took = perf_counter() - began
        tally = traffic.find(request.match_info.route)
        tally.note(response.status, took)
        if log is not None:
            log.note(request, response, tally.route, took)
        return response

    return answer


def build_tell(api: Api) -> Callable[[Problem], web.Response]:
    """What writes a problem that no handler has met, with the revision that every answer tells."""

    def tell(problem: Problem) -> web.Response:
        response = problem_reply(problem)
        response.headers[REVISION] = str(api.registry.feed.revision)
        return response

    return tell


def _check_bounds(request: web.Request, quota: Quota | None) -> None:
    if quota is not None:
        quota.check(request)


def _run_watching(application: web.Application, api: Api) -> None:
    async def start(_: web.Application) -> None:
        api.watching.start()

    async def stop(_: web.Application) -> None:
        await api.watching.stop()

    application.on_startup.append(start)
    # Before connections get their time to end in: a stream has none of its own.
    application.on_shutdown.append(stop)


def _add_headers(
    api: Api,
) -> Callable[[web.Request, web.StreamResponse], Coroutine[Any, Any, None]]:
    feed = api.registry.feed
    revision, text = -1, ""

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        nonlocal revision, text
        headers = response.headers
        headers[hdrs.SERVER] = SERVER
        headers[_ID] = current.get()
        if revision != feed.revision:
            revision = feed.revision
            text = str(revision)
        # Where an answer was begun earlier, it says itself which revision it is of.
        headers.setdefault(REVISION, text)

    return add
