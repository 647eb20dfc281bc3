"""What a batch of changes comes to, decided before any of it is done.

Nothing else changes the catalogue between the planning and the doing: deadlines may pass and
heartbeats come meanwhile, and neither changes what was decided.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dnsregistry.registry.entry import Entry
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import fold_id
from dnsregistry.registry.registry import Registry, settle
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.rows import write_instance, write_row
from dnsregistry.storage.sqlite.database import Batch, Numbers


@dataclass(frozen=True, slots=True)
class Holding:
    """An instance is to be held, and its lease starts anew where it is renewed."""

    entry: Entry
    created: bool
    renewed: bool


@dataclass(frozen=True, slots=True)
class Keeping:
    """A lease is held as it is, and starts anew where it is renewed: nothing that is written."""

    instance_id: str
    renewed: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """A lease ends."""

    instance_id: str
    sequence: int
    kind: ChangeKind
    revision: int


Step = Holding | Keeping | Ending


class Plan:
    """Decides each change upon all that were decided before it. `now` is the registry's time."""

    def __init__(self, registry: Registry, now: Callable[[], float]) -> None:
        self._registry = registry
        self._now = now
        self._revision = registry.feed.revision
        self._sequence = registry.sequence
        self._planned: dict[str, Entry | None] = {}
        self._puts: dict[int, str] = {}
        self._ends: set[int] = set()
        self.changes = 0
        """How many are to be told."""
        self.is_empty = True
        """Whether there is nothing to be written."""

    def grant(
        self, given: Instance, text: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Sequence[Step]:
        """Steps of a registration, the last of which is its answer. `text` is the instance's.

        Raises RevisionDiffers.
        """
        now = self._now()
        if expected is not None:
            # Before a lease past its deadline is ended: what raises has planned nothing.
            found = self._find(given.id, now)
            expected.check(given.id, None if found is None else found.revision)
        steps: list[Step] = []
        held = self._find(given.id, now, steps)
        if held is None:
            self._sequence += 1
            entry = Entry(given, self._sequence, self._next(), now)
            return [*steps, self._hold(entry, text, now, created=True, renewed=True)]
        instance = settle(held.instance, given, by=by)
        if instance == held.instance:
            return [Keeping(given.id, renewed=True)]
        if instance is not given:
            text = write_instance(instance)
        entry = Entry(instance, held.sequence, self._next(), held.granted_at)
        return [self._hold(entry, text, now, created=False, renewed=True)]

    def change(
        self,
        instance_id: str,
        make: Callable[[Instance], Instance],
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Sequence[Step]:
        """Steps of another description made of the one that is held; the deadline stays.

        The last is the answer. Raises UnknownInstance, RevisionDiffers.
        """
        now = self._now()
        held = self._find_expected(instance_id, now, expected)
        by.check(held.instance)
        instance = make(held.instance)
        if instance == held.instance:
            return [Keeping(instance_id, renewed=False)]
        entry = Entry(instance, held.sequence, self._next(), held.granted_at)
        lease = self._registry.catalogue.find(instance_id)
        renewed_at = now if lease is None else lease.renewed_at
        text = write_instance(instance)
        return [self._hold(entry, text, renewed_at, created=False, renewed=False)]

    def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Sequence[Step]:
        """The steps of an end. Raises UnknownInstance, RevisionDiffers."""
        held = self._find_expected(instance_id, self._now(), expected)
        by.check(held.instance)
        return [self._end(held, ChangeKind.REMOVED)]

    def expire(self, leases: Sequence[Lease]) -> Sequence[Step]:
        """The steps for leases past their deadline, but for those that have ended already.

        One that was renewed by a registration since it was found to be past it goes on.
        """
        now, find = self._now(), self._registry.catalogue.find
        return [
            self._end(_read(lease), ChangeKind.EXPIRED)
            for lease in leases
            if fold_id(lease.instance.id) not in self._planned
            and find(lease.instance.id) is lease
            and not lease.is_live(now)
        ]

    def mark(self) -> Sequence[Step]:
        """Have the numbers written, whatever else there is."""
        self.is_empty = False
        return ()

    def batch(self, serial: int | None) -> Batch:
        """All of it as one commit."""
        puts = ",".join([f'"{sequence}":{row}' for sequence, row in self._puts.items()])
        ends = ",".join(map(str, self._ends))
        return Batch(
            puts=f"{{{puts}}}" if puts else "",
            ends=f"[{ends}]" if ends else "",
            numbers=Numbers(self._revision, self._sequence, serial),
        )

    def _find(self, instance_id: str, now: float, ended: list[Step] | None = None) -> Entry | None:
        """What is held under an id by then. A lease past its deadline is none, and may be ended."""
        key = fold_id(instance_id)
        if key in self._planned:
            return self._planned[key]
        lease = self._registry.catalogue.find(key)
        if lease is None:
            return None
        if not lease.is_live(now):
            if ended is not None:
                ended.append(self._end(_read(lease), ChangeKind.EXPIRED))
            return None
        return _read(lease)

    def _find_expected(self, instance_id: str, now: float, expected: Expected | None) -> Entry:
        held = self._find(instance_id, now)
        if held is None:
            raise UnknownInstance(instance_id)
        if expected is not None:
            expected.check(instance_id, held.revision)
        return held

    def _hold(
        self, entry: Entry, text: str, renewed_at: float, *, created: bool, renewed: bool
    ) -> Holding:
        self._planned[fold_id(entry.instance.id)] = entry
        self._puts[entry.sequence] = write_row(text, entry.revision, entry.granted_at, renewed_at)
        return Holding(entry, created, renewed)

    def _end(self, held: Entry, kind: ChangeKind) -> Ending:
        self._planned[fold_id(held.instance.id)] = None
        self._puts.pop(held.sequence, None)
        self._ends.add(held.sequence)
        return Ending(held.instance.id, held.sequence, kind, self._next())

    def _next(self) -> int:
        self._revision += 1
        self.changes += 1
        self.is_empty = False
        return self._revision


def _read(lease: Lease) -> Entry:
    return Entry(lease.instance, lease.sequence, lease.revision, lease.granted_at)
