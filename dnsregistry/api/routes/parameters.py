"""Parameters and headers that several routes take or tell."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from dnsregistry.api import counts, pages
from dnsregistry.api.openapi.operation import Answer, Header, Parameter
from dnsregistry.api.query import DEFAULT_LIMIT, MOST_LIMIT
from dnsregistry.api.wanted import STATES
from dnsregistry.registry.instance import Status

LIMIT = Parameter(
    "limit",
    "query",
    f"How many a page holds at most; {DEFAULT_LIMIT} where it is left out or empty.",
    Annotated[int, Field(ge=1, le=MOST_LIMIT)] | Literal[""],
)
CURSOR = Parameter(
    "cursor",
    "query",
    "`next_cursor` of the page before, with the same filters and the same sort. Paging misses"
    " nothing that stays and repeats nothing.",
    Annotated[str, Field(pattern="^[A-Za-z0-9_-]*$")],
)


def _choice(words: Sequence[str]) -> Any:
    return Literal[(*words, "")]


def _sort(names: Sequence[str], description: str) -> Parameter:
    orders = [f"{sign}{name}" for name in names for sign in ("", "-")]
    return Parameter("sort", "query", f"{description} A `-` turns it round.", _choice(orders))


SORT = _sort(
    pages.SORTS,
    "The order: by id, by service and then by id, or in the order of first registration.",
)
SERVICE_SORT = _sort(counts.SORTS, "The order, which is by name.")
TAG = Parameter("tag", "query", "Only those with this tag.")
STATE = Parameter(
    "health",
    "query",
    "Only those in this state: the status, where that is healthy the verdict of checks.",
    _choice(STATES),
)
WAIT = Parameter(
    "wait",
    "query",
    "How long to wait for a change, up to 10m: 30s, 5m, 500ms or seconds. The end of the time is"
    " answered as any read is.",
    Annotated[str, Field(pattern="^([0-9]{1,9}(\\.[0-9]{1,9})?(ms|s|m|h)?)?$")],
)
SINCE = Parameter(
    "since",
    "query",
    "The revision after which a change counts; that of now, where it is left out.",
    Annotated[str, Field(pattern="^([0-9]{1,18})?$")],
)
FILTERS = (
    TAG,
    Parameter("capability", "query", "Only those with this capability."),
    STATE,
    Parameter("status", "query", "Only those whose owner says this.", _choice(tuple(Status))),
    Parameter(
        "address",
        "query",
        "Only those with this address or host name, or with an address in this network.",
        example="10.0.0.0/24",
    ),
)
META = (
    "`meta.NAME=VALUE` asks for those whose metadata has this value under this name, text as it is"
    " and all else as JSON; there may be several."
)
IF_MATCH = Parameter(
    "If-Match",
    "header",
    "What must be held: `*` for anything, else the entity tag of the instance or its revision, in"
    " quotes.",
    example='"7"',
)
IF_ABSENT = Parameter("If-None-Match", "header", "`*`: nothing may be held under the id.")
IF_NONE_MATCH = Parameter(
    "If-None-Match", "header", "Entity tags that are held already: 304 where one still holds."
)
TAGGED: Mapping[str, Header] = {
    "ETag": Header("Weak: changes with what is told, but for heartbeats and the course of checks."),
    "Cache-Control": Header("no-cache: to be asked for again each time."),
}
NOT_MODIFIED = Answer(304, "What is held already still holds.", headers=TAGGED)
INSTANCE_ID = Parameter("id", "path", "The instance's id.", example="web-1")
SERVICE_NAME = Parameter("name", "path", "The service's name.", example="user-service")
