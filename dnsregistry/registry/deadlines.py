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


class Deadlines:
    """Leases by the time at which their deadline wants to be looked at."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[Lease, None]] = {}
        self._heap: list[int] = []

    def schedule(self, lease: Lease) -> None:
        """See to it that the lease is due at its deadline. O(log slots)."""
        if lease.deadline == math.inf:
            self.forget(lease)
            return
        slot = math.ceil(lease.deadline * SLOTS_PER_SECOND)
        if lease.slot is not None:
            if lease.slot <= slot:
                return
            self.forget(lease)
        lease.slot = slot
        waiting = self._slots.get(slot)
        if waiting is None:
            self._slots[slot] = {lease: None}
            heapq.heappush(self._heap, slot)
        else:
            waiting[lease] = None

    def forget(self, lease: Lease) -> None:
        """Take the lease out, if it is in. O(1)."""
        if lease.slot is not None:
            self._slots[lease.slot].pop(lease)
            lease.slot = None

    def earliest(self) -> float | None:
        """The time at which `take_due` has something to look at; None when nothing waits."""
        return self._heap[0] / SLOTS_PER_SECOND if self._heap else None

    def take_due(self, now: float, most: int) -> list[Lease]:
        """Take out and return leases past their deadline, having looked at up to `most`.

        What is left over stays due: `earliest` is not after `now` then.
        """
        expired: list[Lease] = []
        while self._heap and self._heap[0] <= now * SLOTS_PER_SECOND and most > 0:
            waiting = self._slots[self._heap[0]]
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
