"""The engine: a node of a cluster that shares one Redis or Valkey.

Rules:
- A change is answered when the store has it and the own replica has applied it.
- While the store is away the replica stands still: nothing ends, and changes are refused.
  Heartbeats are refused too, but noted: what has sent one is put again if it ended meanwhile.
- The store is sought without end. Each time it is found, `Joining` decides what is to be done.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dnsregistry.histogram import Histogram
from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.cluster.address import Sentinels, Server
from dnsregistry.storage.cluster.changes import ANSWER_SECONDS, Changes
from dnsregistry.storage.cluster.following import Following
from dnsregistry.storage.cluster.joining import Joining
from dnsregistry.storage.cluster.link import LinkDown, Reply, describe_refusal
from dnsregistry.storage.cluster.nodes import Nodes
from dnsregistry.storage.cluster.replica import Replica
from dnsregistry.storage.cluster.scripts import draw_nonce, load_scripts
from dnsregistry.storage.cluster.serial import ClusterSerial
from dnsregistry.storage.cluster.shortage import Shortage
from dnsregistry.storage.cluster.snapshot import SnapshotKeeper
from dnsregistry.storage.cluster.supervisor import Supervisor
from dnsregistry.storage.cluster.tasks import end_tasks
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.waiting import Waiters
from dnsregistry.storage.cluster.writer import Writer
from dnsregistry.storage.store import Outage


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """How the store is used.

    `prefix` stands before all keys. `replicas` must have a write before it is answered.
    `first_base` is what the SOA serial is counted from where the cluster is new. `snapshot` is a
    file of this node's own, from which it answers while the store is not there.
    """

    prefix: str = "dnsregistry"
    replicas: int = 0
    first_base: Callable[[], int] = lambda: 0
    snapshot: Path | None = None


class ClusterStore:
    """One node. `now` is the registry's clock. `nodes` are those that live, this one among them."""

    def __init__(
        self,
        address: Server | Sentinels,
        options: ClusterOptions,
        registry: Registry,
        now: Callable[[], float],
    ) -> None:
        registry.hand_over()
        self._shortage = Shortage(now)
        scripts, writer = load_scripts(), Writer(options.replicas, self._shortage)
        self._address = address
        self._registry = registry
        self._clock = clock = StoreClock(now)
        self._waiters = Waiters(lambda key: registry.catalogue.find(key) if key else None)
        self._replica = replica = Replica(registry, self._waiters.reach)
        self._serial = ClusterSerial(replica)
        self.nodes = Nodes(draw_nonce(), now)
        serial = self._serial

        def first_base() -> int:
            # A store that lost its data gets back the base that this node has counted from.
            return serial.base if replica.is_loaded else options.first_base()

        self._joining = joining = Joining(
            self.nodes.name, registry, replica, clock, scripts, draw_nonce, first_base
        )
        self._following = Following(
            address, replica, joining, scripts, clock, self._serial, self.nodes
        )
        self._supervisor = Supervisor(
            address,
            options.prefix,
            registry,
            replica,
            joining,
            self._following,
            writer,
            self._serial,
            self.nodes,
            now,
        )
        self._changes = Changes(
            registry, replica, joining, scripts, writer, self._waiters, self._supervisor, now
        )
        self._keeper = (
            SnapshotKeeper(options.snapshot, registry, replica, clock) if options.snapshot else None
        )
        self._keeping: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def outage(self) -> Outage | None:
        """Since when the store is away, or has too few replicas."""
        return self._supervisor.outage or self._shortage.outage

    @property
    def lineage(self) -> str:
        """Of the store: all nodes have the same, until it has lost everything."""
        return self._replica.epoch

    @property
    def is_loaded(self) -> bool:
        """Whether the replica holds what the cluster held at a time."""
        return self._replica.is_loaded

    async def start(self) -> int | None:
        """Seek the store; returns once it is found and read, or away."""
        if self._keeper is not None:
            base = await self._keeper.load()
            if base is not None:
                self._serial.base, self._replica.is_followed = base, True
            self._keeping = asyncio.create_task(
                self._keeper.follow(lambda: self._serial.base), name="snapshot"
            )
        self._task = asyncio.create_task(self._supervisor.run(), name="store")
        await self._supervisor.settled.wait()
        refusal = self._supervisor.refusal
        if refusal is not None:
            await self.stop()
            raise describe_refusal(refusal)
        self._replica.is_followed = True
        return self._serial.now() if self.is_loaded else None

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """The serial is the store's: see `lead_serial`."""

    def lead_serial(self, lead: Callable[[int], None]) -> None:
        """Tell the SOA serial, which follows the store's revision, at once and with each change."""
        self._serial.lead(lead)

    def when_loaded(self, call: Callable[[], None]) -> None:
        """Call this once the replica holds something to answer from; at once where it does."""
        self._supervisor.when_loaded(call)

    def when_adopting(self, call: Callable[[bool], None]) -> None:
        """Call this where the replica becomes what the store holds, but not by its log: with True
        before the changes that are told for it, with False after the last of them.
        """
        self._replica.adopting = call

    async def stop(self) -> None:
        """Let go of the store."""
        if self._task is not None:
            await end_tasks([self._task])
            self._task = None
        if self._keeper is not None:
            if self._keeping is not None:
                # Not cancelled: half of a writing would be followed by one that knows less.
                self._keeper.end()
                await asyncio.wait([self._keeping])
            self._keeper.close()
        await self._changes.stop()

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        return await self._changes.grant(instance, expected, by=by)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all, in parts: see `Changes.grant_all`."""
        return await self._changes.grant_all(instances, by=by)

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease."""
        return await self._changes.renew(instance_id, by=by)

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        return await self._changes.renew_all(instance_ids, by=by)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        return await self._changes.set_state(instance_id, "status", status.value, expected, by)

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give an instance the verdict of its checks."""
        return await self._changes.set_state(instance_id, "health", health.value, None)

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        await self._changes.revoke(instance_id, expected, by=by)

    async def expire(self, most: int) -> float | None:
        """End what is due by the store's clock; whichever node comes first ends it."""
        link = self._supervisor.link
        if link is None:
            return None
        try:
            reply = await self._joining.tick(link, most)
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._waiters.wait(reply[2])
        except (LinkDown, TimeoutError):
            return None
        return self._next_due(reply)

    def note(self) -> None:
        """Have the SOA serial move for a change that is not the registry's, now or later."""
        self._following.note()

    @property
    def commit_times(self) -> Histogram | None:
        """The store commits elsewhere."""
        return None

    def tell(self) -> Mapping[str, object]:
        """The replica's place, by how much it is behind, who lives, and how often it was away."""
        link = self._supervisor.link
        return {
            "engine": "redis",
            "place": link.place if link else self._address.place,
            "epoch": self._replica.epoch,
            "replica_revision": self._replica.revision,
            "replica_lag": self._following.lag,
            "nodes": len(self.nodes.living),
            "outages": self._supervisor.outages + self._shortage.times,
        }

    def _next_due(self, reply: Reply) -> float | None:
        *_, key, deadline = (*reply, None, None)[:6]
        if key is None:
            return None
        lease = self._registry.catalogue.find(key.decode())
        due = self._clock.to_local(deadline)
        return due if lease is None else max(due, lease.deadline)
