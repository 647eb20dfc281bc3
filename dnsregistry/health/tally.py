"""What checks have found, as plain numbers by service: cheap to count, read by who wants them."""

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field

from dnsregistry.histogram import Histogram

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the latency histogram in seconds; one more bucket is for all above."""


@dataclass(slots=True)
class ServiceTally:
    """The probes of one service since the start; `buckets` is not added up."""

    probes: int = 0
    passed: int = 0
    transitions: int = 0
    guard_trips: int = 0
    latency_sum: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))

    def note(self, passed: bool, latency: float) -> None:
        """Count one probe."""
        self.probes += 1
        self.passed += passed
        self.latency_sum += latency
        self.buckets[bisect_left(BOUNDS, latency)] += 1

    def tell(self) -> dict[str, object]:
        """The numbers, as JSON can have them; the histogram's counts are those up to each bound."""
        counted = 0
        histogram: dict[str, int] = {}
        for bound, count in zip((*BOUNDS, "inf"), self.buckets, strict=True):
            counted += count
            histogram[str(bound)] = counted
        return {
            "probes": self.probes,
            "passed": self.passed,
            "success_rate": round(self.passed / self.probes, 4) if self.probes else None,
            "transitions": self.transitions,
            "guard_trips": self.guard_trips,
            "latency": {
                "mean": round(self.latency_sum / self.probes, 6) if self.probes else None,
                "buckets": histogram,
            },
        }


@dataclass(slots=True)
class HealthTally:
    """The whole program's probes since the start.

    `lags` are seconds by which they were begun late. `by_type` counts them by type and whether
    they passed.
    """

    probes: int = 0
    passed: int = 0
    refused: int = 0
    shared: int = 0
    transitions: int = 0
    guard_trips: int = 0
    revoked: int = 0
    write_failures: int = 0
    faults: int = 0
    lags: Histogram = field(default_factory=lambda: Histogram(BOUNDS))
    by_type: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def note_lag(self, seconds: float) -> None:
        """Count how late a check was begun."""
        self.lags.note(seconds)

    def note_probe(self, type: str, *, passed: bool) -> None:
        """Count a probe by its type's name."""
        self.probes += 1
        self.passed += passed
        self.by_type[type, passed] += 1
