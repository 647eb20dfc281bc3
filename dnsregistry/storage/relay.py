"""A store that hands everything on to another: what stands around one changes what it has to."""

from collections.abc import Callable, Mapping, Sequence

from dnsregistry.histogram import Histogram
from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.store import Outage, Store


class Relay:
    """Another store, as it is."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def lineage(self) -> str:
        """As of the store."""
        return self._store.lineage

    @property
    def outage(self) -> Outage | None:
        """As of the store."""
        return self._store.outage

    async def start(self) -> int | None:
        """As of the store."""
        return await self._store.start()

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """As of the store."""
        await self._store.follow_serial(tell)

    async def stop(self) -> None:
        """As of the store."""
        await self._store.stop()

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """As of the store."""
        return await self._store.grant(instance, expected, by=by)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """As of the store."""
        return await self._store.grant_all(instances, by=by)

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """As of the store."""
        return await self._store.renew(instance_id, by=by)

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """As of the store."""
        return await self._store.renew_all(instance_ids, by=by)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """As of the store."""
        return await self._store.set_status(instance_id, status, expected, by=by)

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """As of the store."""
        return await self._store.set_health(instance_id, health)

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """As of the store."""
        await self._store.revoke(instance_id, expected, by=by)

    async def expire(self, most: int) -> float | None:
        """As of the store."""
        return await self._store.expire(most)

    @property
    def commit_times(self) -> Histogram | None:
        """As of the store."""
        return self._store.commit_times

    def tell(self) -> Mapping[str, object]:
        """As of the store."""
        return self._store.tell()
