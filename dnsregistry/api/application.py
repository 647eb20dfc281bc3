"""The routes, and what stands around every one of them."""

import logging
from collections.abc import Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dnsregistry.api.checks import Checks
from dnsregistry.api.context import Api, Traffic
from dnsregistry.api.heartbeats import Heartbeats
from dnsregistry.api.instances import Instances
from dnsregistry.api.origin import refuse_pages
from dnsregistry.api.problems import (
    INTERNAL_ERROR,
    Problem,
    problem_of_fact,
    problem_of_http,
    problem_reply,
)
from dnsregistry.api.services import Services
from dnsregistry.api.system import System
from dnsregistry.registry.errors import RegistryError

SERVER = "dnsregistry"

Route = tuple[str, str, Handler]

_log = logging.getLogger(__name__)


def list_routes(api: Api, traffic: Traffic) -> Sequence[Route]:
    """Method, path and handler. HEAD goes where GET does."""
    instances = Instances(api)
    heartbeats = Heartbeats(api)
    services = Services(api)
    system = System(api, traffic)
    checks = Checks(api)
    # An id may hold braces, which the router's own pattern leaves out.
    one = "/v1/instances/{id:[^/]+}"
    service = "/v1/services/{name:[^/]+}"
    return (
        # The router tries those that begin alike in this order, and this one comes most.
        ("POST", f"{one}/heartbeat", heartbeats.post_one),
        ("POST", "/v1/instances", instances.post),
        ("GET", "/v1/instances", instances.list),
        ("PUT", one, instances.put),
        ("GET", one, instances.get),
        ("DELETE", one, instances.delete),
        ("PUT", f"{one}/status", instances.put_status),
        ("POST", "/v1/heartbeats", heartbeats.post_many),
        ("GET", "/v1/services", services.list),
        ("GET", service, services.get),
        ("GET", f"{one}/checks", checks.get_instance),
        ("GET", f"{service}/health", checks.get_service),
        ("DELETE", f"{service}/guard", checks.lift_guard),
        ("GET", "/v1/stats", system.get_stats),
        ("GET", "/health", system.get_health),
        ("GET", "/ready", system.get_ready),
    )


def build_application(api: Api, others: Sequence[Route] = ()) -> web.Application:
    """The API, ready to be served, and other routes beside it.

    Whatever goes wrong in any of them is answered as a problem. Only the API's own may change
    something, and are closed to the web pages of others.
    """
    traffic = Traffic()
    application = web.Application(middlewares=[_answer_problems(traffic)])
    own = [(verb, path, refuse_pages(verb, call)) for verb, path, call in list_routes(api, traffic)]
    for method, path, handler in (*own, *others):
        application.router.add_route(method, path, handler)
        if method == "GET":
            application.router.add_route("HEAD", path, handler)
    application.on_response_prepare.append(_name_server)
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


async def _name_server(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER
