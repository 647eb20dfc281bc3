"""How the live zone answers, as its owner decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from dnsregistry.registry.names import Address
from dnsregistry.zone.name import Name
from dnsregistry.zone.patterns import Patterns

_NONE: Patterns[int] = Patterns({})


class EmptyService(StrEnum):
    """What a service answers whose instances are all out of its answers."""

    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    # All that is not in maintenance: better a draining instance than none.
    ALL = "all"


@dataclass(frozen=True, slots=True)
class LivePolicy:
    """TTLs in seconds; `name_server` are the addresses at which this server is asked.

    `ttls` and `limits` are by service: the longest TTL of its records in place of `ttl`, and the
    most records of an answer, 0 for all.
    """

    origin: Name
    ttl: int
    negative_ttl: int
    empty_service: EmptyService
    name_server: Sequence[Address]
    ttls: Patterns[int] = _NONE
    limits: Patterns[int] = _NONE

    def ttl_of(self, service: str) -> int:
        """The longest TTL of a service's records."""
        ttl = self.ttls.find(service)
        return self.ttl if ttl is None else ttl

    def limit_of(self, service: str) -> int:
        """The most records that a service's answer is to have, 0 for all."""
        return self.limits.find(service) or 0
