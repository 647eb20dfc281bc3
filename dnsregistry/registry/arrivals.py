"""All leases in the order of their first registration, to be read a page at a time.

Rules:
- A lease keeps its place for life, so a reader who goes on from the last sequence number
  that it saw misses nothing and sees nothing twice, whatever comes and goes meanwhile.
- Sequence numbers only grow; they are kept in blocks, so that a page costs what is on it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from dnsregistry.registry.lease import Lease

BLOCK = 512
"""Leases a block: the most that are stepped over to find where a page begins."""


class Arrivals:
    """Leases by sequence number."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[int, Lease]] = {}
        self._order: list[int] = []

    def append(self, lease: Lease) -> None:
        """Add a lease whose sequence number is above all before it."""
        number = lease.sequence // BLOCK
        block = self._blocks.get(number)
        if block is None:
            block = self._blocks[number] = {}
            self._order.append(number)
        block[lease.sequence] = lease

    def remove(self, lease: Lease) -> None:
        """Take a lease out."""
        number = lease.sequence // BLOCK
        block = self._blocks[number]
        del block[lease.sequence]
        if not block:
            del self._blocks[number]
            del self._order[bisect_left(self._order, number)]

    def after(self, sequence: int) -> Iterator[Lease]:
        """The leases above the sequence number, in order."""
        start = bisect_left(self._order, (sequence + 1) // BLOCK)
        for number in self._order[start:]:
            for place, lease in self._blocks[number].items():
                if place > sequence:
                    yield lease

    def before(self, sequence: int | None) -> Iterator[Lease]:
        """The leases below the sequence number, or all, the last one first."""
        stop = len(self._order)
        if sequence is not None:
            stop = bisect_right(self._order, sequence // BLOCK)
        for number in reversed(self._order[:stop]):
            for place, lease in reversed(self._blocks[number].items()):
                if sequence is None or place < sequence:
                    yield lease
