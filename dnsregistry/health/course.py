"""The course of one instance's checks: from results to its verdict. Pure.

Rules:
- A check turns after so many equal results in a row, and never earlier: one other result in
  between begins the count anew.
- All checks of an instance must be healthy for it to be.
- The last 50 turns are kept.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dnsregistry.health.outcome import Outcome
from dnsregistry.registry.check import Check, Health, Pace
from dnsregistry.registry.check_admission import initial_health

MOST_KEPT = 50
"""Turns: hours of flapping, or years of calm."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A check that changed its mind: when, in unix time, which one, to what, and why."""

    time: float
    check: int
    health: Health
    reason: str


class CheckCourse:
    """The results of one check so far; `since` is the time of its last turn."""

    __slots__ = ("_streak", "healthy", "last", "last_at", "pace", "since")

    def __init__(self, pace: Pace, healthy: bool, now: float) -> None:
        self.pace = pace
        self.healthy = healthy
        self.since = now
        self.last: Outcome | None = None
        self.last_at = 0.0
        self._streak = 0

    @property
    def is_suspect(self) -> bool:
        """Whether it is healthy still, and its last result was none."""
        return self.healthy and self.last is not None and not self.last.passed

    def note(self, outcome: Outcome, now: float) -> bool:
        """Take a result in; whether the check has turned with it."""
        self.last, self.last_at = outcome, now
        if outcome.passed is self.healthy:
            self._streak = 0
            return False
        self._streak += 1
        pace = self.pace
        needed = pace.success_before_healthy if outcome.passed else pace.failures_before_unhealthy
        if self._streak < needed:
            return False
        self.healthy, self.since, self._streak = outcome.passed, now, 0
        return True


class Course:
    """All checks of one instance; `checks` gives their order."""

    __slots__ = ("_turns", "checks", "courses")

    def __init__(self, checks: Sequence[Check], health: Health, now: float) -> None:
        """Begin with the verdict that stands, whether it was reached before or is the first."""
        self.checks = tuple(checks)
        first = health is initial_health(checks)
        self.courses = [
            CheckCourse(
                check.pace,
                # What is held up by the guard fails, whatever is said of it.
                (check.pace.initial if first else health) is Health.HEALTHY,
                now,
            )
            for check in checks
        ]
        self._turns: deque[Turn] | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether all checks are."""
        return all(course.healthy for course in self.courses)

    @property
    def is_suspect(self) -> bool:
        """Whether it is healthy, and the next results may end that."""
        return self.is_healthy and any(course.is_suspect for course in self.courses)

    @property
    def turns(self) -> Sequence[Turn]:
        """The last turns of its checks, the oldest first."""
        return tuple(self._turns or ())

    def note(self, place: int, outcome: Outcome, now: float) -> bool:
        """Take in a result of the check at a place; whether that check has turned."""
        course = self.courses[place]
        turned = course.note(outcome, now)
        if turned:
            if self._turns is None:
                self._turns = deque(maxlen=MOST_KEPT)
            health = Health.HEALTHY if course.healthy else Health.UNHEALTHY
            self._turns.append(Turn(now, place, health, outcome.reason))
        return turned

    def ends_at(self) -> float | None:
        """When the instance is to be revoked, as long as no check turns; None for never."""
        return min(self._ends(), default=None)

    def _ends(self) -> Iterator[float]:
        for course in self.courses:
            wait = course.pace.deregister_after
            if not course.healthy and wait is not None:
                yield course.since + wait
