"""A store of which some changes are spans of a trace: those that a client waits for."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.relay import Relay
from dnsregistry.storage.store import Store

Span = Callable[[str], AbstractContextManager[object]]
"""Begins a span of this name, which lasts as long as the context does."""


class Traced(Relay):
    """Another store, and a span around each change. Heartbeats wait for nothing, and have none."""

    def __init__(self, store: Store, span: Span) -> None:
        super().__init__(store)
        self._span = span

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        with self._span("store.grant"):
            return await super().grant(instance, expected, by=by)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all instances."""
        with self._span("store.grant_all"):
            return await super().grant_all(instances, by=by)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        with self._span("store.set_status"):
            return await super().set_status(instance_id, status, expected, by=by)

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        with self._span("store.revoke"):
            await super().revoke(instance_id, expected, by=by)
