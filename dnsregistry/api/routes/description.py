"""The description of the API itself."""

from collections.abc import Sequence
from typing import Any

from dnsregistry.api.openapi.description import Description
from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route

IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "The ETag of what is known: where it still stands, 304."
)
_ETAG = {"ETag": Header("Of this very content.")}

_DOCUMENT = Operation(
    id="getOpenApi",
    tag="Program",
    summary="This description, in OpenAPI 3.1",
    parameters=(IF_NONE_MATCH,),
    answers=(
        Answer(200, "The description.", (Media(dict[str, Any]),), _ETAG),
        Answer(304, "It is what is known.", headers=_ETAG),
    ),
)


def list_routes(description: Description) -> Sequence[Route]:
    """The routes that describe the API."""
    return (Route("GET", "/openapi.json", description.get, _DOCUMENT),)
