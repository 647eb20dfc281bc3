"""What the registry tells, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


class Unreadable(ValueError):
    """The answer is not one of a registry."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an instance is reached. `host` is an address or a host name.

    Of several endpoints those of the lowest `priority` are to be used, more often those of a
    higher `weight` (RFC 2782). `id` is the instance's, None where DNS did not tell it.
    """

    host: str
    port: int
    priority: int = 0
    weight: int = 1
    id: str | None = None

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance as the registry describes it.

    `state` is one word for people: its status where that is not healthy, else its health.
    `told` is the whole description, with all that has no field here.
    """

    id: str
    service: str
    addresses: tuple[str, ...]
    port: int
    priority: int
    weight: int
    ttl: float | None
    status: str
    health: str
    revision: int
    tags: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    dns: tuple[str, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> str:
        """`draining`, `maintenance`, or what its checks say."""
        return self.health if self.status == "healthy" else self.status

    @property
    def is_serving(self) -> bool:
        """Whether clients are sent to it; one that is `degraded` is, for want of certainty."""
        return self.status == "healthy" and self.health != "unhealthy"

    @property
    def endpoint(self) -> Endpoint:
        """Where it is reached."""
        return Endpoint(self.addresses[0], self.port, self.priority, self.weight, self.id)

    @classmethod
    def read(cls, told: object) -> "Instance":
        """The instance that parsed JSON describes. Raises Unreadable."""
        try:
            given: Mapping[str, Any] = told  # type: ignore[assignment]
            address = given["address"]
            ttl = given["ttl"]
            if not address:
                raise ValueError("no address")
            return cls(
                id=str(given["id"]),
                service=str(given["service"]),
                addresses=(address,) if isinstance(address, str) else tuple(map(str, address)),
                port=int(given["port"]),
                priority=int(given["priority"]),
                weight=int(given["weight"]),
                ttl=None if ttl is None else float(ttl),
                status=str(given["status"]),
                health=str(given.get("health", given["status"])),
                revision=int(given["revision"]),
                tags=tuple(given["tags"]),
                metadata=dict(given["metadata"]),
                dns=tuple(given["dns"]),
                told=given,
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise Unreadable(f"no instance: {error!r}") from None


@dataclass(frozen=True, slots=True)
class Service:
    """A service, how many instances it has, and how many of them are healthy."""

    name: str
    instances: int
    healthy: int


@dataclass(frozen=True, slots=True)
class Event:
    """A change that a watcher is told of.

    `kind` is `registered`, `updated`, `removed` or `expired`, and `instance` the one it is
    about; or `reset`: whatever was known before is void, and `instances` are all that there are.
    """

    kind: str
    revision: int
    instance: Instance | None = None
    instances: Sequence[Instance] = ()
