"""The change feed: each edit of the catalogue, once, in order, to whoever listens."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease


class ChangeKind(StrEnum):
    """What happened to the instance."""

    REGISTERED = "registered"
    UPDATED = "updated"
    REMOVED = "removed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Change:
    """One edit: `before` is None for a first registration, `after` for an end.

    `lease` is the record that was edited; for an end, the one that is no longer found.
    """

    revision: int
    kind: ChangeKind
    before: Instance | None
    after: Instance | None
    lease: Lease | None = field(default=None, compare=False, repr=False)


Listener = Callable[[Change], None]


class Feed:
    """Revisions only grow: by one a change, or to the one that is given.

    Listeners are called in the order of subscription before the edit's caller goes on: what was
    acknowledged has reached them all. They do not raise: half of them would know of the edit.
    """

    def __init__(self, revision: int = 0) -> None:
        self.revision = revision
        self.counts: Counter[ChangeKind] = Counter()
        """How many changes of each kind were told."""
        # Replaced and never changed: one of them may unsubscribe while all are told.
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call the listener with every change from now on; returns what ends that."""
        self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def publish(
        self,
        kind: ChangeKind,
        before: Instance | None,
        after: Instance | None,
        revision: int | None = None,
        *,
        lease: Lease | None = None,
    ) -> int:
        """Tell a change to all listeners and return its revision: the next, or the one given.

        Raises ValueError, before anyone is told, for one that is not above all before.
        """
        if revision is None:
            revision = self.revision + 1
        else:
            self.check(revision)
        self.revision = revision
        self.counts[kind] += 1
        change = Change(self.revision, kind, before, after, lease)
        for listener in self._listeners:
            listener(change)
        return self.revision

    def check(self, revision: int) -> None:
        """Raise ValueError for a revision that is not above all before."""
        if revision <= self.revision:
            raise ValueError(f"revision {revision} does not come after {self.revision}")
