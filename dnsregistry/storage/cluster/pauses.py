"""Pauses between links: a store that is there, and of no use, is not sought without rest."""

SHORT_SECONDS = 1.0
"""A link that lived for less was of no use: a right is missing, a log cannot be read."""
MOST_SHORT = 3
"""Such links in a row without a longer pause: after a loss nodes bring back what they hold one
after the other, and each begins anew for what the one before it brought."""
MOST_DOUBLINGS = 5
"""From a third of a second to ten."""


class Pauses:
    """Counts links in a row that were of no use. Times are seconds of one clock."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = -SHORT_SECONDS
        self._short = 0

    @property
    def are_due(self) -> bool:
        """Whether so many were of no use that even one that may work at once is to wait."""
        return self._short > MOST_SHORT

    def begin(self, now: float) -> None:
        """A link is in use."""
        self._began = now

    def after(self, now: float) -> float:
        """A link has ended, or was reached and never of use; returns the seconds to pause."""
        self._short = self._short + 1 if now - self._began < SHORT_SECONDS else 0
        self._began = now
        return self._seconds * 2.0 ** min(max(0, self._short - MOST_SHORT), MOST_DOUBLINGS)
