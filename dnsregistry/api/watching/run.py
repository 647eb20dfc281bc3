"""A run of events: those of one service, or all, as far back as they are remembered. Pure."""

from bisect import bisect_right
from collections import deque

from dnsregistry.api.watching.event import Event


class Run:
    """Events in the order of their revisions, each at a position that it keeps for ever.

    Positions count from 0 at the run's own beginning. `first` is that of the oldest event, `end`
    that of the next one to come. `readers` are those who have a place in it.
    """

    __slots__ = ("_events", "first", "readers")

    def __init__(self) -> None:
        self._events: deque[Event] = deque()
        self.first = 0
        self.readers = 0

    def __len__(self) -> int:
        return len(self._events)

    @property
    def end(self) -> int:
        """The position behind the last event."""
        return self.first + len(self._events)

    def append(self, event: Event) -> None:
        """Take in the next event."""
        self._events.append(event)

    def drop(self) -> Event:
        """Forget the oldest event."""
        self.first += 1
        return self._events.popleft()

    def tear(self) -> None:
        """Forget all of them, and whoever stands at the end has missed something too."""
        self.first = self.end + 1
        self._events.clear()

    def at(self, position: int) -> Event:
        """The event at a position from `first` up to `end`."""
        return self._events[position - self.first]

    def find(self, revision: int) -> int:
        """The position of the first event above a revision."""
        return self.first + bisect_right(self._events, revision, key=lambda event: event.revision)

    def last_revision(self) -> int:
        """That of the newest event; 0 where there is none."""
        return self._events[-1].revision if self._events else 0
