"""Checks as a registration brings them.

The rules are those of `registry/check_admission.py`; a null is read as if it were left out.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.models.forms import forget_defaults
from dnsregistry.registry.check_admission import (
    LONGEST_INTERVAL,
    LONGEST_TIMEOUT,
    LONGEST_WAIT,
    MOST_HEADERS,
    MOST_JITTER,
    MOST_PATTERN,
    MOST_STREAK,
    MOST_URL,
    SHORTEST_INTERVAL,
    SHORTEST_TIMEOUT,
    SHORTEST_WAIT,
)

Method = Literal["GET", "HEAD", "OPTIONS", "POST"]
QueryType = Literal["A", "AAAA", "SRV", "TXT", "PTR", "NS", "SOA", "MX", "CNAME"]

_STATUS = r"^0*[1-5][0-9]{2}(-0*[1-5][0-9]{2})?$"
_PATH = r"^/[!\"$-~]*$"

_Place = Annotated[str, Field(max_length=MOST_URL)]


class Pace(BaseModel):
    """How often a check is made, and what its results add up to."""

    model_config = ConfigDict(extra="forbid", defer_build=True, json_schema_extra=forget_defaults)

    interval: float | None = Field(
        10.0,
        description="Seconds from one check to the next; 10 if left out.",
        ge=SHORTEST_INTERVAL,
        le=LONGEST_INTERVAL,
    )
    timeout: float | None = Field(
        5.0,
        description=(
            "Seconds until a check has failed, no longer than the interval; if left out, 5 or"
            " the interval, whichever is shorter."
        ),
        ge=SHORTEST_TIMEOUT,
        le=LONGEST_TIMEOUT,
    )
    jitter: float | None = Field(
        0.1,
        description="The part of the interval by which the next one varies; 0.1 if left out.",
        ge=0,
        le=MOST_JITTER,
    )
    success_before_healthy: int | None = Field(
        1,
        description="So many passes in a row make it healthy; 1 if left out.",
        ge=1,
        le=MOST_STREAK,
    )
    failures_before_unhealthy: int | None = Field(
        3,
        description="So many failures in a row make it unhealthy; 3 if left out.",
        ge=1,
        le=MOST_STREAK,
    )
    initial: Literal["healthy", "unhealthy"] | None = Field(
        "unhealthy",
        description=(
            "What stands before the first verdict; if left out, unhealthy, of a heartbeat healthy."
        ),
    )
    delay: float | None = Field(
        0.0, description="Seconds until the first check; 0 if left out.", ge=0, le=LONGEST_INTERVAL
    )
    deregister_after: float | None = Field(
        None,
        description="Seconds of being unhealthy until the instance is taken away; null: never.",
        ge=SHORTEST_WAIT,
        le=LONGEST_WAIT,
    )


class _Encrypted(Pace):
    tls: bool | None = Field(False, description="Whether the connection has TLS.")
    verify_tls: bool | None = Field(
        True,
        description=(
            "Whether the certificate must hold, which it must if this is left out. Only with `tls`."
        ),
    )
    server_name: str | None = Field(
        None, description="The name that TLS asks for. Only with `tls`.", max_length=253
    )


class HttpCheck(_Encrypted):
    """A request whose answer must have one of the statuses."""

    type: Literal["http", "https"] = Field(description="`https` is `http` with TLS.")
    url: _Place | None = Field(
        None, description="What is asked for. Without it, `path` at the instance's own address."
    )
    path: str | None = Field(
        "/",
        description="Path and query at the instance's own address; / if left out.",
        max_length=MOST_URL,
        pattern=_PATH,
    )
    port: int | None = Field(
        None, description="A port in place of the instance's own.", ge=1, le=65535
    )
    method: Method | None = Field("GET", description="The request's method; GET if left out.")
    expect_status: (
        Annotated[str, Field(pattern=_STATUS)] | Annotated[int, Field(ge=100, le=599)] | None
    ) = Field(
        "200-399", description="The status that passes, or the range of them; 200-399 if left out."
    )
    body_pattern: str | None = Field(
        None,
        description="A regular expression that the body must hold somewhere. Not with HEAD.",
        max_length=MOST_PATTERN,
    )
    headers: dict[str, str] | None = Field(
        None, description="Headers to send.", max_length=MOST_HEADERS
    )
    follow_redirects: bool | None = Field(
        True, description="Whether redirects are followed, as they are if this is left out."
    )
    fallback_path: str | None = Field(
        None,
        description="Asked for where `path` is answered with 404.",
        max_length=MOST_URL,
        pattern=f"^$|{_PATH}",
    )


class TcpCheck(_Encrypted):
    """A connection that must come about."""

    type: Literal["tcp"]
    address: _Place | None = Field(
        None, description="Host and port; without it, the instance's own."
    )


class GrpcCheck(_Encrypted):
    """grpc.health.v1.Health/Check, which must answer SERVING."""

    type: Literal["grpc"]
    address: _Place | None = Field(
        None, description="Host and port; without it, the instance's own."
    )
    service: str | None = Field(
        "",
        description="The gRPC service; empty for the server as a whole.",
        max_length=256,
        pattern=r"^[A-Za-z0-9_./-]*$",
    )


class DnsCheck(Pace):
    """A question that must be answered with records."""

    type: Literal["dns"]
    name: str = Field(description="The name that is asked for.", min_length=1, max_length=255)
    qtype: QueryType | None = Field("A", description="The type that is asked for; A if left out.")
    address: _Place | None = Field(
        None, description="The server's address and port; without it, the instance's own."
    )


class HeartbeatCheck(Pace):
    """The last heartbeat must be no older than interval and timeout together."""

    type: Literal["heartbeat"]


Check = Annotated[
    HttpCheck | TcpCheck | GrpcCheck | DnsCheck | HeartbeatCheck, Field(discriminator="type")
]
"""One check of a registration."""
