"""What workers are asked for: what is worth being made anew with a change.

Rules:
- Wanted is an answer that a worker asked for and holds, and stays so while workers tell that they
  gave it: through `MOST_UNASKED` changes of its name, or for `RECENT_SECONDS`, whatever is more.
- Only answers that all clients share, and of them a bounded number.
"""

from dataclasses import dataclass, field

from dnsregistry.answers.access import Client

MOST_NAMES = 1 << 15
"""Some twenty megabytes; past it the name that came first is forgotten as others are."""
MOST_FORMS = 8
"""Of questions for one name: its types, with and without EDNS, from the few kinds of stubs that a
house has. More are made at their next question."""
MOST_UNASKED = 2
"""Changes of a name without a question between them: a worker tells that it gave an answer only
when the next change takes that from it."""
RECENT_SECONDS = 10.0
"""Since an answer was given: of a name that changes several times a second, not every answer is
asked for, and what is not made anew would be asked for behind all that makes those changes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question as one client asked it."""

    message: bytes
    client: Client


@dataclass(slots=True)
class _Name:
    given_at: float
    forms: dict[bytes, Wanted] = field(default_factory=dict)
    unasked: int = 0


class Demand:
    """Questions by wire name; `now` is in seconds, of any clock that does not go back."""

    def __init__(self) -> None:
        self._names: dict[bytes, _Name] = {}

    def note(self, name: bytes, form: bytes, wanted: Wanted, now: float) -> None:
        """Note that a worker has asked for this, in this form."""
        kept = self._names.get(name)
        if kept is None:
            if len(self._names) >= MOST_NAMES:
                del self._names[next(iter(self._names))]
            kept = self._names[name] = _Name(now)
        kept.given_at, kept.unasked = now, 0
        if len(kept.forms) < MOST_FORMS:
            kept.forms.setdefault(form, wanted)

    def confirm(self, name: bytes, now: float) -> None:
        """Note that a worker gave an answer for this name before its last change."""
        kept = self._names.get(name)
        if kept is not None:
            kept.given_at, kept.unasked = now, 0

    def take(self, name: bytes, now: float) -> tuple[Wanted, ...]:
        """What is wanted of a name that has changed; empty where nothing is, which ends it."""
        kept = self._names.get(name)
        if kept is None:
            return ()
        if kept.unasked >= MOST_UNASKED and now - kept.given_at >= RECENT_SECONDS:
            del self._names[name]
            return ()
        kept.unasked += 1
        return tuple(kept.forms.values())

    def forget(self, name: bytes) -> None:
        """Have nothing wanted of this name."""
        self._names.pop(name, None)

    def clear(self) -> None:
        """Have nothing wanted."""
        self._names.clear()
