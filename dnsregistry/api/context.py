"""What the API is given to work with."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from dnsregistry.api.door import Door
from dnsregistry.api.watching.watching import Watching
from dnsregistry.health.desk import Desk
from dnsregistry.registry.check import Check
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.store import Store


class ReadyState(StrEnum):
    """How far the program can do its work."""

    STARTING = "starting"
    READY = "ready"
    # Answers from memory while something that it leans on is away.
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state, and where it is degraded, why."""

    state: ReadyState
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Api:
    """The registry to read, the store that changes it, and what else a request needs.

    `now` is unix time in seconds on a clock that never runs backwards. `lease_ttl` is the
    ttl, in seconds, of a registration that names none. `new_id` makes up an id and is asked
    again while that is taken. `check` raises InvalidField for an instance that could not be
    answered at a time. `dns_names` are the owner names that answer with an instance.
    `desk` tells of checks, and is None where none are made. `door` tells who a request is from.
    `body_limit` and `array_body_limit` are octets after decompression. `is_loaded` tells whether
    the registry holds what the store does, or did once. `run` is another one after each start.
    """

    registry: Registry
    store: Store
    watching: Watching
    now: Callable[[], float]
    lease_ttl: float
    new_id: Callable[[], str]
    check: Callable[[Instance, float], None]
    dns_names: Callable[[Instance], Sequence[str]]
    stats: Callable[[], Mapping[str, object]]
    readiness: Callable[[], Readiness]
    version: str
    desk: Desk | None = None
    door: Door = field(default_factory=Door)
    body_limit: int = 1024 * 1024
    array_body_limit: int = 64 * 1024 * 1024
    # Long enough for one lost packet and its retransmissions on a bad line.
    body_patience: float = 20.0
    is_loaded: Callable[[], bool] = lambda: True
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    def default_checks(self, service: str) -> tuple[Check, ...]:
        """The checks of a registration that brings none, by its service in any case."""
        return () if self.desk is None else self.desk.default_of(service.lower())
