"""All that the screen shows, as of a moment. Pure: time is an argument."""

from dataclasses import dataclass, field

from dnsregistry.cli.overview.numbers import Reading, queries_a_second
from dnsregistry.cli.overview.services import Services

BACK_SECONDS = 15.0
"""For which it is told that the registry is back: long enough to be seen by who looked away."""


@dataclass(frozen=True, slots=True)
class Absence:
    """The registry does not answer, or did not until `until`."""

    since: float
    reason: str
    until: float | None = None


@dataclass(slots=True)
class View:
    """What is known. `listed` is whether the services are; before that there are none to show."""

    url: str
    services: Services = field(default_factory=Services)
    listed: bool = False
    reading: Reading | None = None
    rate: float | None = None
    absence: Absence | None = None

    @property
    def is_away(self) -> bool:
        """Whether the registry did not answer when it was asked last."""
        return self.absence is not None and self.absence.until is None

    def take_reading(self, reading: Reading | None, now: float) -> None:
        """Note that the registry answered; None where it does not tell its numbers."""
        if reading is not None:
            self.rate = queries_a_second(None if self.is_away else self.reading, reading)
        self.reading = reading
        if self.absence is not None and self.is_away:
            self.absence = Absence(self.absence.since, self.absence.reason, now)
        elif self.absence is not None and now - (self.absence.until or now) > BACK_SECONDS:
            self.absence = None

    def take_failure(self, reason: str, now: float) -> None:
        """Note that it did not."""
        since = self.absence.since if self.absence is not None and self.is_away else now
        self.absence = Absence(since, reason)
        self.rate = None
