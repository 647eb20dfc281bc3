"""The description of the API itself."""

from collections.abc import Sequence
from typing import Any

from dnsregistry.api.openapi.description import Description
from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route
from dnsregistry.api.openapi.refusals import NOT_FOUND

IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "The ETag of what is known: where it still stands, 304."
)
_ETAG = {"ETag": Header("Of this very content.")}
_KNOWN = Answer(304, "It is what is known.", headers=_ETAG)
PAGE_ANSWERS = (Answer(200, "The page.", (Media(str, type="text/html"),), _ETAG), _KNOWN)
_FILE_TYPES = ("text/javascript", "text/css", "text/plain", "image/svg+xml")
FILE_ANSWERS = (
    Answer(200, "The file.", tuple(Media(str, type=type_) for type_ in _FILE_TYPES), _ETAG),
    _KNOWN,
)

_DOCUMENT = Operation(
    id="getOpenApi",
    tag="Program",
    summary="This description, in OpenAPI 3.1",
    parameters=(IF_NONE_MATCH,),
    answers=(Answer(200, "The description.", (Media(dict[str, Any]),), _ETAG), _KNOWN),
)
_PAGE = Operation(
    id="getDocs",
    tag="Program",
    summary="This description, to read",
    description="A page that asks no other host.",
    parameters=(IF_NONE_MATCH,),
    answers=PAGE_ANSWERS,
)
_FILE = Operation(
    id="getDocsFile",
    tag="Program",
    summary="A file of that page",
    parameters=(Parameter("file", "path", "Its name.", example="docs.js"), IF_NONE_MATCH),
    answers=FILE_ANSWERS,
    problems=(NOT_FOUND,),
)


def list_routes(description: Description) -> Sequence[Route]:
    """The routes that describe the API."""
    return (
        Route("GET", "/openapi.json", description.get_document, _DOCUMENT),
        Route("GET", "/docs", description.get_page, _PAGE),
        Route("GET", "/docs/{file}", description.get_asset, _FILE),
    )
