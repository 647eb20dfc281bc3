"""What was asked and how it went, in plain numbers: the hot path only adds one."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from dnsregistry.answers.access import Transport
from dnsregistry.answers.protocol import ANY, AXFR, IXFR, Rcode
from dnsregistry.histogram import Histogram
from dnsregistry.zone.rdata import RRType

OTHER_TYPE = 0
"""Counts all types without a name here: so many cells there are and no more."""
_ASKED_TYPES = {
    15: "MX", 35: "NAPTR", 43: "DS", 48: "DNSKEY", 64: "SVCB", 65: "HTTPS", 257: "CAA",
    IXFR: "IXFR", AXFR: "AXFR", ANY: "ANY",
}  # fmt: skip
TYPES: Mapping[int, str] = {**{int(rtype): rtype.name for rtype in RRType}, **_ASKED_TYPES}
"""The types that are counted apart, by name: those of ours, and what programs ask for."""
OTHER = "other"

SIZES = (64, 128, 256, 512, 1232, 4096, 16384, 65535)
"""Octets: upper bounds of the classes that answers are counted in by size."""
TIMES = (
    *(0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01),
    *(0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
"""Seconds: upper bounds of the classes that answers are counted in by time."""


class Path(StrEnum):
    """Which way an answer was found."""

    TABLE = "table"
    ORDINARY = "ordinary"
    FORWARD = "forward"


@dataclass(slots=True)
class Tally:
    """Counts since the start.

    `udp` to `doh` are queries by what carried them. `hits` were answered from the table, `misses`
    are those over UDP that the table had no answer to. `ordinary` are messages that were read
    and decided, not answered from the table;
    `faults` are errors of ours, `dropped` replies that the kernel did not take, `overflowed`
    datagrams given up unanswered under overload, `limited` those
    that the rate limit held back. `times` are seconds from a message's arrival to its reply's
    leaving, by the way that it was found; from the table, those of all that came at once.
    """

    udp: int = 0
    tcp: int = 0
    dot: int = 0
    doh: int = 0
    hits: int = 0
    misses: int = 0
    ordinary: int = 0
    silent: int = 0
    faults: int = 0
    dropped: int = 0
    overflowed: int = 0
    limited: int = 0
    forwarded: int = 0
    refused_connections: int = 0
    times: dict[Path, Histogram] = field(
        default_factory=lambda: {path: Histogram(TIMES) for path in Path}
    )
    _cells: dict[tuple[int, int, int], list[int]] = field(default_factory=dict)

    def cell(self, rtype: int, rcode: int, octets: int) -> list[int]:
        """Where answers to a type, with an rcode, of a size are counted: a list of one number.

        It is one for all sizes of a class, so counting a size costs nothing more.
        """
        key = (rtype if rtype in TYPES else OTHER_TYPE, rcode, bisect_left(SIZES, octets))
        return self._cells.setdefault(key, [0])

    def count(self, rtype: int, rcode: int, octets: int) -> None:
        """Count one answer."""
        self.cell(rtype, rcode, octets)[0] += 1

    @property
    def queries(self) -> Mapping[str, int]:
        """How many there were by what carried them."""
        return {str(transport): getattr(self, transport) for transport in Transport}

    @property
    def answered(self) -> Mapping[tuple[int, int], int]:
        """How many answers there were, by type and rcode."""
        counts: Counter[tuple[int, int]] = Counter()
        for (rtype, rcode, _), cell in self._cells.items():
            if cell[0]:
                counts[rtype, rcode] += cell[0]
        return counts

    @property
    def rcodes(self) -> Counter[int]:
        """How many answers there were, by rcode."""
        counts: Counter[int] = Counter()
        for (_, rcode), count in self.answered.items():
            counts[rcode] += count
        return counts

    @property
    def sizes(self) -> list[int]:
        """How many answers there were by the class of SIZES; one more is for all above."""
        counts = [0] * (len(SIZES) + 1)
        for (_, _, size), cell in self._cells.items():
            counts[size] += cell[0]
        return counts

    def drain(self) -> dict[str, Any]:
        """What was counted since this was last called, as JSON can have it; empty for nothing."""
        drained: dict[str, Any] = {}
        for name in _NUMBERS:
            if number := getattr(self, name):
                drained[name] = number
                setattr(self, name, 0)
        if cells := [[*key, cell[0]] for key, cell in self._cells.items() if cell[0]]:
            drained["answered"] = cells
        for cell in self._cells.values():
            cell[0] = 0
        if times := {path: took for path, times in self.times.items() if (took := times.drain())}:
            drained["times"] = times
        return drained

    def add(self, drained: Mapping[str, Any]) -> None:
        """Count what another tally has drained."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + drained.get(name, 0))
        for rtype, rcode, size, count in drained.get("answered", ()):
            self._cells.setdefault((rtype, rcode, size), [0])[0] += count
        for path, times in drained.get("times", {}).items():
            self.times[Path(path)].add(times)

    def tell(self) -> Mapping[str, object]:
        """The counts for people, types and rcodes by name."""
        types: Counter[str] = Counter()
        for (rtype, _), count in self.answered.items():
            types[TYPES.get(rtype, OTHER)] += count
        queries = self.queries
        return {
            "queries": queries,
            "types": types,
            "rcodes": {name_rcode(code): count for code, count in self.rcodes.items()},
            "seconds": {str(path): times.tell() for path, times in self.times.items()},
            **{name: getattr(self, name) for name in _NUMBERS if name not in queries},
        }


_NUMBERS = tuple(field.name for field in fields(Tally) if field.type in (int, "int"))


def name_rcode(code: int) -> str:
    """The name of an rcode; `other` for one that has none here."""
    try:
        return Rcode(code).name
    except ValueError:
        return OTHER
