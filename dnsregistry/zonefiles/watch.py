"""Keeps what is served the same as what is in the folder.

A change is live two looks after it was made, plus the time that reading takes. A look costs a
stat a file, in a thread.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from dnsregistry.zone.name import Name
from dnsregistry.zonefiles.fault import Fault
from dnsregistry.zonefiles.folder import Folder, Look
from dnsregistry.zonefiles.zonefile import ZoneFile

INTERVAL = 0.5
"""Seconds between looks: two of them and a slow read stay under two seconds."""
MOST_WARNINGS = 20
"""Warnings of one file that are logged; `zone check` tells all of them."""

log = structlog.get_logger("dnsregistry.zonefiles")


@dataclass(slots=True)
class ZoneTally:
    """Counts since the start, of files read and files refused; and of zones served now."""

    loaded: int = 0
    refused: int = 0
    zones: int = 0
    records: int = 0


class ZoneWatch:
    """Watches a folder from the event loop."""

    def __init__(
        self,
        folder: Path,
        live_origin: Name,
        apply: Callable[[Mapping[Name, ZoneFile], frozenset[Name]], None],
        interval: float = INTERVAL,
    ) -> None:
        """`apply` is called on the loop when anything changed, with all zones that are to be
        served and the origins of those that never could be read.
        """
        self.tally = ZoneTally()
        self._folder = Folder(folder, live_origin)
        self._apply = apply
        self._interval = interval
        self._problems: tuple[Fault, ...] = ()
        self._unread: frozenset[Name] = frozenset()
        self._stopped = False
        self._unapplied = False

    def problems(self) -> tuple[Fault, ...]:
        """The first fault of each file that is refused now; its zone is as it was before."""
        return self._problems

    async def load(self) -> None:
        """Read everything, before the first question. A bad file fails only itself."""
        await self._look(patient=False)

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self._look(patient=True)
            except Exception:
                log.exception("zone files not looked at, or not served")

    async def _look(self, *, patient: bool) -> None:
        try:
            look = await asyncio.to_thread(self._folder.look, self._is_wanted, patient=patient)
        except asyncio.CancelledError:
            # The thread cannot be cancelled; it asks.
            self._stopped = True
            raise
        self._problems = look.problems
        self.tally.loaded += len(look.loaded)
        self.tally.refused += len(look.refused)
        _tell(look)
        self._unapplied |= bool(look.loaded or look.removed or look.unread != self._unread)
        self._unread = look.unread
        if self._unapplied:
            self.tally.zones = len(look.zones)
            self.tally.records = sum(zone.records for zone in look.zones.values())
            self._apply(look.zones, look.unread)
            self._unapplied = False

    def _is_wanted(self) -> bool:
        return not self._stopped


def _tell(look: Look) -> None:
    for origin in look.removed:
        log.info("zone removed with its file", origin=str(origin))
    for error in look.refused:
        more = len(error.faults) - 1
        also = {"more_faults": more} if more else {}
        log.error(
            "zone file refused", file=error.file, line=error.line, reason=error.reason, **also
        )
    for zone in look.loaded:
        log.info("zone loaded", origin=str(zone.origin), records=zone.records, serial=zone.serial)
        for warning in zone.warnings[:MOST_WARNINGS]:
            log.warning("zone file", file=warning.file, line=warning.line, reason=warning.reason)
        if len(zone.warnings) > MOST_WARNINGS:
            log.warning("zone file", more_warnings=len(zone.warnings) - MOST_WARNINGS)
