"""The settings of checks."""

import math
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode

from dnsregistry.health.guard import GuardRule
from dnsregistry.health.probing.pattern import check_patterns
from dnsregistry.health.targets import ALLOWED
from dnsregistry.registry.check import Check
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.errors import InvalidField

_Network = IPv4Network | IPv6Network
EVERYWHERE: tuple[_Network, ...] = (ip_network("0.0.0.0/0"), ip_network("::/0"))
LONGEST_LIMIT = 3600
"""Seconds. A guard that holds for longer is one that never lets go."""
_PATTERN = re.compile(r"[a-z0-9_-]*\*?")
_DETAILS = {"http": "path", "https": "path", "grpc": "service", "dns": "name"}
"""What stands behind the colon of a check in one word."""


class HealthSettings(BaseSettings):
    """What `serve` can be told about checks."""

    probe_networks: Annotated[tuple[_Network, ...], NoDecode] = Field(
        ALLOWED,
        description="Networks whose addresses checks may connect to, comma-separated; any:"
        " public ones too. Link-local, metadata, multicast and our own ports never.",
    )
    probe_concurrency: int = Field(
        1000, ge=1, le=100_000, description="Probes under way at once; one is a socket."
    )
    service_checks: Annotated[dict[str, tuple[Check, ...]], NoDecode] = Field(
        {},
        description="Checks of services whose registrations bring none: name=http:/health,"
        " name=tcp, name=grpc:service, name=dns:name, comma-separated; a name may end in *; in"
        " the file also lists of whole checks.",
    )
    guard_threshold: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Part of a service above which instances that fail at once, three at least,"
        " stay answered for a while; 1: none ever does.",
    )
    guard_limit: float = Field(
        60, gt=0, le=LONGEST_LIMIT, description="Seconds for which they do, at most."
    )
    service_guards: Annotated[dict[str, GuardRule], NoDecode] = Field(
        {},
        description="The same by service: name=threshold, name=threshold/seconds or name=off,"
        " comma-separated; a name may end in *.",
    )
    slow_start: float = Field(
        0,
        ge=0,
        le=3600,
        description="Seconds over which the weight of an instance grows that has turned"
        " healthy; 0: at once.",
    )

    @field_validator("probe_networks", mode="before")
    @classmethod
    def _split_probe_networks(cls, value: object) -> object:
        if value == "any":
            return EVERYWHERE
        return tuple(ip_network(str(network)) for network in _split(value))

    @field_validator("service_checks", mode="before")
    @classmethod
    def _split_checks(cls, value: object) -> object:
        return {name: _read_checks(name, given) for name, given in _pairs(value)}

    @field_validator("service_guards", mode="before")
    @classmethod
    def _split_guards(cls, value: object) -> object:
        return {name: _read_rule(name, given) for name, given in _pairs(value)}

    @property
    def guard_rule(self) -> GuardRule:
        """The rule of services that have none of their own."""
        return GuardRule(self.guard_threshold, self.guard_limit)

    def guard_rule_of(self, found: GuardRule | None) -> GuardRule:
        """A service's own rule, with the limit of all where it says none."""
        if found is None:
            return self.guard_rule
        limit = self.guard_limit if math.isinf(found.limit) else found.limit
        return GuardRule(found.threshold, limit)


def _pairs(value: object) -> list[tuple[str, object]]:
    """Names and what is said of them. Raises ValueError."""
    if isinstance(value, Mapping):
        given = [(str(name), said) for name, said in value.items()]
    else:
        given = []
        for item in _split(value):
            name, equals, said = str(item).partition("=")
            if not equals:
                raise ValueError(f"{item} is not of the form name=value")
            given.append((name.strip(), said.strip()))
    for name, _ in given:
        if not name or not _PATTERN.fullmatch(name.lower()):
            raise ValueError(f"{name!r} is no service name, nor one with a * at its end")
    return [(name.lower(), said) for name, said in given]


def _read_checks(name: str, given: object) -> tuple[Check, ...]:
    if isinstance(given, tuple) and all(isinstance(check, Check) for check in given):
        return given
    if isinstance(given, str):
        kind, _, detail = given.partition(":")
        described: dict[str, object] = {"type": kind}
        if detail:
            if kind not in _DETAILS:
                raise ValueError(f"{name}={given}: {kind!r} has nothing behind a colon")
            described[_DETAILS[kind]] = detail
        given = [described]
    try:
        checks = admit_checks(given if isinstance(given, list) else [given], name)
        check_patterns(checks, name)
    except InvalidField as fault:
        raise ValueError(str(fault)) from None
    return checks


def _read_rule(name: str, given: object) -> GuardRule:
    if isinstance(given, GuardRule):
        return given
    text = str(given)
    if text == "off":
        return GuardRule(None, math.inf)
    match = re.fullmatch(r"(0(?:\.[0-9]+)?|1(?:\.0+)?)(?:/([0-9]+))?", text, re.ASCII)
    if match is None or not 1 <= int(match[2] or 1) <= LONGEST_LIMIT:
        raise ValueError(
            f"{name}={text} is not off, nor a part from 0 to 1 with /seconds up to {LONGEST_LIMIT}"
        )
    return GuardRule(float(match[1]), float(match[2]) if match[2] else math.inf)


def _split(value: object) -> list[object]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return list(value) if isinstance(value, list | tuple) else [value]
