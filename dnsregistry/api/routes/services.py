"""Services."""

from collections.abc import Sequence

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.context import Api
from dnsregistry.api.models.services import Service, ServiceList
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Parameter, Route
from dnsregistry.api.problems import INVALID_HEADER, INVALID_QUERY, STORE_AWAY, UNKNOWN_SERVICE
from dnsregistry.api.routes.instances import FIRST, PAGE
from dnsregistry.api.routes.parameters import (
    CURSOR,
    FILTERS,
    IF_NONE_MATCH,
    LIMIT,
    META,
    NOT_MODIFIED,
    SERVICE_NAME,
    SERVICE_SORT,
    SINCE,
    SORT,
    STATE,
    TAG,
    TAGGED,
    WAIT,
)
from dnsregistry.api.services import Services
from dnsregistry.api.watching.seats import WATCHED

_COUNT = {"name": "user-service", "instances": 1, "healthy": 1}

_LIST = Operation(
    id="listServices",
    tag="Services",
    summary="A page of the services",
    description=(
        "Those with a live instance that is asked for, in alphabetical order; the counts are of all"
        " its instances. A page may be short or even empty and go on: only a `next_cursor` of null"
        " is the end."
    ),
    parameters=(
        Parameter("prefix", "query", "Only those whose names begin so."),
        TAG,
        STATE,
        SERVICE_SORT,
        LIMIT,
        CURSOR,
        WAIT,
        SINCE,
        IF_NONE_MATCH,
    ),
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
            TAGGED,
        ),
        NOT_MODIFIED,
    ),
    problems=(INVALID_QUERY, INVALID_HEADER, *WATCHED, STORE_AWAY),
)
_GET = Operation(
    id="getService",
    tag="Services",
    summary="One service with its instances",
    description=META,
    parameters=(SERVICE_NAME, *FILTERS, SORT, LIMIT, CURSOR, WAIT, SINCE, IF_NONE_MATCH),
    answers=(
        Answer(
            200,
            "Its counts, and a page of its instances.",
            (Media(Service, {"one": {"name": "user-service", "count": 1, "healthy": 1, **PAGE}}),),
            TAGGED,
        ),
        NOT_MODIFIED,
    ),
    problems=(INVALID_QUERY, INVALID_HEADER, *WATCHED, UNKNOWN_SERVICE, STORE_AWAY),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The routes under /v1/services."""
    services = Services(api)
    return (
        Route("GET", "/v1/services", once_loaded(api, services.list), _LIST),
        Route("GET", "/v1/services/{name}", once_loaded(api, services.get), _GET),
    )
