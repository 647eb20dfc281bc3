"""Why DNS answers as it does."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from dnsregistry.api.explain import PATH, Explanations
from dnsregistry.api.models.explain import Explanation
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Parameter, Route
from dnsregistry.api.problems import INVALID_QUERY

_EXAMPLE: Mapping[str, object] = {
    "question": {
        "name": "user-service.registry.local.",
        "type": "A",
        "class": "IN",
        "client": "127.0.0.1",
        "transport": "udp",
        "bufsize": 1232,
    },
    "path": "live zone",
    "rule": None,
    "why": "answered from the registrations under registry.local.",
    "upstreams": [],
    "rcode": "NOERROR",
    "flags": {"aa": True, "tc": False, "rd": True, "ra": False},
    "octets": 72,
    "answer": ["user-service.registry.local. 5 IN A 10.0.0.1"],
    "authority": [],
    "additional": [],
    "ttl": 5,
    "ede": None,
    "steps": [
        {
            "name": "user-service.registry.local.",
            "type": "A",
            "path": "live zone",
            "zone": "registry.local.",
            "found": "found",
        }
    ],
    "candidates": [
        {
            "id": "web-1",
            "name": "user-service.registry.local.",
            "kept": True,
            "reason": "answered",
        },
        {
            "id": "web-2",
            "name": "user-service.registry.local.",
            "kept": False,
            "reason": "expired 3 s ago",
        },
    ],
    "candidates_total": 2,
    "candidates_kept": 1,
    "revision": 3,
    "serial": 3030196232,
}
_GET = Operation(
    id="explainDns",
    tag="DNS",
    summary="Why a question is answered as it is",
    description=(
        "The answer as dig would print it, the way to it, and each instance that could be in it:"
        " kept, or left out and why. Nothing is counted as a query, and nobody outside is asked."
    ),
    parameters=(
        Parameter(
            "name",
            "query",
            "The owner name that is asked for.",
            example="user-service.registry.local",
            required=True,
        ),
        Parameter("type", "query", "Its type, A unless said otherwise.", example="SRV"),
        Parameter("class", "query", "IN unless said otherwise.", Literal["IN", "CH", ""]),
        Parameter(
            "client", "query", "The address that asks DNS; else the one that this request is from."
        ),
        Parameter("transport", "query", "UDP unless said otherwise.", Literal["udp", "tcp", ""]),
        Parameter(
            "bufsize",
            "query",
            "Octets that the client's OPT names, 1232 unless said otherwise; 0: it sends none.",
            Annotated[int, Field(ge=0, le=65_535)] | Literal[""],
        ),
        Parameter(
            "limit",
            "query",
            "Candidates that are told, 100 unless said otherwise; those left out go first.",
            Annotated[int, Field(ge=1, le=1000)] | Literal[""],
        ),
    ),
    answers=(Answer(200, "The explanation.", (Media(Explanation, {"one of two": _EXAMPLE}),)),),
    problems=(INVALID_QUERY,),
)


def list_routes(explanations: Explanations) -> Sequence[Route]:
    """The route of explanations."""
    return (Route("GET", PATH, explanations.get, _GET),)
