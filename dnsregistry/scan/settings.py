"""The settings of the scan."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from dnsregistry.scan.ranges import Network, parse_networks

MOST_PORTS = 16
"""Of one scan: each asks every address once more."""

_Port = Annotated[int, Field(ge=1, le=65535)]


class ScanSettings(BaseSettings):
    """What `serve` can be told about the identify sweep."""

    scan_ranges: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="Networks whose every address is asked what it is, comma-separated, each at"
        " most a /16; none: nobody is asked.",
    )
    scan_port: Annotated[tuple[_Port, ...], NoDecode] = Field(
        (8080,), description="Ports that are asked there, comma-separated."
    )
    scan_interval: float = Field(
        30,
        ge=1,
        le=86_400,
        description="Seconds between two rounds; what no longer answers expires after two and a"
        " half of them.",
    )
    scan_rate: float = Field(
        250, ge=1, le=10_000, description="Connections a second that the scan begins."
    )

    @field_validator("scan_ranges", mode="before")
    @classmethod
    def _split_ranges(cls, value: object) -> object:
        return parse_networks(_split(value))

    @field_validator("scan_port", mode="before")
    @classmethod
    def _split_ports(cls, value: object) -> object:
        ports = tuple(dict.fromkeys(_split(value)))
        if not ports:
            raise ValueError("names no port")
        if len(ports) > MOST_PORTS:
            raise ValueError(f"names more than {MOST_PORTS} ports")
        return ports


def _split(value: object) -> list[str]:
    items = value.split(",") if isinstance(value, str) else value
    if not isinstance(items, list | tuple):
        items = [items]
    return [str(item).strip() for item in items if str(item).strip()]
