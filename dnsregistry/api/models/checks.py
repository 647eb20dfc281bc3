"""Checks: as a registration brings them, and as they are told with what they found.

The rules are those of `registry/check_admission.py`; a null is read as if it were left out.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.models.forms import forget_defaults
from dnsregistry.api.models.times import Time
from dnsregistry.registry.check import Health
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


class CheckResult(BaseModel):
    """How a check went."""

    model_config = ConfigDict(defer_build=True)

    time: Time = Field(description="When it ended.")
    passed: bool = Field(description="Whether it passed.")
    latency: float = Field(description="Seconds that it took.")
    reason: str = Field(description="What was found, in words.")


class _Found(BaseModel):
    health: Literal["healthy", "unhealthy"] | None = Field(
        None, description="The verdict of this check alone. Told by the node that makes it."
    )
    since: Time | None = Field(None, description="Since when that stands.")
    last: CheckResult | None = Field(None, description="The last result, once there is one.")


class HttpReport(HttpCheck, _Found):
    """A request, and what it found."""


class TcpReport(TcpCheck, _Found):
    """A connection, and what it found."""


class GrpcReport(GrpcCheck, _Found):
    """A gRPC health check, and what it found."""


class DnsReport(DnsCheck, _Found):
    """A question, and what it found."""


class HeartbeatReport(HeartbeatCheck, _Found):
    """The age of heartbeats, and what it was."""


CheckReport = Annotated[
    HttpReport | TcpReport | GrpcReport | DnsReport | HeartbeatReport,
    Field(discriminator="type"),
]
"""One check as it is told: every field of it, and its result."""


class Turn(BaseModel):
    """A change of a check's verdict."""

    model_config = ConfigDict(defer_build=True)

    time: Time = Field(description="When it came.")
    check: int = Field(description="The check's place among the instance's checks, from 0.")
    health: Health = Field(description="What it turned to.")
    reason: str = Field(description="Why.")


class InstanceChecks(BaseModel):
    """One instance's checks and their history."""

    model_config = ConfigDict(defer_build=True)

    id: str = Field(description="The instance.")
    service: str = Field(description="Its service.")
    health: Health = Field(description="The verdict of all its checks together.")
    checks: list[CheckReport] = Field(description="Its checks with their last results.")
    drained_at: Time | None = Field(
        None, description="When draining ends, where the instance is draining."
    )
    followed_here: bool = Field(description="Whether this node makes the checks.")
    history: list[Turn] = Field(description="The last 50 turns, the oldest first.")


class Latency(BaseModel):
    """How long checks took."""

    model_config = ConfigDict(defer_build=True)

    mean: float | None = Field(description="Seconds; null before the first.")
    buckets: dict[str, int] = Field(
        description="How many took at most so many seconds; `inf` is all of them."
    )


class Guard(BaseModel):
    """The guard against many failures at once."""

    model_config = ConfigDict(defer_build=True)

    threshold: float | None = Field(
        description="The part of the service above which it acts; null: never."
    )
    limit: float = Field(description="For how many seconds it holds at most.")
    holding: bool = Field(description="Whether it holds instances now.")
    until: Time | None = Field(description="When it lets go at the latest.")
    held: int = Field(description="How many instances it holds.")


class ServiceHealth(BaseModel):
    """One service's verdicts, probes and guard."""

    model_config = ConfigDict(defer_build=True)

    name: str = Field(description="The service.")
    healthy: int = Field(description="Instances that are healthy.")
    unhealthy: int = Field(description="Instances that are unhealthy.")
    degraded: int = Field(description="Instances that fail and are held by the guard.")
    probes: int = Field(description="Checks made by this node since its start.")
    passed: int = Field(description="Those of them that passed.")
    success_rate: float | None = Field(description="Their part; null before the first.")
    transitions: int = Field(description="Verdicts that changed.")
    guard_trips: int = Field(description="How often the guard began to hold.")
    latency: Latency
    guard: Guard | None = Field(description="Null where no instance of it has checks.")


class GuardLifted(BaseModel):
    """What became of what the guard held."""

    model_config = ConfigDict(defer_build=True)

    lifted: int = Field(description="How many instances are unhealthy now.")
