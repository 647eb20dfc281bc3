"""Instances as they are told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.models.check_reports import CheckReport
from dnsregistry.api.models.times import Time
from dnsregistry.registry.check import Health
from dnsregistry.registry.instance import Status


class Instance(BaseModel):
    """One endpoint of a service, and its lease."""

    model_config = ConfigDict(defer_build=True)

    id: str = Field(description="Unique in the whole registry; case does not matter.")
    service: str = Field(description="The service that it belongs to, in lower case.")
    protocol: Literal["tcp", "udp"] = Field(description="What it speaks.")
    address: str | list[str] = Field(
        description="Its IP address or host name; a list where there are several addresses."
    )
    port: int = Field(description="Its main port.")
    ports: dict[str, int] = Field(description="Other ports by name.")
    priority: int = Field(description="As in an SRV record: the lowest is asked first.")
    weight: int = Field(description="As in an SRV record: its share among those of its priority.")
    tags: list[str] = Field(description="Labels that narrow a question for the service.")
    capabilities: list[str] = Field(description="Labels under which it is found in any service.")
    metadata: dict[str, object] = Field(description="Whatever its owner said.")
    version: str | None = Field(description="Its version, in words of its owner.")
    ttl: float | None = Field(description="Seconds of its lease; null for one without end.")
    status: Status = Field(description="What its owner says of it.")
    health: Health = Field(description="What its checks say of it.")
    checks: list[CheckReport] = Field(
        default_factory=list, description="Its checks with their last results."
    )
    drained_at: Time | None = Field(
        None, description="When draining ends, where the instance is draining."
    )
    registered_at: Time = Field(description="When it came.")
    last_heartbeat: Time = Field(description="When it was last heard of.")
    expires_at: Time | None = Field(description="When its lease ends; null for never.")
    revision: int = Field(description="The revision of the registry that last changed it.")
    dns: list[str] = Field(description="The owner names that answer with it.")


class InstanceList(BaseModel):
    """A page of instances."""

    model_config = ConfigDict(defer_build=True)

    instances: list[Instance]
    next_cursor: str | None = Field(description="The cursor of the next page; null at the end.")
    revision: int = Field(description="The revision from which to watch so as to miss nothing.")


class Renewed(BaseModel):
    """A lease that was renewed."""

    model_config = ConfigDict(defer_build=True)

    expires_at: Time | None = Field(description="When the lease ends now; null for never.")
    ttl: float | None = Field(description="Seconds of the lease; null for one without end.")


class HeartbeatIds(BaseModel):
    """The instances that are alive."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    ids: list[str] = Field(description="Any number of ids, as far as the body's limit goes.")


class Renewal(BaseModel):
    """What became of many leases."""

    model_config = ConfigDict(defer_build=True)

    renewed: int = Field(description="How many were renewed.")
    unknown: list[str] = Field(description="The ids without a lease: those are to register again.")
    forbidden: list[str] = Field(
        default_factory=list,
        description="The ids of instances that the caller may not change; left out where none are.",
    )
