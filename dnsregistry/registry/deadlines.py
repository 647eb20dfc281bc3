"""When to look at which lease next.

Rules:
- Time is cut into slots of 1/20 s; a lease stands in the slot at or after its deadline, in
  one slot only, and a heap holds the slots that are in use.
- A renewal moves no lease. A lease whose slot comes due before its deadline is put into the
  later slot then: one move a ttl, however often it is renewed.
- Whoever reads a lease compares its deadline itself; this only says when to clean up.
"""

import heapq
import math

from dnsregistry.registry.lease import Lease

SLOTS_PER_SECOND = 20
"""An expired lease is swept at most this fraction of a second late."""
SPARE_SLOTS = 64
"""Slots without a lease that the heap may hold beside as many as are in use: a lease of a year
that is revoked at once must not be remembered for a year."""


class Deadlines:
    """Leases by the time at which their deadline wants to be looked at."""

    def __init__(self) -> None:
        self._slots: dict[int, tuple[int, dict[Lease, None]]] = {}
        self._heap: list[int] = []

    def schedule(self, lease: Lease) -> None:
        """See to it that the lease is due at its deadline. O(log slots)."""
        if lease.deadline == math.inf:
            self.forget(lease)
            return
        slot = math.ceil(lease.deadline * SLOTS_PER_SECOND)
        if slot / SLOTS_PER_SECOND < lease.deadline:  # the product was rounded down
            slot += 1
        if lease.slot is not None:
            if lease.slot <= slot:
                return
            self.forget(lease)
        filed = self._slots.get(slot)
        if filed is None:
            filed = self._slots[slot] = (slot, {})
            heapq.heappush(self._heap, slot)
        lease.slot, waiting = filed  # the same number object for all leases of a slot
        waiting[lease] = None

    def forget(self, lease: Lease) -> None:
        """Take the lease out, if it is in. O(1), taken over many."""
        if lease.slot is None:
            return
        _, waiting = self._slots[lease.slot]
        del waiting[lease]
        if not waiting:
            del self._slots[lease.slot]
            self._trim()
        lease.slot = None

    def earliest(self) -> float | None:
        """The time at which `take_due` has something to look at; None when nothing waits."""
        while self._heap and self._heap[0] not in self._slots:
            heapq.heappop(self._heap)
        return self._heap[0] / SLOTS_PER_SECOND if self._heap else None

    def take_due(self, now: float, most: int) -> list[Lease]:
        """Take out and return leases past their deadline, having looked at up to `most`.

        What is left over stays due: `earliest` is not after `now` then.
        """
        expired: list[Lease] = []
        while most > 0 and (due := self.earliest()) is not None and due <= now:
            _, waiting = self._slots[self._heap[0]]
            while waiting and most > 0:
                lease, _ = waiting.popitem()
                lease.slot = None
                most -= 1
                if lease.is_live(now):
                    self.schedule(lease)
                else:
                    expired.append(lease)
            if not waiting:
                del self._slots[heapq.heappop(self._heap)]
        return expired

    def _trim(self) -> None:
        if len(self._heap) > 2 * len(self._slots) + SPARE_SLOTS:
            self._heap = list(self._slots)
            heapq.heapify(self._heap)
