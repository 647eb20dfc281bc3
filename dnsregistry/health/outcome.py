"""What one probe found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether it passed, how long it took in seconds, and a short reason for people."""

    passed: bool
    latency: float
    reason: str


class ProbeFailed(Exception):
    """A probe that did not pass; the text is its reason."""


class NotAsked(Exception):
    """A probe for which something was wanting here: it tells nothing of its target."""


class Forbidden(OSError):
    """An address that may not be probed; the text names the rule. An OSError, as a refusal is."""
