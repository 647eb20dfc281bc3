"""A node's replica: the registry, as far as the log has been followed. Pure.

Rules:
- A change is applied once and in order: what is not above the last is left aside.
- A hole in the revisions is a fault, except before a note: revisions are lifted by notes. So is a
  change that follows on another one than was applied last: the log had lost something.
- Ends are told, by the log alone. A lease that is past its deadline is answered until then.
- Deadlines are what is known of them here; another node may have moved them since.
"""

import heapq
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dnsregistry.registry.entry import Entry
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.past import Past
from dnsregistry.storage.cluster.wire import Change, End, Held, Note, Put, key_of

LOOK_AHEAD = 1 / 3
"""Of a ttl: what is left of a lease when the store is asked for its deadline. Clients beat three
times a ttl, so another node has had one by then, and the TTLs of answers are never cut short."""

ToLocal = Callable[[int], float]
Heard = Callable[[int], None]


class Hole(Exception):
    """The log does not go on where the replica ends."""


def check_next(change: Change, revision: int, nonce: str) -> None:
    """Raise Hole for a change that does not follow on the one with this revision and nonce."""
    if change.revision != revision + 1 and not isinstance(change, Note):
        raise Hole(f"{change.revision} comes after {revision}")
    if change.prior != nonce:
        raise Hole(f"{change.revision} follows on another {revision}")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the store holds at a revision: values and deadlines in ms by key.

    `past` are revisions and nonces of the changes before it, as far as they are known.
    """

    epoch: str
    revision: int
    nonce: str
    held: Mapping[str, Held]
    deadlines: Mapping[str, int]
    past: Sequence[tuple[int, str]] = ()


class Replica:
    """Follows one epoch's log in a registry, of which it alone changes what is held.

    `is_followed` is set once others follow the registry's changes, and so must be told of them.
    `adopting` is called with True before and with False after what `adopt` tells: those changes
    stand for others, and not all of their revisions are those of the log.
    """

    def __init__(self, registry: Registry, heard: Heard = lambda revision: None) -> None:
        self._registry = registry
        self._heard = heard
        self._looks: list[tuple[float, int, Lease]] = []
        self._pushed = 0
        self.is_followed = False
        self.adopting: Callable[[bool], None] = lambda is_begun: None
        self.epoch = ""
        self.revision = 0
        self.past = Past()

    @property
    def is_loaded(self) -> bool:
        """Whether it holds what some epoch held at a time."""
        return bool(self.epoch)

    def apply(self, change: Change, to_local: ToLocal) -> bool:
        """Take in a change; False where it was known. Raises Hole, and nothing is changed then."""
        if change.revision <= self.revision:
            return False
        check_next(change, self.revision, self.past.nonce())
        if isinstance(change, Put):
            self._hold(change.held, change.deadline, to_local)
        elif isinstance(change, End):
            self._end(change.key, change.kind, change.revision)
        self._reach(change.revision, change.nonce)
        return True

    def adopt(self, snapshot: Snapshot, to_local: ToLocal) -> Iterator[None]:
        """Become what the store holds, a step for each key; tells every change.

        To be taken to its end before anything else is applied.
        """
        self.adopting(True)
        find = self._registry.catalogue.find
        for lease in tuple(self._registry.catalogue.after(0)):
            key = key_of(lease.instance.id)
            if key not in snapshot.held:
                self._end(key, ChangeKind.EXPIRED, 0)
            yield
        for key, held in sorted(snapshot.held.items(), key=lambda item: item[1].revision):
            known, deadline = find(key), snapshot.deadlines.get(key, 0)
            if known is not None and held.sequence > known.sequence:
                self._end(key, ChangeKind.EXPIRED, 0)
                known = None
            if known is None or known.instance != held.instance:
                self._hold(held, deadline, to_local)
            else:
                known.revision = held.revision
                self.move(known, to_local(deadline) if deadline else math.inf)
            yield
        self._settle(snapshot)
        self.adopting(False)

    def restore(self, snapshot: Snapshot, to_local: ToLocal) -> Iterator[None]:
        """Fill an empty registry with what the store holds; tells nothing."""
        for key, held in sorted(snapshot.held.items(), key=lambda item: item[1].sequence):
            deadline = snapshot.deadlines.get(key, 0)
            ends = to_local(deadline) if deadline else math.inf
            lease = self._registry.restore(
                self._entry(held, held.revision, to_local),
                renewed_at=_renewed_at(held, ends, to_local),
                deadline=ends,
            )
            self._plan_look(lease)
            yield
        self._settle(snapshot)

    def move(self, lease: Lease, deadline: float) -> None:
        """Take in that the lease was renewed, here or elsewhere."""
        lease.deadline = deadline
        if lease.instance.ttl is not None and deadline != math.inf:
            lease.renewed_at = max(lease.granted_at, deadline - lease.instance.ttl)

    def take_looks(self, now: float, most: int) -> list[Lease]:
        """Leases whose deadline the store is to be asked for; each is looked at again later."""
        taken: list[Lease] = []
        while self._looks and self._looks[0][0] <= now and len(taken) < most:
            _, number, lease = heapq.heappop(self._looks)
            if lease.slot != number:
                continue
            if _look_at(lease) <= now:
                taken.append(lease)
            self._plan_look(lease, not_before=now + LOOK_AHEAD)
        return taken

    def _reach(self, revision: int, nonce: str) -> None:
        self.revision = revision
        self.past.add(revision, nonce)
        self._registry.resume(revision, 0)
        self._heard(revision)

    def _settle(self, snapshot: Snapshot) -> None:
        self.epoch = snapshot.epoch
        self.past.begin(snapshot.past)
        self._reach(snapshot.revision, snapshot.nonce)

    def _hold(self, held: Held, deadline: int, to_local: ToLocal) -> None:
        ends = to_local(deadline) if deadline else math.inf
        known = self._registry.catalogue.find(held.instance.id)
        if deadline < 0:
            # Nobody knows better here; the store is asked for it soon if this is not known either.
            ends = to_local(held.since) if known is None else known.deadline
        lease = self._registry.hold(
            self._entry(held, self._next(held.revision), to_local),
            renewed_at=_renewed_at(held, ends, to_local),
            deadline=ends,
        )
        lease.revision = held.revision
        self._plan_look(lease)

    def _end(self, key: str, kind: ChangeKind, revision: int) -> None:
        lease = self._registry.catalogue.find(key)
        if lease is not None:
            lease.slot = None
            self._registry.end(key, kind, self._next(revision))

    def _next(self, revision: int) -> int:
        """The revision to tell: that of the change, or where a replica catches up, a free one."""
        return max(revision, self._registry.feed.revision + 1)

    def _entry(self, held: Held, revision: int, to_local: ToLocal) -> Entry:
        lease = self._registry.catalogue.find(held.instance.id)
        # Only new leases take a place, which is behind all others whatever was lost in between.
        place = max(held.sequence, self._registry.sequence + 1) if lease is None else lease.sequence
        return Entry(held.instance, place, revision, to_local(held.since))

    def _plan_look(self, lease: Lease, not_before: float = -math.inf) -> None:
        look = _look_at(lease)
        if look == math.inf:
            lease.slot = None
            return
        self._pushed += 1
        lease.slot = self._pushed
        heapq.heappush(self._looks, (max(look, not_before), self._pushed, lease))


def _look_at(lease: Lease) -> float:
    return lease.deadline - (lease.instance.ttl or 0) * LOOK_AHEAD


def _renewed_at(held: Held, ends: float, to_local: ToLocal) -> float:
    since = to_local(held.since)
    if ends == math.inf or held.instance.ttl is None:
        return since
    return max(since, ends - held.instance.ttl)
