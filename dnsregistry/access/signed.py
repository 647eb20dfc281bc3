"""A store as one client has it: every change on the same authority."""

from collections.abc import Sequence

from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.relay import Relay
from dnsregistry.storage.store import Store


class Signed(Relay):
    """Passes on what `signer` reaches; raises NotAllowed for a new instance of another service."""

    def __init__(self, store: Store, signer: Warrant) -> None:
        super().__init__(store)
        self._signer = signer

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        self._signer.check_service(instance.service)
        return await self._store.grant(instance, expected, by=self._signer)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all instances."""
        for instance in instances:
            self._signer.check_service(instance.service)
        return await self._store.grant_all(instances, by=self._signer)

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease."""
        return await self._store.renew(instance_id, by=self._signer)

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        return await self._store.renew_all(instance_ids, by=self._signer)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        return await self._store.set_status(instance_id, status, expected, by=self._signer)

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        await self._store.revoke(instance_id, expected, by=self._signer)
