"""Problems as the document has them: what any request may meet, and an example of each kind."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

from dnsregistry.api.problems import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    CROSS_ORIGIN,
    INTERNAL_ERROR,
    INVALID_BODY,
    INVALID_DNS,
    INVALID_FIELD,
    INVALID_HEADER,
    INVALID_HTTP,
    INVALID_JSON,
    INVALID_QUERY,
    MISSING_SCOPE,
    NOT_OWNER,
    OTHER_MEDIA_TYPE,
    PRECONDITION_FAILED,
    STORE_AWAY,
    TOO_MANY_ATTEMPTS,
    TOO_MANY_REQUESTS,
    UNAUTHENTICATED,
    UNKNOWN_INSTANCE,
    UNKNOWN_SERVICE,
    Fault,
    Kind,
    Problem,
    describe_problem,
)
from dnsregistry.api.watching.seats import NO_SEAT, NO_SEAT_FOR_CLIENT

PROBLEM_TYPE = "application/problem+json"

NOT_FOUND = Kind("not-found", 404, "Not Found")
EXPECTATION_FAILED = Kind("expectation-failed", 417, "Expectation Failed")
ANY_REQUEST = (INVALID_HTTP, EXPECTATION_FAILED, TOO_MANY_REQUESTS, INTERNAL_ERROR)
"""What any request may be answered with, whatever it asks for."""
ANY_BODY = (INVALID_JSON, INVALID_BODY, INVALID_FIELD, BODY_TOO_SLOW, BODY_TOO_LARGE)
"""What a request with a JSON body may be answered with."""
ANY_CHANGE = (CROSS_ORIGIN, STORE_AWAY)
"""What a request that changes something may be answered with."""
ANY_CALLER = (UNAUTHENTICATED, MISSING_SCOPE, TOO_MANY_ATTEMPTS)
"""What a request may be answered with that asks for a token, where there are tokens."""

_TOO_LARGE = "the body is longer than 1048576 octets"
_AWAY = "the store takes no change at the moment: database or disk is full"
_NO_TAG = "'7' must be * or tags in double quotes, such as \"7\""
_DIFFERS = "'web-1' is in revision 7, which is not what was expected"
_SEVERAL = (Fault("service", "is missing"), Fault("port", "must be a whole number"))

EXAMPLES: Mapping[str, Problem] = {
    problem.kind.type: problem
    for problem in (
        Problem(INVALID_HTTP, "Invalid header token:"),
        Problem(EXPECTATION_FAILED, "Expectation Failed"),
        Problem(INTERNAL_ERROR, "the cause is in the server's log"),
        Problem(INVALID_JSON, "Expecting value: line 1, column 9"),
        Problem(INVALID_BODY, "the body breaks off after 12 octets"),
        Problem(INVALID_FIELD, faults=_SEVERAL),
        Problem(INVALID_DNS, "the parameter dns is missing"),
        Problem(OTHER_MEDIA_TYPE, "the body is to be application/dns-message"),
        Problem(BODY_TOO_SLOW, "after 12 octets the sender fell behind 16384 octets a second"),
        Problem(BODY_TOO_LARGE, _TOO_LARGE),
        Problem(INVALID_QUERY, faults=[Fault("limit", "'0' is not between 1 and 1000")]),
        Problem(INVALID_HEADER, faults=[Fault("If-Match", _NO_TAG)]),
        Problem(PRECONDITION_FAILED, _DIFFERS, members={"revision": 7}),
        Problem(CROSS_ORIGIN, "Sec-Fetch-Site must be same-origin or none, or left out"),
        Problem(
            UNAUTHENTICATED,
            "a token is needed: Authorization: Bearer and the token",
            headers={"WWW-Authenticate": 'Bearer realm="dnsregistry"'},
        ),
        Problem(MISSING_SCOPE, "the scope write:user-service is missing"),
        Problem(NOT_OWNER, "the instance 'web-1' is changed with its owner's secret only"),
        Problem(
            TOO_MANY_REQUESTS,
            "more than 100 requests a second from 192.0.2.1",
            headers={"Retry-After": "1"},
        ),
        Problem(
            TOO_MANY_ATTEMPTS,
            "too many tokens of this client were wrong, or wait to be looked at",
            headers={"Retry-After": "2"},
        ),
        Problem(UNKNOWN_INSTANCE, "no live instance has the id 'web-1'"),
        Problem(UNKNOWN_SERVICE, "no live instance belongs to the service 'user-service'"),
        Problem(NO_SEAT, "there are 2000 already (WATCH_STREAMS)", headers={"Retry-After": "5"}),
        Problem(
            NO_SEAT_FOR_CLIENT,
            "there are 500 of it (WATCH_STREAMS_PER_CLIENT)",
            headers={"Retry-After": "5"},
        ),
        Problem(STORE_AWAY, _AWAY, headers={"Retry-After": "1"}),
    )
}


def describe_refusals(kinds: Iterable[Kind], problem_schema: Mapping[str, Any]) -> dict[str, Any]:
    """The responses of an operation that may be answered with these kinds of problem."""
    by_status = sorted(set(kinds), key=attrgetter("status", "type"))
    return {
        str(status): _describe_status(list(alike), problem_schema)
        for status, alike in groupby(by_status, attrgetter("status"))
    }


def _describe_status(kinds: list[Kind], problem_schema: Mapping[str, Any]) -> dict[str, Any]:
    problems = [EXAMPLES.get(kind.type) or Problem(kind, kind.title) for kind in kinds]
    told: dict[str, Any] = {
        "description": " ".join(f"`{kind.type}`: {kind.title}." for kind in kinds),
        "content": {
            PROBLEM_TYPE: {
                "schema": dict(problem_schema),
                "examples": {
                    problem.kind.type: {
                        "summary": problem.kind.title,
                        "value": describe_problem(problem),
                    }
                    for problem in problems
                },
            }
        },
    }
    headers = {name for problem in problems for name in problem.headers}
    if headers:
        told["headers"] = {
            name: {
                "description": _HEADERS[name],
                "required": all(name in problem.headers for problem in problems),
                "schema": {"type": "string"},
            }
            for name in sorted(headers)
        }
    return told


_HEADERS = {
    "Retry-After": "Seconds after which it is worth another try.",
    "WWW-Authenticate": "How a caller says who it is (RFC 6750).",
}
