"""What was asked and how it went, in plain numbers: the hot path only adds one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from dnsregistry.answers.protocol import Rcode
from dnsregistry.zone.rdata import RRType

OTHER_TYPE = 0
"""Counts all types without a name here: so many cells there are and no more."""
_NAMED_TYPES = frozenset(RRType)


@dataclass(slots=True)
class Tally:
    """Counts since the start.

    `ordinary` are messages that were read and decided, not answered from the table;
    `faults` are errors of ours, `dropped` replies that the kernel did not take, `overflowed`
    datagrams given up unanswered under overload, `limited` those
    that the rate limit held back.
    """

    udp: int = 0
    tcp: int = 0
    ordinary: int = 0
    silent: int = 0
    faults: int = 0
    dropped: int = 0
    overflowed: int = 0
    limited: int = 0
    forwarded: int = 0
    refused_connections: int = 0
    _cells: dict[tuple[int, int], list[int]] = field(default_factory=dict)

    def cell(self, rtype: int, rcode: int) -> list[int]:
        """Where the answers to a type with an rcode are counted: a list of that one number."""
        key = (rtype if rtype in _NAMED_TYPES else OTHER_TYPE, rcode)
        return self._cells.setdefault(key, [0])

    def count(self, rtype: int, rcode: int) -> None:
        """Count one answer."""
        self.cell(rtype, rcode)[0] += 1

    @property
    def answered(self) -> Mapping[tuple[int, int], int]:
        """How many answers there were, by type and rcode."""
        return {key: cell[0] for key, cell in self._cells.items() if cell[0]}

    @property
    def rcodes(self) -> Counter[int]:
        """How many answers there were, by rcode."""
        counts: Counter[int] = Counter()
        for (_, rcode), count in self.answered.items():
            counts[rcode] += count
        return counts

    def drain(self) -> dict[str, Any]:
        """What was counted since this was last called, as JSON can have it; empty for nothing."""
        drained: dict[str, Any] = {}
        for name in _NUMBERS:
            if number := getattr(self, name):
                drained[name] = number
                setattr(self, name, 0)
        if answered := self.answered:
            drained["answered"] = [[*key, count] for key, count in answered.items()]
        for cell in self._cells.values():
            cell[0] = 0
        return drained

    def add(self, drained: Mapping[str, Any]) -> None:
        """Count what another tally has drained."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + drained.get(name, 0))
        for rtype, rcode, count in drained.get("answered", ()):
            self.cell(rtype, rcode)[0] += count

    def tell(self) -> Mapping[str, object]:
        """The counts for people, rcodes by name."""
        return {
            "queries": {"udp": self.udp, "tcp": self.tcp},
            "rcodes": {Rcode(code).name: count for code, count in self.rcodes.items()},
            "ordinary": self.ordinary,
            "silent": self.silent,
            "faults": self.faults,
            "dropped": self.dropped,
            "overflowed": self.overflowed,
            "limited": self.limited,
            "forwarded": self.forwarded,
            "refused_connections": self.refused_connections,
        }


_NUMBERS = tuple(field.name for field in fields(Tally) if field.type in (int, "int"))
