"""Numbers for Prometheus."""

from collections.abc import Sequence

from aiohttp.typedefs import Handler

from dnsregistry.api.metrics import PATH
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route

_GET = Operation(
    id="getMetrics",
    tag="Program",
    summary="Numbers, for Prometheus",
    description="In OpenMetrics to whoever accepts that.",
    answers=(
        Answer(
            200,
            "All numbers.",
            (Media(str, type="text/plain"), Media(str, type="application/openmetrics-text")),
        ),
    ),
)


def list_routes(get: Handler) -> Sequence[Route]:
    """The route of the metrics."""
    return (Route("GET", PATH, get, _GET),)
