"""An instance: one reachable endpoint of a service, as its owner described it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from dnsregistry.registry.check import Check, Health
from dnsregistry.registry.names import Address, host_label

_NO_LABELS: frozenset[str] = frozenset()

Endpoint = tuple[Address | str, int]


class Status(StrEnum):
    """What the instance's owner says of it."""

    HEALTHY = "healthy"
    # Leaves every answer but that for its own host name, so that open sessions find it again.
    DRAINING = "draining"
    # Leaves all answers.
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True)
class Instance:
    """Checked and in canonical form; `admission.admit` is the way to one.

    Exactly one of `addresses` and `host` is set. `ports` holds named ports beside the main one.
    `ttl` is the length of its lease in seconds, None for a lease without end. `status` is its
    owner's word, `health` the verdict of its checks. `host_label` follows from the id, and is
    asked for at every step. `owner` is the seal of its owner's secret (`warrant.seal`), where it
    has one.
    """

    id: str
    service: str
    protocol: str
    addresses: tuple[Address, ...]
    host: str | None
    port: int
    ports: tuple[tuple[str, int], ...]
    priority: int
    weight: int
    tags: tuple[str, ...]
    capabilities: tuple[str, ...]
    metadata: Mapping[str, object]
    version: str | None
    ttl: float | None
    status: Status
    checks: tuple[Check, ...] = ()
    health: Health = Health.HEALTHY
    owner: str | None = field(default=None, repr=False)
    host_label: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "host_label", host_label(self.id))

    @property
    def is_serving(self) -> bool:
        """Whether owner and checks leave it in its service's answers."""
        return self.status is Status.HEALTHY and self.health is not Health.UNHEALTHY

    @property
    def state(self) -> str:
        """Its status, where that is healthy its health."""
        return self.health if self.status is Status.HEALTHY else self.status

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Where it is reached: each address, or the host name, with the main port."""
        if self.host is not None:
            return ((self.host, self.port),)
        return tuple([(address, self.port) for address in self.addresses])

    @property
    def labels(self) -> frozenset[str]:
        """Its tags and capabilities in lower case: what narrows a question for the service."""
        texts = self.tags + self.capabilities
        return frozenset([text.lower() for text in texts]) if texts else _NO_LABELS
