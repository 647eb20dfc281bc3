"""The prober: makes the checks of all instances that are this node's, and has verdicts written.

Rules:
- One schedule for all; a bounded number in flight. A target is asked once at a time: who wants to
  ask the same meanwhile takes the answer that is under way.
- Starts come in small groups, between which the event loop turns: DNS does not wait for checks.
- What a probe found is noted at once; what follows from it is written through the store. A probe
  that could not be made, for want of open files say, found nothing: its turn comes again.
"""

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import structlog

from dnsregistry.health.outcome import NotAsked, Outcome
from dnsregistry.health.placement import Placement
from dnsregistry.health.probing.probes import Probes
from dnsregistry.health.schedule import Schedule, next_due
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.targets import target_places
from dnsregistry.health.ward import Patient, Ward
from dnsregistry.health.writer import VerdictWriter
from dnsregistry.registry.check import HeartbeatProbe, Place, Probe
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.turns import take_turns

TICK = 0.01
"""Seconds: checks that come due closer together than that are begun together."""
GROUP = 4
"""Probes begun before the loop turns: half a millisecond of work, which DNS waits for at most."""
NEW = 0.001
"""Seconds between the first checks of two instances that are new, so that thousands that come in
one request are no herd."""
PAGE = 500
"""Leases compared before the loop turns: a millisecond of work, where they have no checks."""
QUIET = 60.0
"""Seconds until it is told again that checks cannot be made."""
NAP = 0.25
"""Seconds between two looks at the guards that hold."""

Slot = tuple[Patient, int]
"""A followed instance, and the place of one of its checks."""

log = structlog.get_logger("dnsregistry.health")


@dataclass(frozen=True, slots=True)
class _Target:
    """What is asked: alike for all that ask the same."""

    probe: Probe
    places: Sequence[Place]
    timeout: float


class Prober:
    """Runs checks; `now` is the registry's clock, `chance` draws from [0, 1)."""

    def __init__(
        self,
        registry: Registry,
        ward: Ward,
        probes: Probes,
        writer: VerdictWriter,
        placement: Placement,
        tally: HealthTally,
        now: Callable[[], float],
        chance: Callable[[], float],
        concurrency: int,
    ) -> None:
        self.placement = placement
        self._registry = registry
        self._ward = ward
        self._probes = probes
        self._writer = writer
        self._tally = tally
        self._now = now
        self._chance = chance
        self._concurrency = concurrency
        self._schedule: Schedule[Slot] = Schedule()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._flights: dict[_Target, asyncio.Future[Outcome | None]] = {}
        self._next_new = 0.0
        self._quiet_until = -math.inf
        self._asleep_until = 0.0
        self._woken = asyncio.Event()
        self._stop_listening: Callable[[], None] | None = None

    @property
    def in_flight(self) -> int:
        """How many probes are under way."""
        return len(self._in_flight)

    async def load(self) -> None:
        """Follow what the registry holds already, spread over its intervals, and all changes."""
        self._stop_listening = self._registry.feed.subscribe(self._hear)
        await self.review()

    async def replace_nodes(self, nodes: Iterable[str], node: str | None = None) -> None:
        """Take over the checks that are this node's by the nodes that live now, leave others.

        `node` is this one's name, told at least once on a cluster.
        """
        if self.placement.replace(nodes, node):
            await self.review()

    async def run(self) -> None:
        """Make checks and write verdicts until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._run_schedule(), name="checks")
                group.create_task(self._writer.run(), name="verdicts")
        finally:
            if self._stop_listening is not None:
                self._stop_listening()
            for task in self._in_flight:
                task.cancel()
            await asyncio.gather(*self._in_flight, return_exceptions=True)
            await self._probes.close()

    async def _run_schedule(self) -> None:
        while True:
            try:
                await self._sleep()
                self._ward.tick(self._now())
                await self._start_due()
                self._writer.wake()
            except Exception:
                self._tally.faults += 1
                log.exception("the schedule of checks failed")
                await asyncio.sleep(1.0)

    async def _sleep(self) -> None:
        """Until the next check is due; a while at most, and until one is put before it."""
        await asyncio.sleep(TICK)
        now = asyncio.get_running_loop().time()
        due = self._schedule.earliest()
        self._asleep_until = min(now + NAP, math.inf if due is None else due)
        if self._asleep_until <= now:
            return
        self._woken.clear()
        try:
            async with asyncio.timeout_at(self._asleep_until):
                await self._woken.wait()
        except TimeoutError:
            return

    async def _start_due(self) -> None:
        loop = asyncio.get_running_loop()
        started = 0
        while len(self._in_flight) < self._concurrency:
            taken = self._schedule.take(loop.time())
            if taken is None:
                return
            slot, due = taken
            self._start(slot, due, loop.time())
            started += 1
            if started % GROUP == 0:
                await asyncio.sleep(0)

    def _start(self, slot: Slot, due: float, now: float) -> None:
        self._tally.note_lag(now - due)
        patient, place = slot
        if isinstance(patient.instance.checks[place].probe, HeartbeatProbe):
            self._finish(slot, due, self._listen(patient, place))
            return
        task = asyncio.create_task(self._probe(slot, due))
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _probe(self, slot: Slot, due: float) -> None:
        patient, place = slot
        check = patient.instance.checks[place]
        places = tuple(target_places(patient.instance, check.probe))
        target = _Target(check.probe, places, check.pace.timeout)
        flight = self._flights.get(target)
        if flight is not None:
            self._tally.shared += 1
            outcome = await asyncio.shield(flight)
        else:
            flight = self._flights[target] = asyncio.get_running_loop().create_future()
            try:
                outcome = await self._ask(target)
                flight.set_result(outcome)
            finally:
                flight.cancel()
                del self._flights[target]
        self._finish(slot, due, outcome)

    async def _ask(self, target: _Target) -> Outcome | None:
        """What a target's probe found; None where it could not be made."""
        try:
            return await self._probes.ask(target.probe, target.places, target.timeout)
        except NotAsked as lack:
            self._tally.faults += 1
            if self._now() >= self._quiet_until:
                self._quiet_until = self._now() + QUIET
                log.error("checks cannot be made, and verdicts stay", reason=str(lack))
            return None

    def _listen(self, patient: Patient, place: int) -> Outcome:
        """The outcome of a heartbeat check."""
        pace = patient.instance.checks[place].pace
        lease = self._registry.catalogue.find(patient.instance.id)
        age = self._now() - lease.renewed_at if lease is not None else float("inf")
        if age <= pace.interval + pace.timeout:
            return Outcome(True, 0.0, "a heartbeat came in time")
        return Outcome(False, 0.0, f"the last heartbeat is {age:.1f} s old")

    def _finish(self, slot: Slot, due: float, outcome: Outcome | None) -> None:
        """Take in what was found, unless the instance is gone or is another one by now."""
        patient, place = slot
        if self._ward.find(patient.key) is not patient:
            return
        is_first = patient.course.courses[place].last is None
        if outcome is not None:
            self._note(patient, place, outcome)
        pace = patient.instance.checks[place].pace
        at = asyncio.get_running_loop().time()
        if is_first:
            # What came at once would go on coming at once.
            following = self._schedule.spread(slot, pace.interval, at)
        else:
            draw = self._chance()
            following = next_due(due, at, pace.interval, pace.jitter, draw)
            self._schedule.put(slot, following)
        self._wake(following)

    def _note(self, patient: Patient, place: int, outcome: Outcome) -> None:
        probe = patient.instance.checks[place].probe
        kind = type(probe).__name__.removesuffix("Probe").lower()
        self._tally.note_probe(kind, passed=outcome.passed)
        self._tally.transitions += self._ward.note(patient, place, outcome, self._now())
        self._writer.settle(patient, outcome)

    def _hear(self, change: Change) -> None:
        """Follow what comes, leave what goes; what its owner describes anew begins anew."""
        before, after = change.before, change.after
        if not (before is not None and before.checks) and not (after is not None and after.checks):
            return
        now = self._now()
        key = (after or before or _nobody()).id
        patient = self._ward.find(key)
        if patient is not None and (after is None or not _asks_the_same(patient.instance, after)):
            self._leave(patient, now)
            patient = None
        if after is not None and after.checks and patient is None and self._owns(after):
            patient = self._ward.follow(after, now)
            for place, check in enumerate(after.checks):
                self._next_new = max(asyncio.get_running_loop().time(), self._next_new + NEW)
                due = self._next_new + check.pace.delay
                self._schedule.put((patient, place), due)
                self._wake(due)
        self._ward.hear(change, now)
        self._writer.wake()

    def _wake(self, due: float) -> None:
        if due < self._asleep_until:
            self._woken.set()

    def _leave(self, patient: Patient, now: float) -> None:
        self._ward.leave(patient.key, now)
        for place in range(len(patient.instance.checks)):
            self._schedule.remove((patient, place))

    async def review(self) -> None:
        """Compare what is followed with what there is and is this node's; in slices.

        For changes that no listener was told: at the start, when the nodes are others, and when
        a catalogue was read anew.
        """
        catalogue = self._registry.catalogue
        async for followed in take_turns(list(self._ward.patients())):
            held = catalogue.find(followed.key)
            gone = held is None or not _asks_the_same(followed.instance, held.instance)
            if gone and self._ward.find(followed.key) is followed:
                self._leave(followed, self._now())
        last = 0
        # The catalogue changes between two pages, and what is taken from it must not be torn.
        while page := list(islice(catalogue.after(last), PAGE)):
            for lease in page:
                self._compare(lease.instance)
            last = page[-1].sequence
            await asyncio.sleep(0)
        self._writer.wake()

    def _compare(self, instance: Instance) -> None:
        """Follow or leave an instance that is held, as is this node's part."""
        if not instance.checks:
            return
        patient, owned = self._ward.find(instance.id), self._owns(instance)
        if patient is not None and not owned:
            self._leave(patient, self._now())
        elif patient is None and owned:
            patient = self._ward.follow(instance, self._now())
            at = asyncio.get_running_loop().time()
            for place, check in enumerate(instance.checks):
                self._schedule.spread((patient, place), check.pace.interval, at)

    def _owns(self, instance: Instance) -> bool:
        return self.placement.owns(instance.id.lower())


def _asks_the_same(held: Instance, given: Instance) -> bool:
    return (
        held.checks == given.checks
        and held.endpoints == given.endpoints
        and held.service == given.service
    )


def _nobody() -> Instance:
    raise ValueError("a change of nothing")
