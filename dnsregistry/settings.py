"""The settings: one model, filled from flags over environment over file over default."""

import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from dnsregistry.access.settings import AccessSettings
from dnsregistry.answers.access import EVERYONE
from dnsregistry.api.dialects.known import DIALECTS, USUAL_PORTS
from dnsregistry.api.dialects.places import Place
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.api.dialects.variables import Followed, VariableError, follow_variables
from dnsregistry.api.watching.settings import WatchSettings
from dnsregistry.forward.plan import parse_upstreams
from dnsregistry.health.settings import HealthSettings
from dnsregistry.log.settings import LogSettings
from dnsregistry.registry.admission import LONGEST_TTL, SHORTEST_TTL
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.names import check_host
from dnsregistry.registry.registry import Registry
from dnsregistry.scan.settings import ScanSettings
from dnsregistry.storage.engines import build_store
from dnsregistry.storage.sqlite.place import default_url
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService
from dnsregistry.zone.reverse import reverse_origin

PREFIX = "DNSREGISTRY_"
LONGEST_ORIGIN = 100
"""Octets. `<tag>._sub._<service>._tcp` in front of it then stays under the 255 of a name."""

# Passwords are not told, not even to whoever mistyped the rest.
_SECRETS = re.compile(r"(?<=//)\S*(?=@)|(?<=password=)[^&\s]+")
_NOT_SETTINGS = frozenset(f"{PREFIX}{name}" for name in ("URL", "TOKEN", "OWNER_SECRET", "CA_FILE"))
_Port = Annotated[int, Field(ge=0, le=65535)]
_Network = IPv4Network | IPv6Network


PRIVATE = tuple(
    map(
        ip_network,
        (
            *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
            *("::1/128", "fc00::/7", "fe80::/10"),
        ),
    )
)
"""Loopback, private and link-local networks (RFC 1918, 3927, 4193, 4291)."""


class SettingsError(Exception):
    """A setting is wrong; the text is one sentence that names it."""


class Settings(
    AccessSettings, DialectSettings, HealthSettings, LogSettings, ScanSettings, WatchSettings
):
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
    store: str = Field(
        "",
        description="Where registrations are kept: sqlite:///PATH, redis://HOST for a"
        " cluster, or memory:// for nowhere;"
        " empty: a SQLite file in the user's state directory.",
    )
    store_prefix: str = Field(
        "dnsregistry",
        pattern=r"^[A-Za-z0-9._:/-]{1,100}$",
        description="What the keys of a Redis store begin with: one for each cluster.",
    )
    store_replicas: int = Field(
        0,
        ge=0,
        le=10,
        description="Replicas of a Redis store that must have a change before it is answered.",
    )
    store_snapshot: Path | None = Field(
        None,
        description="File of this node's own beside a Redis store, to answer from where the node"
        " starts and the store is not there.",
    )
    lease_ttl: float = Field(
        30,
        ge=SHORTEST_TTL,
        le=LONGEST_TTL,
        description="Seconds without a heartbeat until an instance expires, where its"
        " registration does not say.",
    )
    dns_ttl: int = Field(5, ge=1, le=86_400, description="TTL of answers, in seconds.")
    service_ttls: Annotated[dict[str, int], NoDecode] = Field(
        {},
        description="TTL by service, over DNS_TTL: name=seconds, comma-separated; a name may"
        " end in *, the longest match wins.",
    )
    service_limits: Annotated[dict[str, int], NoDecode] = Field(
        {},
        description="Most records of a service's answers: name=number, comma-separated; a name"
        " may end in *; each client keeps getting the same ones.",
    )
    negative_ttl: int = Field(1, ge=1, le=3600, description="TTL of denials, in seconds.")
    empty_service: EmptyService = Field(
        EmptyService.NODATA,
        description="Answer of a service without healthy instance: nodata, nxdomain or all.",
    )
    allow_query: Annotated[tuple[_Network, ...], NoDecode] = Field(
        EVERYONE, description="Networks whose clients DNS answers, comma-separated; any: all."
    )
    reverse_zones: Annotated[tuple[_Network, ...] | Literal["auto"], NoDecode] = Field(
        (),
        description="Networks whose reverse names we own, comma-separated; auto: the /24 and"
        " /64 of registered addresses.",
    )
    zones_dir: Path = Field(
        Path("zones"), description="Folder of static zones, each a master file <origin>.zone."
    )
    upstreams: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Resolvers for names that are not ours, comma-separated: ADDRESS[:PORT],"
        " system for the machine's own, corp.example=ADDRESS+ADDRESS for some names alone;"
        " none: such names are refused.",
    )
    allow_recursion: Annotated[tuple[_Network, ...], NoDecode] = Field(
        PRIVATE,
        description="Networks whose clients have names that are not ours resolved,"
        " comma-separated; any: all; empty: nobody's.",
    )
    rate_limit: int = Field(
        100,
        ge=0,
        description="UDP responses a second to one network (/24, /56); 0: no limit.",
    )
    rate_limit_exempt: Annotated[tuple[_Network, ...], NoDecode] = Field(
        PRIVATE, description="Networks without rate limit, comma-separated."
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
    workers: int = Field(
        0,
        ge=0,
        le=256,
        description="DNS processes that share the port, beside the one that has the registry;"
        " 0: that one answers; auto: one a processor, but for one.",
    )
    tls_cert: Path | None = Field(
        None,
        description="Certificate chain for DNS over TLS and HTTPS, PEM; reloaded when it changes.",
    )
    tls_key: Path | None = Field(None, description="Its key, where not in the same file.")
    dot_port: _Port = Field(8853, description="Port of DNS over TLS, where TLS_CERT is given.")
    https_port: _Port = Field(
        8443, description="Port of HTTPS, DNS over HTTPS with it, where TLS_CERT is given."
    )
    https_host: str = Field(
        "", description="Address of HTTPS, where it is another than HTTP_HOST; empty: that."
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
        False,
        description="Let anyone write over HTTP, without TOKENS_FILE, on an address that is not"
        " loopback.",
    )

    @field_validator("zone")
    @classmethod
    def _check_zone(cls, text: str) -> str:
        try:
            name = Name.from_text(check_host("zone", text))
        except InvalidField as error:
            raise ValueError(error.rule) from None
        if len(name.to_wire()) > LONGEST_ORIGIN:
            raise ValueError(f"is longer than {LONGEST_ORIGIN} octets")
        return str(name).removesuffix(".")

    @field_validator("dns_host", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        hosts = _split(value)
        if not hosts:
            raise ValueError("names no address")
        addresses = [str(ip_address(str(host))) for host in hosts]
        if len(set(addresses)) < len(addresses):
            raise ValueError("names an address twice")
        return tuple(addresses)

    @field_validator("http_host", "https_host")
    @classmethod
    def _check_http_host(cls, text: str, info: ValidationInfo) -> str:
        return str(ip_address(text)) if text or info.field_name == "http_host" else text

    @field_validator("allow_query", "allow_recursion", mode="before")
    @classmethod
    def _split_clients(cls, value: object) -> object:
        return EVERYONE if value == "any" else _split_networks(value)

    @field_validator("allow_query")
    @classmethod
    def _check_clients(cls, networks: tuple[_Network, ...]) -> tuple[_Network, ...]:
        if not networks:
            raise ValueError("names no network; say any for all clients")
        return networks

    @field_validator("upstreams", mode="before")
    @classmethod
    def _split_upstreams(cls, value: object) -> object:
        entries = tuple(str(entry) for entry in _split(value))
        parse_upstreams(entries)
        return entries

    @field_validator("rate_limit_exempt", mode="before")
    @classmethod
    def _split_exempt(cls, value: object) -> object:
        return _split_networks(value)

    @field_validator("reverse_zones", mode="before")
    @classmethod
    def _split_reverse_zones(cls, value: object) -> object:
        if value == "auto":
            return value
        networks = _split_networks(value)
        for network in networks:
            reverse_origin(network)
        return networks

    @field_validator("workers", mode="before")
    @classmethod
    def _count_workers(cls, value: object) -> object:
        if value != "auto":
            return value
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
        return max(1, (processors or os.cpu_count() or 1) - 1)

    @field_validator("service_ttls", mode="before")
    @classmethod
    def _split_ttls(cls, value: object) -> object:
        return _split_patterns(value, 1, 86_400)

    @field_validator("service_limits", mode="before")
    @classmethod
    def _split_limits(cls, value: object) -> object:
        return _split_patterns(value, 0, 65_535)

    @field_validator("store")
    @classmethod
    def _check_store(cls, url: str) -> str:
        url = url or default_url()
        build_store(url, Registry(), lambda: 0.0)
        return url

    @model_validator(mode="after")
    def _check_key(self) -> Self:
        if self.tls_key is not None and self.tls_cert is None:
            raise ValueError("TLS_KEY is given without TLS_CERT")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("TLS_CLIENT_CA is given without TLS_CERT")
        if self.tls_client_required and self.tls_client_ca is None:
            raise ValueError("TLS_CLIENT_REQUIRED is given without TLS_CLIENT_CA")
        return self

    @model_validator(mode="after")
    def _check_exposure(self) -> Self:
        if self.tokens_file is not None:
            if self.places and not self.dialects_open:
                raise ValueError(
                    f"DIALECTS={self.places[0]} would let its clients, which send no token, write"
                    " past TOKENS_FILE; say DIALECTS_OPEN=* or which services, if that is meant"
                )
            return self
        hosts = {"HTTP_HOST": self.http_host}
        if self.tls_cert is not None and self.https_host:
            hosts["HTTPS_HOST"] = self.https_host
        for name, host in () if self.insecure else hosts.items():
            if not ip_address(host).is_loopback:
                raise ValueError(
                    f"{name}={host} would let anyone who reaches it write; give TOKENS_FILE,"
                    " or say INSECURE=true if that is meant"
                )
        for place in () if self.insecure else self.places:
            if place.host is not None and not ip_address(place.host).is_loopback:
                raise ValueError(
                    f"DIALECTS={place} would let anyone who reaches it write; give TOKENS_FILE"
                    " and DIALECTS_OPEN, or say INSECURE=true if that is meant"
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

    settings = _make(Sourced, flags, {})
    if settings.dialects:
        followed = _follow(settings, environment)
        told = {**flags, **followed.settings, "dialects": _write_places(followed.places)}
        settings = _make(Sourced, told, followed.said_by)
    return settings, [_warn(name) for name in environment if _is_stray(name)]


def _make(
    sourced: type[Settings], flags: Mapping[str, object], said_by: Mapping[str, str]
) -> Settings:
    values: dict[str, Any] = dict(flags)
    try:
        return sourced(**values)
    except ValidationError as error:
        raise SettingsError(_explain(error, said_by)) from None


def _follow(settings: Settings, environment: Mapping[str, str]) -> Followed:
    """What the variables of the dialects' documents say beside the settings."""
    given = settings.model_fields_set
    try:
        return follow_variables(DIALECTS, settings.places, given, environment)
    except VariableError as error:
        raise SettingsError(str(error)) from None


def _write_places(places: Sequence[Place]) -> str:
    return ",".join(str(place.at(port=USUAL_PORTS[place.dialect])) for place in places)


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


def _explain(error: ValidationError, said_by: Mapping[str, str]) -> str:
    first = error.errors(include_url=False)[0]
    text = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return text
    field = str(first["loc"][0])
    name = said_by.get(field, field.upper())
    given = hide_secrets(str(first["input"]))
    return f"{name}={given}: {text[0].lower()}{text[1:]}"


def hide_secrets(url: str) -> str:
    """The URL without the login and the passwords in it, whole or not."""
    return _SECRETS.sub("...", url)


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


def _split_networks(value: object) -> tuple[_Network, ...]:
    return tuple(ip_network(str(network)) for network in _split(value))


def _split_patterns(value: object, least: int, most: int) -> dict[str, int]:
    items = value.items() if isinstance(value, Mapping) else map(_split_pair, _split(value))
    patterns: dict[str, int] = {}
    for name, number in items:
        stem = str(name).lower().removesuffix("*")
        if not re.fullmatch(r"[a-z0-9_-]*", stem):
            raise ValueError(f"{name} is no service name, nor one with a * at its end")
        if not str(number).isdecimal() or not least <= int(number) <= most:
            raise ValueError(f"{name}={number} is not a number from {least} to {most}")
        patterns[str(name).lower()] = int(number)
    return patterns


def _split_pair(item: object) -> tuple[str, str]:
    name, equals, number = str(item).partition("=")
    if not equals:
        raise ValueError(f"{item} is not of the form name=number")
    return name.strip(), number.strip()


def _split(value: object) -> list[object]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]
