"""The settings: one model, filled from flags over environment over file over default."""

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from dnsregistry.registry.admission import LONGEST_TTL, SHORTEST_TTL
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService

PREFIX = "DNSREGISTRY_"
LONGEST_ORIGIN = 100
"""Octets. `<tag>._sub._<service>._tcp` in front of it then stays under the 255 of a name."""

_NOT_SETTINGS = frozenset({f"{PREFIX}URL"})
_Port = Annotated[int, Field(ge=0, le=65535)]
_Network = IPv4Network | IPv6Network


class SettingsError(Exception):
    """A setting is wrong; the text is one sentence that names it."""


class Settings(BaseSettings):
    """What `serve` can be told."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True
    )

    zone: str = Field("registry.local", description="Origin of the live zone.")
    dns_host: Annotated[tuple[str, ...], NoDecode] = Field(
        ("127.0.0.1",), description="Addresses to answer DNS on; comma-separated."
    )
    dns_port: _Port = Field(5300, description="DNS port, UDP and TCP; 0 takes a free one.")
    http_host: str = Field("127.0.0.1", description="Address of the HTTP API.")
    http_port: _Port = Field(8053, description="HTTP port; 0 takes a free one.")
    store: str = Field("memory://", description="Where registrations are kept.")
    lease_ttl: float = Field(
        30,
        ge=SHORTEST_TTL,
        le=LONGEST_TTL,
        description="Seconds without a heartbeat until an instance expires, where its"
        " registration does not say.",
    )
    dns_ttl: int = Field(5, ge=1, le=86_400, description="TTL of answers, in seconds.")
    negative_ttl: int = Field(1, ge=1, le=3600, description="TTL of denials, in seconds.")
    empty_service: EmptyService = Field(
        EmptyService.NODATA,
        description="Answer of a service without healthy instance: nodata, nxdomain or all.",
    )
    allow_query: Annotated[tuple[_Network, ...], NoDecode] = Field(
        (), description="Networks whose clients DNS answers, comma-separated; any: all."
    )
    tcp_idle: float = Field(
        10, gt=0, le=3600, description="Seconds until an idle DNS connection is closed."
    )
    tcp_connections: int = Field(
        1000, ge=1, description="DNS connections open at once, for each listening address."
    )
    tcp_connections_per_client: int = Field(
        100, ge=1, description="DNS connections open at once from one address."
    )
    body_limit: int = Field(
        1024 * 1024, ge=1024, description="Octets of an HTTP body that is no array."
    )
    array_body_limit: int = Field(
        64 * 1024 * 1024, ge=1024, description="Octets of an HTTP body that is an array."
    )
    chaos_version: str = Field("", description="Text of version.bind; empty: refused.")
    chaos_id: str = Field("", description="Text of id.server; empty: refused.")
    insecure: bool = Field(
        False, description="Let anyone write over HTTP on an address that is not loopback."
    )

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, text: str) -> str:
        name = Name.from_text(text)
        if not name.labels:
            raise ValueError("the root cannot be the live zone")
        if len(name.to_wire()) > LONGEST_ORIGIN:
            raise ValueError(f"is longer than {LONGEST_ORIGIN} octets")
        return str(name).removesuffix(".")

    @field_validator("dns_host", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        hosts = _split(value)
        if not hosts:
            raise ValueError("names no address")
        return tuple(str(ip_address(str(host))) for host in hosts)

    @field_validator("http_host")
    @classmethod
    def _check_http_host(cls, text: str) -> str:
        return str(ip_address(text))

    @field_validator("allow_query", mode="before")
    @classmethod
    def _split_networks(cls, value: object) -> object:
        if value == "any":
            return ()
        return tuple(ip_network(str(network)) for network in _split(value))

    @field_validator("store")
    @classmethod
    def _check_store(cls, url: str) -> str:
        if url != "memory://":
            raise ValueError("the only store there is so far is memory://")
        return url

    @model_validator(mode="after")
    def _check_exposure(self) -> Self:
        if not self.insecure and not ip_address(self.http_host).is_loopback:
            raise ValueError(
                f"HTTP_HOST={self.http_host} would let anyone who reaches it write;"
                " say INSECURE=true if that is meant"
            )
        return self


def load(
    flags: Mapping[str, object], environment: Mapping[str, str], config: Path | None
) -> tuple[Settings, list[str]]:
    """Return the settings, and a warning for each variable that looks like one and is none.

    Flags by field name, those not given left out. Raises SettingsError.
    """
    from_file = {} if config is None else _read_file(config)

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, from_file)

    values: dict[str, Any] = dict(flags)
    try:
        settings = Sourced(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error)) from None
    return settings, [_warn(name) for name in environment if _is_stray(name)]


def _read_file(path: Path) -> dict[str, object]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path} is no TOML: {error}") from None
    values = {key.lower(): value for key, value in content.items()}
    for key in values:
        if key not in Settings.model_fields:
            raise SettingsError(f"{path} has no such setting: {key}{_suggest(key)}")
    return values


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    text = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return text
    name = str(first["loc"][0]).upper()
    return f"{name}={first['input']}: {text[0].lower()}{text[1:]}"


def _is_stray(variable: str) -> bool:
    name = variable.removeprefix(PREFIX).lower()
    known = name in Settings.model_fields or variable in _NOT_SETTINGS
    return variable.startswith(PREFIX) and not known


def _warn(variable: str) -> str:
    suggestion = _suggest(variable.removeprefix(PREFIX).lower())
    return f"the variable {variable} is no setting{suggestion}"


def _suggest(key: str) -> str:
    close = get_close_matches(key, Settings.model_fields, n=1)
    return f"; did you mean {close[0].upper()}?" if close else ""


def _split(value: object) -> list[object]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]
