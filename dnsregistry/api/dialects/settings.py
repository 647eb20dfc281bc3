"""The settings of the dialects.

Each is a flag, a DNSREGISTRY_ variable and a key of the file like all settings; the documents'
own variables fill them while their dialect is on (`variables.py`).
"""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from dnsregistry.access.origins import parse_origin
from dnsregistry.api.dialects.known import USUAL_PORTS
from dnsregistry.api.dialects.places import Place, parse_places
from dnsregistry.registry.admission import LONGEST_TTL, SHORTEST_TTL


class DialectSettings(BaseSettings):
    """What `serve` can be told about dialects."""

    dialects: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Dialects to speak, comma-separated: name, name:port, name:host:port, or"
        f" all; there are {', '.join(USUAL_PORTS)}.",
    )
    modularity_interval: float = Field(
        30,
        ge=0.1,
        le=86_400,
        description="Seconds between two health checks of a service of modularity"
        " (HEALTH_CHECK_INTERVAL).",
    )
    modularity_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose web pages may use modularity, comma-separated; *: all."
    )
    modularity_debug: bool = Field(
        False, description="A line in the log for each request to modularity (REGISTRY_DEBUG)."
    )
    ip_port_ttl: float = Field(
        10,
        ge=SHORTEST_TTL,
        le=LONGEST_TTL,
        description="Seconds without a heartbeat until an instance of ip-port expires"
        " (HEARTBEAT_TIMEOUT_SECONDS).",
    )
    ip_port_instances: int = Field(
        10,
        ge=1,
        description="Most instances of a service that ip-port registers"
        " (MAX_INSTANCES_PER_SERVICE).",
    )
    ip_port_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        ("http://localhost:3000", "http://localhost:8080"),
        description="Origins whose web pages may use ip-port, comma-separated; *: all"
        " (ALLOWED_ORIGINS).",
    )
    ip_port_cleanup: float = Field(
        5,
        gt=0,
        description="Told by ip-port as its clean-up interval, and nothing else: what expires is"
        " gone at once (CLEANUP_INTERVAL_SECONDS).",
    )
    agents_health_port: int = Field(
        8100,
        ge=0,
        le=65535,
        description="Port of the agents' /health (SERVICE_REGISTRY_HEALTH_PORT).",
    )
    base_url_ttl: float = Field(
        30,
        ge=SHORTEST_TTL,
        le=LONGEST_TTL,
        description="Seconds without a heartbeat until an instance of base-url expires"
        " (HEARTBEAT_TIMEOUT).",
    )
    base_url_cleanup: float = Field(
        10,
        gt=0,
        description="Told by base-url as its clean-up interval, and nothing else: what expires"
        " is gone at once (CLEANUP_INTERVAL).",
    )

    @field_validator("dialects", mode="before")
    @classmethod
    def _split_dialects(cls, value: object) -> object:
        return tuple(map(str, parse_places(_split(value), USUAL_PORTS)))

    @field_validator("ip_port_origins", "modularity_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        return tuple(map(parse_origin, _split(value)))

    @property
    def places(self) -> tuple[Place, ...]:
        """The dialects that are on, and what is said of where."""
        return parse_places(self.dialects, USUAL_PORTS)


def _split(value: object) -> list[str]:
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise ValueError("must be texts, comma-separated")
    return [text for entry in entries if (text := str(entry).strip())]
