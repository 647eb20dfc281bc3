"""The store that keeps nothing: the registry itself, for as long as the process lives."""

import secrets
from collections.abc import Callable, Mapping, Sequence

from dnsregistry.histogram import Histogram
from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.store import Outage
from dnsregistry.turns import finish_in_turns, take_turns


class MemoryStore:
    """Every change is a plain call; `now` is the registry's clock."""

    def __init__(self, registry: Registry, now: Callable[[], float]) -> None:
        self._registry = registry
        self._now = now
        self._lineage = secrets.token_hex(4)

    @property
    def lineage(self) -> str:
        """Of this run: the next one counts from the start."""
        return self._lineage

    @property
    def outage(self) -> Outage | None:
        """There is none."""
        return None

    async def start(self) -> int | None:
        """Nothing is kept."""
        return None

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """The next run starts with one of its own time."""

    async def stop(self) -> None:
        """Nothing was begun."""

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        return self._registry.grant(instance, self._now(), expected, by=by)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all; others may change the registry between two slices."""
        registry, now = self._registry, self._now
        async for instance in take_turns(instances):
            lease = registry.catalogue.find(instance.id)
            if lease is not None and lease.is_live(now()):
                by.check(lease.instance, instance.owner)
        return [
            registry.grant(instance, now(), by=by).lease
            async for instance in finish_in_turns(instances)
        ]

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease."""
        return self._registry.renew(instance_id, self._now(), by=by)

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        return self._registry.renew_all(instance_ids, self._now(), by=by)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        return self._registry.set_status(instance_id, status, self._now(), expected, by=by)

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give an instance the verdict of its checks."""
        return self._registry.set_health(instance_id, health, self._now())

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        self._registry.revoke(instance_id, self._now(), expected, by=by)

    async def expire(self, most: int) -> float | None:
        """End what is due."""
        self._registry.expire(self._now(), most)
        return self._registry.next_deadline()

    @property
    def commit_times(self) -> Histogram | None:
        """Nothing is."""
        return None

    def tell(self) -> Mapping[str, object]:
        """Its name."""
        return {"engine": "memory"}
