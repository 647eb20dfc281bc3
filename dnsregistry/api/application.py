"""The routes, and what stands around every one of them."""

import logging
import re
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from dnsregistry.api.context import Api, Traffic
from dnsregistry.api.openapi.description import Description
from dnsregistry.api.openapi.document import build_document
from dnsregistry.api.openapi.operation import Route
from dnsregistry.api.origin import refuse_pages
from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    Problem,
    problem_of_fact,
    problem_of_http,
    problem_reply,
)
from dnsregistry.api.replies import REVISION
from dnsregistry.api.routes.description import list_routes as list_descriptions
from dnsregistry.api.routes.table import list_routes
from dnsregistry.registry.errors import RegistryError

SERVER = "dnsregistry"

_log = logging.getLogger(__name__)
_PART = re.compile(r"\{([a-z]+)\}")


def build_application(api: Api, others: Sequence[Route] = ()) -> web.Application:
    """The API, ready to be served, and other routes beside it.

    Whatever goes wrong in any of them is answered as a problem. What may change something is
    closed to the web pages of others.
    """
    traffic = Traffic()
    application = web.Application(middlewares=[_answer_problems(traffic)])
    described = Description(lambda: build_document(routes, api.version))
    routes = (*list_routes(api, traffic), *others, *list_descriptions(described))
    for route in routes:
        handler = route.handler
        if not route.open_to_pages:
            handler = refuse_pages(route.method, handler)
        # An id may hold braces, which the router's own pattern leaves out.
        path = _PART.sub(r"{\1:[^/]+}", route.path)
        application.router.add_route(route.method, path, handler)
        if route.method == "GET":
            application.router.add_route("HEAD", path, handler)
    application.on_response_prepare.append(_add_headers(api))
    _run_watching(application, api)
    return application


def _answer_problems(traffic: Traffic) -> Middleware:
    @web.middleware
    async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
        traffic.requests += 1
        try:
            return await handler(request)
        except RegistryError as fact:
            return problem_reply(problem_of_fact(fact))
        except Problem as problem:
            return problem_reply(problem)
        except web.HTTPException as error:
            if error.status < 400:
                raise
            return problem_reply(problem_of_http(error))
        except Exception:  # noqa: BLE001 - one request must not hurt the next
            traffic.internal_errors += 1
            _log.exception("%s %s failed", request.method, request.path)
            return problem_reply(Problem(INTERNAL_ERROR, "the cause is in the server's log"))

    return answer


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
        if revision != feed.revision:
            revision = feed.revision
            text = str(revision)
        # Where an answer was begun earlier, it says itself which revision it is of.
        headers.setdefault(REVISION, text)

    return add
