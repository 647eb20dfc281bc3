"""A measured number: the median of its rounds, and how far they lie apart."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """One value a round, in the order of the rounds."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most."""
        return min(self.values), max(self.values)

    def over(self, other: "Figure") -> "Figure":
        """The ratio round by round: both were measured in the same round, under the same noise."""
        pairs = zip(self.values, other.values, strict=True)
        return Figure(tuple(mine / theirs for mine, theirs in pairs))

    def __str__(self) -> str:
        low, high = self.spread
        if len(self.values) == 1:
            return _write(self.median)
        return f"{_write(self.median)} ({_write(low)} to {_write(high)})"


def _write(value: float) -> str:
    """Three figures that count."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 20 else f"{value:.2f}"
