"""The scanner: asks every address of the ranges, again and again, and keeps the leases of what it
finds.

Rules:
- What was found before is asked every interval, however long a whole round through large ranges
  takes; the rest is asked a round at a time, at most one an interval.
- A lease lasts two and a half intervals: one answer may be lost, two end it.
- A complaint about a peer is one line in the log until it changes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from random import random
from time import monotonic

import structlog

from dnsregistry.registry.errors import RegistryError
from dnsregistry.scan.identity import Identity
from dnsregistry.scan.pace import Pace, vary
from dnsregistry.scan.peer import Answer, Failure
from dnsregistry.scan.ranges import Ranges, Target
from dnsregistry.scan.roll import Entry, Roll
from dnsregistry.scan.survey import Ask, Surveyor
from dnsregistry.scan.tally import ScanTally
from dnsregistry.turns import take_turns

LEASE_INTERVALS = 2.5

_COMPLAINTS = frozenset({Entry.CONFLICT, Entry.REJECTED})

log = structlog.get_logger("dnsregistry.scan")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Seconds between two rounds, and connections a second."""

    interval: float
    rate: float


class Scanner:
    """Scans until it is cancelled."""

    def __init__(
        self,
        ranges: Ranges,
        schedule: Schedule,
        ask: Ask,
        roll: Roll,
        draw: Callable[[], float] = random,
    ) -> None:
        """`draw` gives numbers from 0 to 1, for the order and for the jitter."""
        self.tally = ScanTally(size=len(ranges))
        self._ranges = ranges
        self._interval = schedule.interval
        self._surveyor = Surveyor(ask, Pace(schedule.rate, draw), monotonic)
        self._roll = roll
        self._draw = draw
        self._complaints: dict[Target, str] = {}
        self._away = ""

    async def run(self) -> None:
        """Ask all of the ranges, and again what was found, each interval."""
        async for target in take_turns(self._ranges):
            self._roll.recall(target)
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._repeat(self.ask_known))
            loops.create_task(self._repeat(self.ask_others))

    async def ask_known(self) -> None:
        """Ask where something was found before."""
        await self._surveyor.survey(self._roll.list_targets(), self._note)

    async def ask_others(self) -> None:
        """Ask everywhere else, a whole round."""
        began = monotonic()
        self.tally.asked_now = len(self._roll)
        await self._surveyor.survey(self._list_others(), self._note)
        self.tally.last_seconds = round(monotonic() - began, 3)
        self.tally.sweeps += 1

    def _list_others(self) -> Iterator[Target]:
        for target in self._ranges.shuffle(self._draw):
            if target not in self._roll:
                self.tally.asked_now += 1
                yield target

    async def _repeat(self, step: Callable[[], Awaitable[None]]) -> None:
        while True:
            began = monotonic()
            try:
                await step()
            except Exception:
                self.tally.failures += 1
                log.exception("a scan failed")
            spent = monotonic() - began
            await asyncio.sleep(max(0.0, vary(self._interval, self._draw) - spent))

    async def _note(self, target: Target, answer: Answer) -> None:
        """Do what an answer asks for. Nothing that goes wrong with one peer reaches another."""
        tally = self.tally
        tally.asked += 1
        try:
            if isinstance(answer, Identity):
                tally.identified += 1
                entry, reason = await self._roll.enter(target, answer)
                self._away = ""
                self._count_entry(entry)
                self._complain(target, reason if entry in _COMPLAINTS else "")
            else:
                self._count_failure(answer.failure)
                self._roll.miss(target)
                self._complain(target, "")
        except RegistryError as fact:
            tally.failures += 1
            if str(fact) != self._away:
                self._away = str(fact)
                log.warning("nothing that answers can be registered", reason=str(fact))
        except Exception:
            tally.failures += 1
            log.exception("an answer was lost", peer=str(target))
        tally.known = len(self._roll)

    def _count_entry(self, entry: Entry) -> None:
        tally = self.tally
        match entry:
            case Entry.REGISTERED:
                tally.registered += 1
            case Entry.RENEWED:
                tally.renewed += 1
            case Entry.REPLACED:
                tally.replaced += 1
            case Entry.CONFLICT:
                tally.conflicts += 1
            case Entry.REJECTED:
                tally.rejected += 1

    def _count_failure(self, failure: Failure) -> None:
        tally = self.tally
        match failure:
            case Failure.REFUSED:
                tally.refused += 1
            case Failure.SILENT:
                tally.silent += 1
            case Failure.UNREADABLE:
                tally.unreadable += 1

    def _complain(self, target: Target, reason: str) -> None:
        """Log what is wrong with a peer's answer, once until it changes."""
        if not reason:
            self._complaints.pop(target, None)
        elif self._complaints.get(target) != reason:
            self._complaints[target] = reason
            log.warning("an answer registers nothing", peer=str(target), reason=reason)
