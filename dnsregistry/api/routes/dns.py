"""DNS over HTTPS, whose handlers are the servers'."""

from collections.abc import Sequence
from typing import Annotated

from aiohttp.typedefs import Handler
from pydantic import Field, WithJsonSchema

from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route
from dnsregistry.api.problems import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    INVALID_BODY,
    INVALID_DNS,
    OTHER_MEDIA_TYPE,
)

_Octets = Annotated[bytes, WithJsonSchema({"type": "string", "format": "binary"})]
_MESSAGE = Media(_Octets, type="application/dns-message")
_ANSWERS = (
    Answer(
        200,
        "A DNS message, of any rcode.",
        (_MESSAGE,),
        {"Cache-Control": Header("Its smallest TTL as `max-age`.")},
    ),
)
_GET = Operation(
    id="queryDnsByGet",
    tag="DNS",
    summary="Ask a question of DNS",
    description="DNS over HTTPS (RFC 8484).",
    parameters=(
        Parameter(
            "dns",
            "query",
            "A DNS message in base64url without padding.",
            Annotated[str, Field(pattern="^[A-Za-z0-9_-]*$")],
            example="AAABAAABAAAAAAAADHVzZXItc2VydmljZQhyZWdpc3RyeQVsb2NhbAAAAQAB",
            required=True,
        ),
    ),
    answers=_ANSWERS,
    problems=(INVALID_DNS,),
)
_POST = Operation(
    id="queryDnsByPost",
    tag="DNS",
    summary="Ask a question of DNS, in a body",
    description="DNS over HTTPS (RFC 8484).",
    body=(_MESSAGE,),
    answers=_ANSWERS,
    problems=(INVALID_DNS, INVALID_BODY, OTHER_MEDIA_TYPE, BODY_TOO_LARGE, BODY_TOO_SLOW),
)


def list_routes(path: str, get: Handler, post: Handler) -> Sequence[Route]:
    """The routes of DNS over HTTPS."""
    return (
        Route("GET", path, get, _GET),
        Route("POST", path, post, _POST, open_to_pages=True),
    )
