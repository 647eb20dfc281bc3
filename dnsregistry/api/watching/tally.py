"""What watching has come to since the start."""

from dataclasses import dataclass


@dataclass(slots=True)
class WatchTally:
    """`streams` and `waiting` are those of now; an event is counted for each stream it went to."""

    streams: int = 0
    waiting: int = 0
    events: int = 0
    resets: int = 0
    cut: int = 0
    refused: int = 0
    errors: int = 0
    remembered: int = 0
