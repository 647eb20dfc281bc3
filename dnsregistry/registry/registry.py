"""The registry: grant, renew, revoke and expire leases."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.check import Health
from dnsregistry.registry.deadlines import Deadlines
from dnsregistry.registry.entry import Entry
from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.feed import ChangeKind, Feed
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import HeldLease, Lease
from dnsregistry.registry.promises import Promises
from dnsregistry.registry.warrant import ANYONE, Warrant


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a registration: its lease, and whether the instance is new."""

    lease: Lease
    created: bool


@dataclass(frozen=True, slots=True)
class Renewal:
    """The answer to many heartbeats: how many leases were renewed, and the ids without one.

    `forbidden` are those of instances that the warrant does not let change.
    """

    renewed: int
    unknown: list[str]
    forbidden: list[str] = field(default_factory=list)


def settle(held: Instance, given: Instance, by: Warrant = ANYONE) -> Instance:
    """What is held after a registration of an id that is held.

    Maintenance stays, and so does the owner where no other is given, and what its checks have
    found, where they ask the same of the same place. Raises NotAllowed and NotOwner.
    """
    by.check(held, given.owner)
    if held.owner is not None and given.owner is None:
        given = replace(given, owner=held.owner)
    if held.status is Status.MAINTENANCE:
        given = replace(given, status=Status.MAINTENANCE)
    same = (held.checks, held.endpoints) == (given.checks, given.endpoints)
    if held.checks and same and held.health is not given.health:
        given = replace(given, health=held.health)
    return given


class Registry:
    """Every operation is O(log n) or better in the number of instances.

    `now` must not run backwards from call to call. What is decided elsewhere is not asked for
    but told: `restore`, `hold` and `end` do as they are told, with the revisions given.
    """

    def __init__(self, revision: int = 0) -> None:
        self.catalogue = Catalogue()
        self.feed = Feed(revision)
        self._deadlines = Deadlines()
        self._promises = Promises()
        self.sequence = 0
        self.renewals = 0
        """Heartbeats that moved a deadline."""
        self._lease: type[Lease] = Lease

    def grant(
        self,
        instance: Instance,
        now: float,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Grant:
        """Register an instance, or replace the one with its id, and start its lease.

        An instance in maintenance stays there. What differs in nothing from what is held is a
        renewal: no change, no new revision. Raises InvalidField where the host label of its id
        is another's, or promised to another; RevisionDiffers where not this is
        held, NotAllowed and NotOwner where the one that is held may not be replaced.
        """
        self._check_host_label(instance, "id")
        if expected is not None:
            lease = self.catalogue.find(instance.id)
            held = lease.revision if lease is not None and lease.is_live(now) else None
            expected.check(instance.id, held)
        return self._grant(instance, now, by=by)

    def promise(self, instance: Instance, field: str = "id") -> None:
        """Keep the host label of an instance's id for it: until the release, its grant cannot fail.

        An id may be promised several times, and each promise is released once, granted or not.
        Raises InvalidField, for this field, as `grant` does.
        """
        self._check_host_label(instance, field)
        self._promises.keep(instance.host_label, instance.id)

    def release(self, instance: Instance) -> None:
        """Take back one promise that was made to the instance."""
        self._promises.release(instance.host_label)

    def is_taken(self, label: str) -> bool:
        """Whether an instance has this host label, or is promised it."""
        return self.catalogue.find_host(label) is not None or self._promises.find(label) is not None

    def renew(self, instance_id: str, now: float, *, by: Warrant = ANYONE) -> Lease:
        """Move a live lease's deadline one ttl from now.

        Raises UnknownInstance, NotAllowed, NotOwner; so do `set_status` and `revoke`.
        """
        lease = self.find(instance_id, now)
        by.check(lease.instance)
        lease.renew(now)
        self.renewals += 1
        return lease

    def renew_all(
        self, instance_ids: Iterable[str], now: float, *, by: Warrant = ANYONE
    ) -> Renewal:
        """Renew the leases that are live and may be; the others' ids are in the answer."""
        renewed = 0
        unknown: list[str] = []
        forbidden: list[str] = []
        find = self.catalogue.find
        for instance_id in instance_ids:
            lease = find(instance_id)
            if lease is None or not lease.is_live(now):
                unknown.append(instance_id)
            elif not by.allows(lease.instance):
                forbidden.append(instance_id)
            else:
                lease.renew(now)
                renewed += 1
        self.renewals += renewed
        return Renewal(renewed, unknown, forbidden)

    def set_status(
        self,
        instance_id: str,
        status: Status,
        now: float,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give a live instance another status; its deadline stays.

        Raises UnknownInstance, and RevisionDiffers where not this is held.
        """
        lease = self._find_expected(instance_id, now, expected)
        by.check(lease.instance)
        self._update(lease, replace(lease.instance, status=status))
        return lease

    def set_health(self, instance_id: str, health: Health, now: float) -> Lease:
        """Give a live instance the verdict of its checks; its deadline stays.

        Raises UnknownInstance.
        """
        lease = self.find(instance_id, now)
        self._update(lease, replace(lease.instance, health=health))
        return lease

    def revoke(
        self,
        instance_id: str,
        now: float,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> None:
        """End a live instance's lease. Raises as `set_status` does."""
        lease = self._find_expected(instance_id, now, expected)
        by.check(lease.instance)
        self._deadlines.forget(lease)
        self._end(lease, ChangeKind.REMOVED)

    def find(self, instance_id: str, now: float) -> Lease:
        """The live lease of this id. Raises UnknownInstance, also between deadline and sweep."""
        lease = self.catalogue.find(instance_id)
        if lease is None or not lease.is_live(now):
            raise UnknownInstance(instance_id)
        return lease

    def expire(self, now: float, most: int) -> int:
        """End leases past their deadline, having looked at up to `most`; returns how many ended.

        When more are due, `next_deadline` is not after `now`.
        """
        expired = self._deadlines.take_due(now, most)
        for lease in expired:
            self._end(lease, ChangeKind.EXPIRED)
        return len(expired)

    def take_due(self, now: float, most: int) -> list[Lease]:
        """Leases past their deadline, having looked at up to `most`: to be ended elsewhere.

        They are not due again until they are given back.
        """
        return self._deadlines.take_due(now, most)

    def give_back(self, leases: Iterable[Lease]) -> None:
        """Have leases due again that were taken, and are held still."""
        for lease in leases:
            if self.catalogue.find(lease.instance.id) is lease:
                self._deadlines.schedule(lease)

    def prolong(self, now: float, ahead: float, most: int) -> list[Lease]:
        """Put off deadlines that come within some seconds, having looked at up to `most` leases.

        Those that are past it stay ended: they are returned, as by `take_due`.
        """
        ended = []
        for lease in self._deadlines.take_due(now + ahead, most):
            if not lease.is_live(now):
                ended.append(lease)
                continue
            lease.deadline = now + ahead + (lease.instance.ttl or 0.0)
            self._deadlines.schedule(lease)
        return ended

    def next_deadline(self) -> float | None:
        """When `expire` next has something to look at; None without any lease that ends."""
        return self._deadlines.earliest()

    def hand_over(self) -> None:
        """Have no lease end by its deadline from now on: ends are told, by `end` alone.

        To be called before the first lease; `slot` is the caller's then.
        """
        self._lease = HeldLease

    def resume(self, revision: int, sequence: int) -> None:
        """Go on after the numbers of an earlier run. Neither goes back."""
        self.feed.revision = max(self.feed.revision, revision)
        self.sequence = max(self.sequence, sequence)

    def restore(self, entry: Entry, *, renewed_at: float, deadline: float) -> Lease:
        """File a lease of an earlier run, without telling a change.

        No lease of that id is held, and the entry's sequence number is above all before.
        """
        lease = self._lease(entry.instance, entry.sequence, entry.revision, entry.granted_at)
        self.catalogue.insert(lease)
        self.resume(entry.revision, entry.sequence)
        self._move(lease, renewed_at, deadline)
        return lease

    def hold(self, entry: Entry, *, renewed_at: float, deadline: float) -> Lease:
        """Hold what was decided elsewhere, and tell it as a change of the entry's revision.

        A lease that is held under the id keeps its sequence number. Raises ValueError for a
        revision that does not come after all before; nothing is changed then.
        """
        lease = self.catalogue.find(entry.instance.id)
        self.feed.check(entry.revision)
        if lease is None:
            lease = self._lease(entry.instance, entry.sequence, entry.revision, entry.granted_at)
            self.sequence = max(self.sequence, entry.sequence)
            self.catalogue.insert(lease)
            before, kind = None, ChangeKind.REGISTERED
        else:
            before, kind = lease.instance, ChangeKind.UPDATED
            self.catalogue.replace(lease, entry.instance)
            lease.revision = entry.revision
        self._move(lease, renewed_at, deadline)
        self.feed.publish(kind, before, entry.instance, entry.revision, lease=lease)
        return lease

    def end(self, instance_id: str, kind: ChangeKind, revision: int) -> None:
        """End a lease as was decided elsewhere, and tell it under the revision given.

        Raises UnknownInstance where none is held, ValueError as `hold` does.
        """
        lease = self.catalogue.find(instance_id)
        if lease is None:
            raise UnknownInstance(instance_id)
        self.feed.check(revision)
        self._deadlines.forget(lease)
        self.catalogue.remove(lease)
        self.feed.publish(kind, lease.instance, None, revision, lease=lease)

    def _find_expected(self, instance_id: str, now: float, expected: Expected | None) -> Lease:
        lease = self.find(instance_id, now)
        if expected is not None:
            expected.check(instance_id, lease.revision)
        return lease

    def _move(self, lease: Lease, renewed_at: float, deadline: float) -> None:
        lease.renewed_at, lease.deadline = renewed_at, deadline
        if self._lease is Lease:
            self._deadlines.schedule(lease)

    def _check_host_label(self, instance: Instance, field: str) -> None:
        label = instance.host_label
        held = self.catalogue.find_host(label)
        held_id = self._promises.find(label) if held is None else held.instance.id
        if held_id is not None and held_id.lower() != instance.id.lower():
            raise InvalidField(
                field,
                f"{instance.id!r} would share the host name of the instance"
                f" {held_id!r}; choose another id",
            )

    def _grant(self, instance: Instance, now: float, by: Warrant) -> Grant:
        lease = self.catalogue.find(instance.id)
        if lease is not None and not lease.is_live(now):
            self._deadlines.forget(lease)
            self._end(lease, ChangeKind.EXPIRED)
            lease = None
        created = lease is None
        if lease is None:
            self.sequence += 1
            lease = self._lease(instance, self.sequence, self.feed.revision + 1, now)
            self.catalogue.insert(lease)
            self.feed.publish(ChangeKind.REGISTERED, None, instance, lease=lease)
        else:
            self._update(lease, settle(lease.instance, instance, by=by))
            lease.renew(now)
        self._deadlines.schedule(lease)
        return Grant(lease, created)

    def _update(self, lease: Lease, instance: Instance) -> None:
        before = lease.instance
        if instance == before:
            return
        self.catalogue.replace(lease, instance)
        lease.revision = self.feed.publish(ChangeKind.UPDATED, before, instance, lease=lease)

    def _end(self, lease: Lease, kind: ChangeKind) -> None:
        self.catalogue.remove(lease)
        self.feed.publish(kind, lease.instance, None, lease=lease)
