"""The desk: what others are told about checks, and what they may ask for.

Results are with the node that makes the checks; every node has the verdicts.
"""

from collections.abc import Callable, Mapping, Sequence

from dnsregistry.health.course import CheckCourse, Turn
from dnsregistry.health.draining import Drains
from dnsregistry.health.probing.pattern import check_patterns
from dnsregistry.health.tally import ServiceTally
from dnsregistry.health.targets import TargetPolicy
from dnsregistry.health.ward import Group, Ward
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.check import Check, Health
from dnsregistry.registry.check_description import describe_check
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.instance import Instance
from dnsregistry.storage.store import Store
from dnsregistry.turns import take_turns

WriteTime = Callable[[float], str | None]
"""Makes text of unix time."""


class Desk:
    """Tells of instances and services as JSON can have it.

    `default_of` are the checks of a service whose registrations bring none.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        ward: Ward,
        policy: TargetPolicy,
        drains: Drains,
        default_of: Callable[[str], tuple[Check, ...]],
        write_time: WriteTime,
    ) -> None:
        self.default_of = default_of
        self.ward = ward
        self._catalogue = catalogue
        self._store = store
        self._policy = policy
        self._drains = drains
        self._write_time = write_time

    def check(self, instance: Instance) -> None:
        """Refuse, with InvalidField, an instance with a check that could not be made."""
        if instance.checks:
            check_patterns(instance.checks)
            self._policy.check(instance)

    def tell(self, instance: Instance) -> dict[str, object]:
        """The verdict and the checks of an instance, and when it is drained, if it is to be."""
        told: dict[str, object] = {"health": instance.health, "checks": self._tell_checks(instance)}
        drained_at = self._drains.end_of(instance.id)
        if drained_at is not None:
            told["drained_at"] = self._write_time(drained_at)
        return told

    def tell_history(self, instance: Instance) -> Mapping[str, object]:
        """The same with the last turns of its checks, the oldest first."""
        patient = self.ward.find(instance.id)
        turns = patient.course.turns if patient is not None else ()
        return {
            "id": instance.id,
            "service": instance.service,
            **self.tell(instance),
            "followed_here": patient is not None,
            "history": [self._tell_turn(turn) for turn in turns],
        }

    async def tell_service(self, service: str) -> Mapping[str, object]:
        """A service's guard, and the numbers of its checks."""
        counts = dict.fromkeys(Health, 0)
        async for lease in take_turns(list(self._catalogue.of_service(service))):
            counts[lease.instance.health] += 1
        group = self.ward.group(service)
        tally = ServiceTally() if group is None else group.tally
        return {
            "name": service,
            **{str(health): count for health, count in counts.items()},
            **tally.tell(),
            "guard": self._tell_guard(group),
        }

    async def lift_guard(self, service: str) -> int:
        """Tell the truth of a service's instances now; returns of how many."""
        self.ward.lift(service)
        lifted = 0
        async for lease in take_turns(list(self._catalogue.of_service(service))):
            instance = lease.instance
            if instance.health is not Health.DEGRADED:
                continue
            patient = self.ward.find(instance.id)
            if patient is not None:
                patient.saying = Health.UNHEALTHY
            try:
                await self._store.set_health(instance.id, Health.UNHEALTHY)
            except UnknownInstance:
                continue
            lifted += 1
        return lifted

    def _tell_checks(self, instance: Instance) -> Sequence[Mapping[str, object]]:
        if not instance.checks:
            return ()
        patient = self.ward.find(instance.id)
        if patient is None or patient.course.checks != instance.checks:
            return [describe_check(check) for check in instance.checks]
        pairs = zip(instance.checks, patient.course.courses, strict=True)
        return [{**describe_check(check), **self._tell_course(course)} for check, course in pairs]

    def _tell_course(self, course: CheckCourse) -> Mapping[str, object]:
        health = Health.HEALTHY if course.healthy else Health.UNHEALTHY
        told: dict[str, object] = {"health": health, "since": self._write_time(course.since)}
        last = course.last
        if last is not None:
            told["last"] = {
                "time": self._write_time(course.last_at),
                "passed": last.passed,
                "latency": round(last.latency, 6),
                "reason": last.reason,
            }
        return told

    def _tell_turn(self, turn: Turn) -> Mapping[str, object]:
        return {
            "time": self._write_time(turn.time),
            "check": turn.check,
            "health": turn.health,
            "reason": turn.reason,
        }

    def _tell_guard(self, group: Group | None) -> Mapping[str, object] | None:
        if group is None:
            return None
        guard = group.guard
        until = guard.until
        return {
            "threshold": guard.rule.threshold,
            "limit": guard.rule.limit,
            "holding": until is not None,
            "until": None if until is None else self._write_time(until),
            "held": len(guard.held),
        }
