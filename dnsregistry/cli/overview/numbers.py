"""The registry's own numbers, of two readings of `/v1/stats`. Pure: time is an argument.

What a registry of another version does not tell, or tells in another form, is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    """What was told at a moment of the reader's clock. Seconds, and counts since the start."""

    at: float
    uptime: float | None = None
    queries: float | None = None
    answer_means: Mapping[str, float] | None = None
    store_away: bool = False
    guards: tuple[str, ...] = ()

    @classmethod
    def of(cls, told: Mapping[str, Any], at: float) -> "Reading":
        """Read what `/v1/stats` told."""
        dns = _mapping(told.get("dns"))
        by_transport = [_number(count) for count in _mapping(dns.get("queries")).values()]
        counts = [count for count in by_transport if count is not None]
        means = {
            str(path): mean
            for path, times in _mapping(dns.get("seconds")).items()
            if _number(_mapping(times).get("count"))
            and (mean := _number(_mapping(times).get("mean"))) is not None
        }
        guards = _mapping(told.get("health")).get("guards_holding")
        return cls(
            at=at,
            uptime=_number(told.get("uptime")),
            queries=sum(counts) if counts else None,
            answer_means=means or None,
            store_away=_mapping(told.get("store")).get("away_since") is not None,
            guards=tuple(map(str, guards)) if isinstance(guards, list) else (),
        )

    @property
    def slowest(self) -> tuple[str, float] | None:
        """The way of answering that takes longest, and its seconds on average since the start."""
        if self.answer_means is None:
            return None
        return max(self.answer_means.items(), key=lambda item: item[1])


def queries_a_second(before: Reading | None, after: Reading) -> float | None:
    """How many came between two readings; None where the registry was started in between."""
    if before is None or before.queries is None or after.queries is None:
        return None
    seconds, queries = after.at - before.at, after.queries - before.queries
    return queries / seconds if seconds > 0 and queries >= 0 else None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
