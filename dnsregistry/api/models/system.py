"""The program's own state as it is told."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from dnsregistry.api.context import ReadyState


class Alive(BaseModel):
    """The event loop turns."""

    model_config = ConfigDict(defer_build=True)

    status: Literal["ok"]
    version: str = Field(description="The program's version.")


class Ready(BaseModel):
    """How far answers can be relied on."""

    model_config = ConfigDict(defer_build=True)

    status: ReadyState
    reasons: list[str] | None = Field(None, description="What is not as it should be.")


class RegistryNumbers(BaseModel):
    """What is registered."""

    model_config = ConfigDict(defer_build=True)

    instances: int
    serving: int = Field(description="Instances that belong in answers.")
    services: int
    revision: int = Field(description="Grows by one with every change.")
    changes: dict[str, int] = Field(description="Changes by kind.")
    heartbeats: int = Field(description="Heartbeats that renewed a lease.")


class ZoneNumbers(BaseModel):
    """The live zone."""

    model_config = ConfigDict(defer_build=True)

    origin: str
    serial: int = Field(description="The SOA serial: grows with every change that DNS can see.")


class HttpNumbers(BaseModel):
    """Requests over HTTP."""

    model_config = ConfigDict(defer_build=True)

    requests: int
    internal_errors: int


class Stats(BaseModel):
    """The program's numbers since its start, for people. More may come."""

    model_config = ConfigDict(defer_build=True)

    version: str
    uptime: float = Field(description="Seconds.")
    event_loop_lag: dict[str, object] = Field(description="By how much the event loop was late.")
    registry: RegistryNumbers
    store: dict[str, object] = Field(description="Where registrations are kept.")
    zone: ZoneNumbers
    zone_files: dict[str, object] = Field(description="Static zones.")
    dns: dict[str, object] = Field(description="Questions and answers.")
    watch: dict[str, object] = Field(description="Who watches changes.")
    access: dict[str, object] = Field(description="Connections and tokens.")
    health: dict[str, object] = Field(description="Checks.")
    http: HttpNumbers
    workers: dict[str, object] | None = Field(None, description="Processes beside this one.")
    forward: dict[str, object] | None = Field(None, description="Upstreams and their cache.")
    scan: dict[str, object] | None = Field(None, description="The identify sweep.")
    log: dict[str, object] | None = Field(None, description="Lines that wait, or had no room.")
