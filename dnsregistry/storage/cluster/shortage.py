"""That fewer replicas of the store than must have what is written: no change is taken meanwhile."""

from collections.abc import Callable

import structlog

from dnsregistry.storage.store import Outage

log = structlog.get_logger("dnsregistry.storage")


class Shortage:
    """`outage` is there while it lasts, `times` counts; `now` is the registry's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.outage: Outage | None = None
        self.times = 0
        self._now = now

    def begin(self, reason: str) -> None:
        """Too few have it; told once."""
        if self.outage is None:
            self.times += 1
            log.warning("too few replicas of the store take part", reason=reason)
            self.outage = Outage(self._now(), reason)

    def end(self) -> None:
        """As many as must have it."""
        if self.outage is not None:
            seconds = round(self._now() - self.outage.since, 1)
            log.info("enough replicas of the store take part", after_seconds=seconds)
            self.outage = None
