"""The scan as a part of the program: what it is made of, and its life."""

from collections.abc import Callable
from datetime import UTC, datetime

from dnsregistry.registry.registry import Registry
from dnsregistry.scan.peer import Asker, Limits
from dnsregistry.scan.ranges import Ranges
from dnsregistry.scan.roll import Roll, Writer
from dnsregistry.scan.scanner import LEASE_INTERVALS, Scanner, Schedule
from dnsregistry.scan.settings import ScanSettings
from dnsregistry.scan.tally import ScanTally


class Scan:
    """A scanner and what it asks with."""

    def __init__(self, scanner: Scanner, asker: Asker) -> None:
        self._scanner = scanner
        self._asker = asker

    @property
    def tally(self) -> ScanTally:
        """What it has come upon."""
        return self._scanner.tally

    async def run(self) -> None:
        """Scan until cancelled."""
        try:
            await self._scanner.run()
        finally:
            await self._asker.close()


def build_scan(
    settings: ScanSettings, registry: Registry, store: Writer, now: Callable[[], float]
) -> Scan | None:
    """What scans the ranges of the settings; None where there are none."""
    if not settings.scan_ranges:
        return None
    interval = settings.scan_interval
    asker = Asker(Limits(), lambda: write_time(now()))
    scanner = Scanner(
        Ranges(settings.scan_ranges, settings.scan_port),
        Schedule(interval, settings.scan_rate),
        asker.ask,
        Roll(registry, store, now, LEASE_INTERVALS * interval),
    )
    return Scan(scanner, asker)


def write_time(time: float) -> str:
    """The timestamp of an `identify`: UTC without saying so, as in `2025-11-23T12:00:00`."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")[:-6]
