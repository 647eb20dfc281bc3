"""What a replica has to bring back to a store that lost something, or had lost it before."""

from collections.abc import Iterable
from dataclasses import dataclass

from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.replica import Snapshot
from dnsregistry.storage.cluster.wire import Held, key_of


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a replica stands towards a store.

    Its changes of `lineage`, up to `revision`, are known to the store up to `common`; where that is
    not sure, the store may lack some before it.
    """

    lineage: str
    revision: int
    common: int
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Merge:
    """Leases to be put again, and keys to be ended with the revision at which each was seen."""

    restore: list[Lease]
    drop: list[tuple[str, int]]


def plan(registry: Registry, standing: Standing, snapshot: Snapshot) -> Merge:
    """What the replica knows later than the store. Of what both know, the later word counts."""
    restore = [
        lease
        for lease in _leases(registry)
        if _is_later(lease, snapshot.held.get(key_of(lease.instance.id)), standing, snapshot.epoch)
    ]
    find = registry.catalogue.find
    drop = [
        (key, held.revision)
        for key, held in snapshot.held.items()
        if find(key) is None
        and (known := _known_as(held, standing, snapshot.epoch)) is not None
        and known <= standing.revision
    ]
    return Merge(restore, drop)


def _leases(registry: Registry) -> Iterable[Lease]:
    return sorted(registry.catalogue.after(0), key=lambda lease: lease.sequence)


def _is_later(lease: Lease, held: Held | None, standing: Standing, epoch: str) -> bool:
    if held is None:
        return lease.revision > standing.common or not standing.is_sure
    known = _known_as(held, standing, epoch)
    return lease.revision > standing.common and known is not None and known < lease.revision


def _known_as(held: Held, standing: Standing, epoch: str) -> int | None:
    """The revision of a value in the replica's lineage; None for what came later than it."""
    if held.was is not None and held.was[0] == standing.lineage:
        return held.was[1]
    if standing.lineage == epoch and held.revision <= standing.common:
        return held.revision
    return None
