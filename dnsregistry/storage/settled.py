"""A store whose changes are known to others too before they are answered."""

from collections.abc import Awaitable, Callable, Sequence

from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.relay import Relay
from dnsregistry.storage.store import Store


class Settled(Relay):
    """Another store, and what is waited for after each change that it made.

    Heartbeats and ends of leases are not waited for: neither makes an answer untrue.
    """

    def __init__(self, store: Store, settle: Callable[[], Awaitable[None]]) -> None:
        super().__init__(store)
        self._settle = settle

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        grant = await self._store.grant(instance, expected, by=by)
        await self._settle()
        return grant

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all instances."""
        leases = await self._store.grant_all(instances, by=by)
        await self._settle()
        return leases

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        lease = await self._store.set_status(instance_id, status, expected, by=by)
        await self._settle()
        return lease

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give an instance the verdict of its checks."""
        lease = await self._store.set_health(instance_id, health)
        await self._settle()
        return lease

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        await self._store.revoke(instance_id, expected, by=by)
        await self._settle()
