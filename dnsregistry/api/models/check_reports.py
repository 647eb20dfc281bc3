"""Checks as they are told, with what they found; by instance, and by service."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.models.checks import (
    DnsCheck,
    GrpcCheck,
    HeartbeatCheck,
    HttpCheck,
    TcpCheck,
)
from dnsregistry.api.models.times import Time
from dnsregistry.registry.check import Health


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
