"""What a client is told when a request cannot be done: RFC 9457, and the one table for it.

A problem's `type` is a stable word. `field` and `reason` name the fault where there is one;
`errors` lists all of them where there are several. `request_id` is what the log calls the request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from dnsregistry.api.replies import encode
from dnsregistry.log.request import current
from dnsregistry.registry.errors import (
    InvalidField,
    NotAllowed,
    NotOwner,
    RegistryError,
    RevisionDiffers,
    UnknownInstance,
    UnknownService,
)
from dnsregistry.storage.errors import StoreAway

MOST_FAULTS = 20
"""Enough to mend a form in one go; a body of nothing but faults gets no longer answer."""
MOST_NAME = 80
"""Characters of a name of the client's own making that are told back to it."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of problem: its stable type, HTTP status and title."""

    type: str
    status: int
    title: str


INVALID_JSON = Kind("invalid-json", 400, "The body is not JSON that can be read")
INVALID_BODY = Kind("invalid-body", 400, "The body did not arrive whole")
INVALID_HTTP = Kind("invalid-http", 400, "The request is not HTTP that can be read")
INVALID_QUERY = Kind("invalid-query", 400, "A query parameter breaks a rule")
INVALID_DNS = Kind("invalid-dns", 400, "This is no question of DNS that has an answer")
OTHER_MEDIA_TYPE = Kind("unsupported-media-type", 415, "The body is of another media type")
INVALID_HEADER = Kind("invalid-header", 400, "A header breaks a rule")
INVALID_FIELD = Kind("invalid-field", 422, "A field breaks a rule")
UNAUTHENTICATED = Kind("unauthenticated", 401, "Nobody is known by what was sent")
MISSING_SCOPE = Kind("missing-scope", 403, "The caller may not do this")
NOT_OWNER = Kind("not-owner", 403, "The instance has an owner")
TOO_MANY_REQUESTS = Kind("too-many-requests", 429, "The client asks too often")
TOO_MANY_ATTEMPTS = Kind("too-many-attempts", 429, "Too many tokens were wrong")
CROSS_ORIGIN = Kind("cross-origin", 403, "A page of another origin may change nothing")
UNKNOWN_INSTANCE = Kind("unknown-instance", 404, "There is no such instance")
UNKNOWN_SERVICE = Kind("unknown-service", 404, "There is no such service")
BODY_TOO_SLOW = Kind("body-too-slow", 408, "The body came too slowly")
PRECONDITION_FAILED = Kind("precondition-failed", 412, "It is not in the expected revision")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
STORE_AWAY = Kind("store-away", 503, "The store takes no change at the moment")
INTERNAL_ERROR = Kind("internal-error", 500, "The request failed here; it is not your fault")

_KINDS: Mapping[type[RegistryError], Kind] = {
    InvalidField: INVALID_FIELD,
    RevisionDiffers: PRECONDITION_FAILED,
    UnknownInstance: UNKNOWN_INSTANCE,
    UnknownService: UNKNOWN_SERVICE,
    NotAllowed: MISSING_SCOPE,
    NotOwner: NOT_OWNER,
    StoreAway: STORE_AWAY,
}
_RETRY = {"Retry-After": "1"}
"""Seconds. A store that is back takes changes within that."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A field or parameter, and the rule that it breaks."""

    field: str
    reason: str


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        kind: Kind,
        detail: str = "",
        *,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        members: Mapping[str, object] | None = None,
    ) -> None:
        if faults and not detail:
            detail = f"{faults[0].field}: {faults[0].reason}"
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.faults = faults[:MOST_FAULTS]
        self.headers = headers or {}
        self.members = members or {}


def clip(name: str) -> str:
    """A name that the client chose, at a length that can be told back."""
    return name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}..."


def problem_of_fact(fact: RegistryError) -> Problem:
    """What a fact of the core means to a client."""
    if isinstance(fact, InvalidField):
        return Problem(_KINDS[InvalidField], faults=[Fault(fact.field, fact.rule)])
    headers = _RETRY if isinstance(fact, StoreAway) else None
    members = {"revision": fact.revision} if isinstance(fact, RevisionDiffers) else None
    return Problem(_KINDS[type(fact)], str(fact), headers=headers, members=members)


def problem_of_http(error: web.HTTPException) -> Problem:
    """The same for what aiohttp itself refuses: 404 `not-found`, 405 `method-not-allowed`, ..."""
    kind = Kind(error.reason.lower().replace(" ", "-"), error.status, error.reason)
    headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
    return Problem(kind, error.reason, headers=headers)


def describe_problem(problem: Problem) -> dict[str, object]:
    """The problem as JSON has it."""
    kind = problem.kind
    document: dict[str, object] = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status,
        "detail": problem.detail,
        **problem.members,
    }
    if request_id := current.get():
        document["request_id"] = request_id
    faults = [{"field": fault.field, "reason": fault.reason} for fault in problem.faults]
    if faults:
        document |= faults[0]
    if len(faults) > 1:
        document["errors"] = faults
    return document


def problem_reply(problem: Problem) -> web.Response:
    """The problem as an answer."""
    headers = {**problem.headers, "Content-Type": "application/problem+json"}
    body = encode(describe_problem(problem))
    return web.Response(body=body, status=problem.kind.status, headers=headers)
