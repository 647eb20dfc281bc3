"""Parameters that several routes take."""

from typing import Annotated, Literal

from pydantic import Field

from dnsregistry.api.openapi.operation import Parameter
from dnsregistry.api.query import DEFAULT_LIMIT, MOST_LIMIT

LIMIT = Parameter(
    "limit",
    "query",
    f"How many a page holds at most; {DEFAULT_LIMIT} where it is left out or empty.",
    Annotated[int, Field(ge=1, le=MOST_LIMIT)] | Literal[""],
)
INSTANCE_CURSOR = Parameter(
    "cursor",
    "query",
    "`next_cursor` of the page before. Paging misses nothing that stays and repeats nothing.",
    Annotated[str, Field(pattern="^(i[0-9a-f]{1,16})?$")],
)
SERVICE_CURSOR = Parameter(
    "cursor",
    "query",
    "`next_cursor` of the page before.",
    Annotated[str, Field(pattern="^(s[a-z0-9_-]{1,63})?$")],
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
INSTANCE_ID = Parameter("id", "path", "The instance's id.", example="web-1")
SERVICE_NAME = Parameter("name", "path", "The service's name.", example="user-service")
