"""The Protocol that every engine keeps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from dnsregistry.histogram import Histogram
from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant


@dataclass(frozen=True, slots=True)
class Outage:
    """Since when, in unix time, a store takes no change, and why."""

    since: float
    reason: str


class Store(Protocol):
    """Changes of one registry, each durable as far as the engine goes before it is answered.

    An answer to a change finds the registry holding it, and its listeners told. A change that
    raises has left nothing behind, neither in the store nor in the registry. Those that change
    something raise StoreAway while the store takes none. `by` is on whose authority: NotAllowed and
    NotOwner are raised for an instance that is held and may not be changed. The methods are called
    in the event loop that ran `start`.
    """

    @property
    def outage(self) -> Outage | None:
        """What keeps the store from taking changes; None while it takes them."""
        ...

    async def start(self) -> int | None:
        """Have the registry hold what is kept, with no change told and each lease at a full ttl.

        Returns the last SOA serial that an earlier run may have told, None where there is none.
        Raises StoreError, and nothing is left open then.
        """
        ...

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """Keep the SOA serial too: `tell` tells the one of now, which no answer has yet.

        Each change moves it by one at most; other causes may move it by some hundreds a second.
        Raises StoreError: a serial that is not kept may not be told.
        """
        ...

    async def stop(self) -> None:
        """Finish what was begun, and let go of everything. The registry is left as it is."""
        ...

    @property
    def lineage(self) -> str:
        """Names the count of revisions: one revision means one state as long as this is the same.

        Letters and digits. Empty while nothing has been held yet.
        """
        ...

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance, or replace the one with its id, and start its lease.

        As `Registry.grant`. What is expected is looked at where the change is decided, among all
        others. Raises InvalidField, RevisionDiffers.
        """
        ...

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all instances, or none where it fails. Their ids differ.

        Each has the registry's promise until this returns. Goes in slices of time; cancelled, it
        goes on to the end first.
        """
        ...

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Move a live lease's deadline one ttl from now. Raises UnknownInstance."""
        ...

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew the leases that are live and may be; the others' ids are in the answer."""
        ...

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give a live instance another status; its deadline stays.

        Raises UnknownInstance, RevisionDiffers.
        """
        ...

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give a live instance the verdict of its checks; as `set_status` otherwise."""
        ...

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a live instance's lease. Raises UnknownInstance, RevisionDiffers."""
        ...

    async def expire(self, most: int) -> float | None:
        """End leases past their deadline, having looked at up to `most`.

        Returns the time at which there may be more to do, None while no lease ends. During an
        outage no lease ends, and this sees to it; it does not raise StoreAway.
        """
        ...

    @property
    def commit_times(self) -> Histogram | None:
        """Seconds that each commit took, None where nothing is committed here."""
        ...

    def tell(self) -> Mapping[str, object]:
        """The store's numbers, as JSON can have them; `engine` names it."""
        ...
