"""The mass-failure guard: many instances of a service that fail at once are not believed at once.

One fault of the network beside the registry looks like the end of a service. So where more than a
part of a service, three instances at least, falls within one window, those that fell stay answered
as `degraded`, for so many seconds at most; then the truth is told. Pure: time is an argument.

Rules:
- A fall counts for the window. What has failed its last check and may fall next counts too, so
  that checks spread over an interval are seen as the one fall that they are.
- Those that fell in the window before there were enough are held with the others.
- The guard lets go after its limit, when fewer than three are left to hold, or by hand; what it
  held falls then for good. It holds again only what has been healthy in between.
"""

from collections.abc import Iterable
from dataclasses import dataclass

LEAST_FALLEN = 3
"""Two may well fail together, by being deployed together; and one always may."""
WINDOW = 30.0
"""Seconds, or the slowest check's interval and timeout where that is longer."""


_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GuardRule:
    """The part of a service above which it acts, and for how many seconds; None: it never acts."""

    threshold: float | None = 0.5
    limit: float = 60.0


class Guard:
    """The guard of one service: who fell when, and whether they are held up."""

    __slots__ = ("_fallen", "_held", "_told", "_until", "rule", "trips", "window")

    def __init__(self, rule: GuardRule) -> None:
        self.rule = rule
        self.window = WINDOW
        self.trips = 0
        self._fallen: dict[str, float] = {}
        self._held: set[str] = set()
        self._told: set[str] = set()
        self._until: float | None = None

    @property
    def until(self) -> float | None:
        """When it lets go at the latest; None while it holds nothing."""
        return self._until

    @property
    def held(self) -> frozenset[str]:
        """The ids that it holds up."""
        return frozenset(self._held)

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to remember."""
        return not self._fallen and not self._held and self._until is None

    def fall(self, instance_id: str, now: float) -> None:
        """An instance has turned unhealthy, here or at another node."""
        self._fallen.setdefault(instance_id, now)
        if self._until is not None and now < self._until:
            self._held.add(instance_id)

    def rise(self, instance_id: str) -> None:
        """An instance is healthy again, or gone."""
        self._fallen.pop(instance_id, None)
        self._held.discard(instance_id)
        self._told.discard(instance_id)

    def tell(self, instance_id: str) -> None:
        """An instance that fell in the window has left the answers."""
        if instance_id in self._fallen:
            self._told.add(instance_id)

    @property
    def told(self) -> int:
        """How many of those that fell in the window have left the answers."""
        return len(self._told)

    def holds(self, instance_id: str) -> bool:
        """Whether an instance is held up."""
        return instance_id in self._held

    def hold_on(self, instance_ids: Iterable[str], now: float) -> None:
        """Go on with what was held up before this process or node took over."""
        for instance_id in instance_ids:
            self._fallen.setdefault(instance_id, now)
            self._held.add(instance_id)
        if self._held and self._until is None:
            self._until = now + self.rule.limit

    def judge(
        self, now: float, suspects: int, members: int, *, after_probe: bool = True
    ) -> frozenset[str]:
        """Hold or let go, as it now is; returns the ids for which that has changed.

        `members` are the instances that would be answered but for what the window knows;
        `suspects` those of them that have not fallen but failed their last check. It lets go for
        want of instances only after a probe: what was held before a start comes in one by one.
        """
        if self._until is not None:
            few = after_probe and len(self._held) + suspects < LEAST_FALLEN
            if now < self._until and self._held and not few:
                return _NOBODY
            return self.lift()
        self._forget_old(now)
        fallen = len(self._fallen)
        threshold = self.rule.threshold
        if threshold is None or not fallen or fallen + suspects < LEAST_FALLEN:
            return _NOBODY
        if fallen + suspects <= threshold * members:
            return _NOBODY
        self._until = now + self.rule.limit
        self._held = set(self._fallen)
        self.trips += 1
        return frozenset(self._held)

    def lift(self) -> frozenset[str]:
        """Let go of all that is held, and return it; the truth is told."""
        held = frozenset(self._held)
        self._until = None
        self._held.clear()
        self._fallen.clear()
        self._told.clear()
        return held

    def _forget_old(self, now: float) -> None:
        while self._fallen:
            oldest = next(iter(self._fallen))
            if now - self._fallen[oldest] < self.window:
                break
            del self._fallen[oldest]
            self._told.discard(oldest)
