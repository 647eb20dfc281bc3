"""The writer: verdicts, renewals and ends that follow from checks, through the store.

A store that is away takes nothing; what is to be said then is kept, the last word of each
instance alone, and said when it is back.
"""

import asyncio
from collections.abc import Callable

import structlog

from dnsregistry.health.outcome import Outcome
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.ward import Patient, Ward
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.check import Health
from dnsregistry.registry.errors import RevisionDiffers, UnknownInstance
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.warrant import HOUSE
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.store import Store

BATCH = 64
"""Verdicts on their way at once: a store that gathers writes makes one of them."""
GATHER = 0.25
"""Seconds for which renewals are gathered; no lease is as short."""
MOST_RENEWALS = 1000
AWAY = 1.0
"""Seconds until a store that was away is asked again."""

log = structlog.get_logger("dnsregistry.health")


class VerdictWriter:
    """Writes what the ward wants said."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        ward: Ward,
        tally: HealthTally,
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._ward = ward
        self._tally = tally
        self._now = now
        self._renewals: dict[str, None] = {}
        self._ends: dict[str, Patient] = {}
        self._woken = asyncio.Event()
        self._is_away = False

    def wake(self) -> None:
        """There may be something to say."""
        if self._ends or not self._ward.is_said:
            self._woken.set()

    def settle(self, patient: Patient, outcome: Outcome) -> None:
        """See to the lease of an instance after a result of one of its checks.

        It is renewed with every pass, by the guard that holds it up, and while it waits for its
        end by `deregister_after`.
        """
        course = patient.course
        ends_at = course.ends_at()
        held = self._ward.is_held(patient)
        if ends_at is not None and ends_at <= self._now() and not held:
            self._ends[patient.key] = patient
        elif (outcome.passed and course.is_healthy and patient.keeps_lease) or (
            not course.is_healthy and (held or ends_at is not None)
        ):
            self._renewals[patient.instance.id] = None
        self.wake()

    async def run(self) -> None:
        """Write until cancelled."""
        loop = asyncio.get_running_loop()
        renewed_at = loop.time()
        while True:
            try:
                async with asyncio.timeout(GATHER):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._say()
                await self._end()
                if loop.time() - renewed_at >= GATHER:
                    renewed_at = loop.time()
                    await self._renew()
                self._is_away = False
            except StoreAway as away:
                await self._wait(away)
            except Exception:
                self._tally.faults += 1
                log.exception("verdicts could not be written")
                await asyncio.sleep(AWAY)

    async def _say(self) -> None:
        self._tell_guards()
        while batch := self._ward.take_unsaid(BATCH):
            results = await asyncio.gather(
                *(self._write(patient, health) for patient, health in batch),
                return_exceptions=True,
            )
            failures = [result for result in results if isinstance(result, BaseException)]
            if failures:
                raise failures[0]

    async def _write(self, patient: Patient, health: Health) -> None:
        patient.saying = health
        try:
            await self._store.set_health(patient.instance.id, health)
        except UnknownInstance:
            return
        except BaseException:
            self._tally.write_failures += 1
            self._ward.put_back(patient)
            raise

    async def _end(self) -> None:
        while self._ends:
            key, patient = next(iter(self._ends.items()))
            lease = self._catalogue.find(key)
            ill = self._ward.find(key) is patient and not patient.course.is_healthy
            if ill and lease is not None:
                # Who registers anew at this moment is another one, and stays.
                seen = Expected(frozenset((lease.revision,)))
                try:
                    await self._store.revoke(patient.instance.id, seen, by=HOUSE)
                except (UnknownInstance, RevisionDiffers):
                    pass
                else:
                    self._tally.revoked += 1
                    log.info("revoked by its checks", instance=patient.instance.id)
            self._ends.pop(key, None)

    async def _renew(self) -> None:
        while self._renewals:
            ids = list(self._renewals)[:MOST_RENEWALS]
            await self._store.renew_all(ids, by=HOUSE)
            for instance_id in ids:
                self._renewals.pop(instance_id, None)

    def _tell_guards(self) -> None:
        """One line in the log for each guard that has begun to hold, and has let go."""
        for service, failing, members in self._ward.tripped:
            self._tally.guard_trips += 1
            log.warning(
                "many instances of a service fail at once and stay answered for a while",
                service=service,
                failing=failing,
                members=members,
            )
        self._ward.tripped.clear()
        for service, held in self._ward.released:
            log.warning("the mass-failure guard lets go", service=service, held=held)
        self._ward.released.clear()

    async def _wait(self, away: StoreAway) -> None:
        if not self._is_away:
            log.warning("verdicts wait for the store", reason=away.reason)
        self._is_away = True
        await asyncio.sleep(AWAY)
        self._woken.set()
