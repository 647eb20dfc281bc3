"""Watching."""

from collections.abc import Sequence

from dnsregistry.api.context import Api
from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route
from dnsregistry.api.problems import INVALID_QUERY
from dnsregistry.api.replies import REVISION
from dnsregistry.api.routes.parameters import SINCE
from dnsregistry.api.watching.handlers import Watch
from dnsregistry.api.watching.seats import WATCHED

_STREAM = """\
retry: 2000
id: 1800000000000

id: 1800000000001
event: registered
data: {"revision":1800000000001,"instance":{"id":"web-1","service":"user-service"}}

"""

_WATCH = Operation(
    id="watch",
    tag="Watching",
    summary="Changes as they come",
    description=(
        "Server-Sent Events without an end: `registered`, `updated`, `removed`, `expired` with the"
        " revision and the instance, `reset` with an instance of null where changes were missed."
        " `HEAD` tells the headers and is over."
    ),
    parameters=(
        Parameter("service", "query", "Only changes of this service."),
        SINCE,
        Parameter(
            "Last-Event-ID", "header", "Where a client that comes back goes on: before `since`."
        ),
    ),
    answers=(
        Answer(
            200,
            "The stream.",
            (Media(str, {"stream": _STREAM}, "text/event-stream"),),
            {REVISION: Header("The revision at which the stream begins.")},
        ),
    ),
    problems=(INVALID_QUERY, *WATCHED),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The route of the stream."""
    return (Route("GET", "/v1/watch", Watch(api.watching).get, _WATCH),)
