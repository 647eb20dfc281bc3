"""Services."""

from collections.abc import Sequence

from dnsregistry.api.context import Api
from dnsregistry.api.models.services import Service, ServiceList
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.problems import INVALID_QUERY, UNKNOWN_SERVICE
from dnsregistry.api.routes.instances import FIRST, PAGE
from dnsregistry.api.routes.parameters import (
    INSTANCE_CURSOR,
    LIMIT,
    SERVICE_CURSOR,
    SERVICE_NAME,
    SINCE,
    WAIT,
)
from dnsregistry.api.services import Services
from dnsregistry.api.watching.seats import WATCHED

_COUNT = {"name": "user-service", "instances": 1, "healthy": 1}

_LIST = Operation(
    id="listServices",
    tag="Services",
    summary="A page of the services",
    description="Those with a live instance, in alphabetical order.",
    parameters=(LIMIT, SERVICE_CURSOR, WAIT, SINCE),
    answers=(
        Answer(
            200,
            "The page.",
            (
                Media(
                    ServiceList,
                    {"one": {"services": [_COUNT], "next_cursor": None, "revision": FIRST}},
                ),
            ),
        ),
    ),
    problems=(INVALID_QUERY, *WATCHED),
)
_GET = Operation(
    id="getService",
    tag="Services",
    summary="One service with its instances",
    parameters=(SERVICE_NAME, LIMIT, INSTANCE_CURSOR, WAIT, SINCE),
    answers=(
        Answer(
            200,
            "Its counts, and a page of its instances.",
            (Media(Service, {"one": {"name": "user-service", "count": 1, "healthy": 1, **PAGE}}),),
        ),
    ),
    problems=(INVALID_QUERY, UNKNOWN_SERVICE, *WATCHED),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The routes under /v1/services."""
    services = Services(api)
    return (
        Route("GET", "/v1/services", services.list, _LIST),
        Route("GET", "/v1/services/{name}", services.get, _GET),
    )
