"""What sweeps have come upon: plain numbers, read by the statistics and the metrics."""

from dataclasses import dataclass


@dataclass(slots=True)
class ScanTally:
    """Since the start; `size`, `asked_now` and `last_seconds` are of the sweep itself.

    What was asked is identified, refused, silent or unreadable. Who is identified is registered,
    renewed, replaced (renewed with something new), in conflict (under an id that is somebody
    else's) or rejected (nothing that can be registered); `failures` are answers that the store did
    not take.
    """

    sweeps: int = 0
    asked: int = 0
    identified: int = 0
    refused: int = 0
    silent: int = 0
    unreadable: int = 0
    registered: int = 0
    renewed: int = 0
    replaced: int = 0
    conflicts: int = 0
    rejected: int = 0
    failures: int = 0
    size: int = 0
    asked_now: int = 0
    known: int = 0
    last_seconds: float = 0.0
