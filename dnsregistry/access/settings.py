"""The settings of who may do what, and how much of it."""

from enum import StrEnum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from dnsregistry.access.buckets import Network
from dnsregistry.access.origins import parse_origin
from dnsregistry.access.scopes import check_patterns

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class AuditLevel(StrEnum):
    """Of which writes there is a line."""

    OFF = "off"
    WRITES = "writes"
    # Heartbeats too.
    ALL = "all"


class AccessSettings(BaseSettings):
    """What `serve` can be told of callers and their limits."""

    tokens_file: Path | None = Field(
        None,
        description="TOML file with the tokens that HTTP asks for (dnsregistry token create);"
        " followed when it changes; none: whoever reaches HTTP may read and write.",
    )
    dialects_open: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Services that dialects' clients, which send no token, may write where"
        " TOKENS_FILE is given: patterns, comma-separated; *: all.",
    )
    audit: AuditLevel = Field(
        AuditLevel.OFF,
        description="Lines in the log of who wrote what: off, writes, or all, which has"
        " heartbeats too.",
    )
    http_rate_limit: int = Field(
        0, ge=0, description="HTTP requests a second from one client; 0: no limit."
    )
    http_rate_limit_exempt: Annotated[tuple[Network, ...], NoDecode] = Field(
        LOOPBACK, description="Networks without limit of HTTP requests, comma-separated."
    )
    http_connections: int = Field(
        10_000, ge=1, description="HTTP and HTTPS connections open at once."
    )
    http_connections_per_client: int = Field(
        2_500, ge=1, description="HTTP and HTTPS connections open at once from one address."
    )
    http_header_size: int = Field(
        8190,
        ge=1024,
        le=65_536,
        description="Octets of an HTTP request line, and of each header field.",
    )
    http_header_timeout: float = Field(
        10,
        gt=0,
        le=75,
        description="Seconds that the head of an HTTP request may take to come whole.",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose web pages may use the HTTP API, comma-separated; *: all."
    )
    tls_client_ca: Path | None = Field(
        None,
        description="Certificates, PEM, of those who sign client certificates for HTTPS; followed"
        " when it changes. TOKENS_FILE says what a certificate's name may do.",
    )
    tls_client_required: bool = Field(
        False, description="Take no HTTPS connection without a client certificate."
    )

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_cors_origins(cls, value: object) -> object:
        return tuple(map(parse_origin, _split(value)))

    @field_validator("dialects_open", mode="before")
    @classmethod
    def _split_open(cls, value: object) -> object:
        return check_patterns(_split(value))

    @field_validator("http_rate_limit_exempt", mode="before")
    @classmethod
    def _split_exempt_networks(cls, value: object) -> object:
        return tuple(map(ip_network, map(str, _split(value))))


def _split(value: object) -> list[str]:
    entries = value.split(",") if isinstance(value, str) else value
    if not isinstance(entries, list | tuple):
        raise ValueError("must be texts, comma-separated")
    return [text for entry in entries if (text := str(entry).strip())]
