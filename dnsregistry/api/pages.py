"""Pages of leases and of service counts, each at a bounded cost.

Rules:
- Instances come in the order of first registration, so a reader who goes on with the cursor
  misses nothing that stays and sees nothing twice.
- A page looks at a bounded number of leases. Where few of them match, it is short, even
  empty, and its cursor goes on: only a null cursor is the end.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from dnsregistry.api.query import write_instance_cursor, write_service_cursor
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

MOST_LOOKED = 10_000
"""Leases that one page looks at: a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instances are asked for; names in lower case, None for any."""

    service: str | None = None
    health: str | None = None
    tag: str | None = None
    capability: str | None = None

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is asked for."""
        return (
            (self.service is None or instance.service == self.service)
            and (self.health is None or instance.state == self.health)
            and (self.tag is None or _holds(instance.tags, self.tag))
            and (self.capability is None or _holds(instance.capabilities, self.capability))
        )

    def candidates(self, catalogue: Catalogue, after: int) -> Iterator[Lease]:
        """Leases that may be asked for, in order of sequence, from above a number."""
        narrow = min(self._indexed(catalogue), key=len, default=None)
        if narrow is None or len(narrow) > MOST_LOOKED:
            return catalogue.after(after)
        later = (lease for lease in narrow if lease.sequence > after)
        return iter(sorted(later, key=lambda lease: lease.sequence))

    def _indexed(self, catalogue: Catalogue) -> Iterator[Collection[Lease]]:
        if self.capability is not None:
            yield catalogue.capable(self.capability)
        if self.service is not None:
            yield catalogue.of_service(self.service)
            for label in (self.tag, self.capability):
                if label is not None:
                    yield catalogue.labelled(self.service, label)


@dataclass(frozen=True, slots=True)
class LeasePage:
    """Leases, and the cursor of the next page."""

    leases: list[Lease]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many live instances a service has, and how many of them are healthy."""

    name: str
    instances: int
    healthy: int


@dataclass(frozen=True, slots=True)
class CountPage:
    """Services with a live instance, and the cursor of the next page."""

    counts: list[Count]
    next_cursor: str | None


def read_leases(
    catalogue: Catalogue, wanted: Wanted, *, after: int, limit: int, now: float
) -> LeasePage:
    """Up to `limit` live leases that are asked for, from above a sequence number."""
    leases: list[Lease] = []
    last = after
    for looked, lease in enumerate(wanted.candidates(catalogue, after)):
        if looked == MOST_LOOKED:
            return LeasePage(leases, write_instance_cursor(last))
        if lease.is_live(now) and wanted.takes(lease.instance):
            if len(leases) == limit:
                return LeasePage(leases, write_instance_cursor(last))
            leases.append(lease)
        last = lease.sequence
    return LeasePage(leases, None)


def read_counts(catalogue: Catalogue, *, after: str, limit: int, now: float) -> CountPage:
    """The counts of up to `limit` services in alphabetical order, from above a name."""
    names = catalogue.services_after(after, limit + 1)
    budget = MOST_LOOKED
    counts: list[Count] = []
    for name in names[:limit]:
        count = count_service(catalogue, name, now, budget)
        budget -= min(budget, len(catalogue.of_service(name)))
        if count.instances:
            counts.append(count)
    return CountPage(counts, write_service_cursor(names[limit - 1]) if names[limit:] else None)


def count_service(catalogue: Catalogue, name: str, now: float, budget: int = MOST_LOOKED) -> Count:
    """The counts of one service.

    Up to `budget` leases each is asked whether it is live. Above, the catalogue's own numbers
    stand: a lease that has just passed its deadline counts until it is swept.
    """
    leases = catalogue.of_service(name)
    if len(leases) > budget:
        return Count(name, len(leases), catalogue.count_healthy(name))
    live = sum(lease.is_live(now) for lease in leases)
    return Count(name, live, sum(lease.is_answered(now) for lease in leases))


def _holds(texts: tuple[str, ...], label: str) -> bool:
    return any(text.lower() == label for text in texts)
