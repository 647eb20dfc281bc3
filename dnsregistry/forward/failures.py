"""Questions that ended without an answer, remembered for a moment (RFC 9520)."""

from collections import OrderedDict

from dnsregistry.forward.question import Asked

FAILURE_SECONDS = 1.0
"""The least that RFC 9520, 3.2 demands: a stub that asks again is served by the next attempt."""
STALE_RECHECK_SECONDS = 5.0
"""Where stale data stands in, the upstreams are left alone for longer (RFC 8767, 5)."""
MOST_FAILURES = 10_000


class Failures:
    """Until when a question is not to be asked again; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._until: OrderedDict[Asked, float] = OrderedDict()

    def note(self, asked: Asked, until: float) -> None:
        """Remember that a question failed."""
        self._until[asked] = until
        self._until.move_to_end(asked)
        if len(self._until) > MOST_FAILURES:
            self._until.popitem(last=False)

    def holds(self, asked: Asked, now: float) -> bool:
        """Whether the question failed a moment ago."""
        until = self._until.get(asked)
        if until is None:
            return False
        # A clock that was set back must not keep a question from being asked for long.
        if now < until <= now + STALE_RECHECK_SECONDS:
            return True
        del self._until[asked]
        return False
