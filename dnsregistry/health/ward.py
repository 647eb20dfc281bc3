"""All instances with checks: what was found of them, and what is to be said of them. Pure.

Rules:
- What is said of an instance follows from its course and its service's guard alone; `unsaid`
  are those of which the catalogue says otherwise.
- An instance is followed where `follow` is called for it, at one node of a cluster. Of the others
  only their falls count, for the guard; they are heard of with the changes.
- A verdict that someone else gives to an instance that is held up here lifts the guard here too.
"""

from collections.abc import Callable, Iterator

from dnsregistry.health.course import Course
from dnsregistry.health.guard import WINDOW, Guard, GuardRule
from dnsregistry.health.outcome import Outcome
from dnsregistry.health.tally import ServiceTally
from dnsregistry.registry.check import Health, HeartbeatProbe
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance, Status


class Patient:
    """One instance that is followed. `saying` is the verdict that is being written."""

    __slots__ = ("course", "instance", "keeps_lease", "saying")

    def __init__(self, instance: Instance, course: Course) -> None:
        self.instance = instance
        self.course = course
        self.saying: Health | None = None
        # Who is to send heartbeats would never be missed if probes were taken for them.
        kinds = [isinstance(check.probe, HeartbeatProbe) for check in instance.checks]
        self.keeps_lease = not any(kinds)

    @property
    def key(self) -> str:
        """The id in the case in which ids are compared."""
        return self.instance.id.lower()


class Group:
    """The followed instances of one service."""

    __slots__ = ("guard", "members", "suspects", "tally")

    def __init__(self, rule: GuardRule) -> None:
        self.guard = Guard(rule)
        self.tally = ServiceTally()
        self.members: set[str] = set()
        self.suspects: set[str] = set()


class Ward:
    """Keeps courses and guards, and tells what has to be written.

    `count_serving` is how many instances of a service are in its answers; `rule_of` is the
    guard's rule for a service.
    """

    def __init__(
        self, count_serving: Callable[[str], int], rule_of: Callable[[str], GuardRule]
    ) -> None:
        self._count_serving = count_serving
        self._rule_of = rule_of
        self._patients: dict[str, Patient] = {}
        self._groups: dict[str, Group] = {}
        self._holding: dict[str, Group] = {}
        self._unsaid: dict[str, None] = {}
        self.tripped: list[tuple[str, int, int]] = []
        """Services whose guard has begun to hold, until someone takes note: with how many fail,
        and of how many."""
        self.released: list[tuple[str, int]] = []
        """Services whose guard let go, with how many it had held."""

    def __len__(self) -> int:
        return len(self._patients)

    @property
    def is_said(self) -> bool:
        """Whether the catalogue says of every instance what is to be said."""
        return not self._unsaid and not self.tripped and not self.released

    def find(self, instance_id: str) -> Patient | None:
        """The followed instance with this id, in any case."""
        return self._patients.get(instance_id.lower())

    def patients(self) -> Iterator[Patient]:
        """All instances that are followed."""
        yield from self._patients.values()

    def group(self, service: str) -> Group | None:
        """The checks of a service, by its name in lower case; None where nothing is known."""
        return self._groups.get(service)

    def holding(self) -> Iterator[str]:
        """The services whose guard holds now."""
        yield from self._holding

    def count_holding(self) -> int:
        """How many they are."""
        return len(self._holding)

    def groups(self) -> Iterator[tuple[str, Group]]:
        """All services with checks."""
        yield from self._groups.items()

    def follow(self, instance: Instance, now: float) -> Patient:
        """Follow an instance from now on."""
        patient = Patient(instance, Course(instance.checks, instance.health, now))
        self._patients[patient.key] = patient
        group = self._open_group(instance.service)
        group.members.add(patient.key)
        pace = max(check.pace.interval + check.pace.timeout for check in instance.checks)
        group.guard.window = max(WINDOW, group.guard.window, pace)
        if instance.health is Health.DEGRADED:
            group.guard.hold_on([patient.key], now)
            self._holding[instance.service] = group
        if self._wanted(patient) is not instance.health:
            self._unsaid[patient.key] = None
        return patient

    def leave(self, instance_id: str, now: float) -> Patient | None:
        """Follow an instance no longer: it is gone, or followed elsewhere."""
        patient = self._patients.pop(instance_id.lower(), None)
        if patient is None:
            return None
        self._unsaid.pop(patient.key, None)
        service = patient.instance.service
        group = self._groups[service]
        group.members.discard(patient.key)
        group.suspects.discard(patient.key)
        group.guard.rise(patient.key)
        self._judge(service, group, now)
        self._close_group(service, group)
        return patient

    def note(self, patient: Patient, place: int, outcome: Outcome, now: float) -> bool:
        """Take in the result of one of its checks; whether that check has turned."""
        group = self._groups[patient.instance.service]
        was_healthy = patient.course.is_healthy
        turned = patient.course.note(place, outcome, now)
        group.tally.note(outcome.passed, outcome.latency)
        group.tally.transitions += turned
        if patient.course.is_suspect and patient.instance.status is Status.HEALTHY:
            group.suspects.add(patient.key)
        else:
            group.suspects.discard(patient.key)
        is_healthy = patient.course.is_healthy
        if is_healthy is not was_healthy:
            self._unsaid[patient.key] = None
            if is_healthy:
                group.guard.rise(patient.key)
            elif patient.instance.status is Status.HEALTHY:
                group.guard.fall(patient.key, now)
        self._judge(patient.instance.service, group, now, after_probe=True)
        return turned

    def hear(self, change: Change, now: float) -> None:
        """Take in a change of an instance with checks, whoever made it."""
        after = change.after
        instance = after or change.before
        if instance is None:
            return
        group = self._groups.get(instance.service)
        if group is None:
            return
        key = instance.id.lower()
        patient = self._patients.get(key)
        if after is None or after.status is not Status.HEALTHY:
            group.guard.rise(key)
            group.suspects.discard(key)
        elif patient is None:
            self._hear_of_other(group, key, change.before, after, now)
        elif after.health is Health.UNHEALTHY:
            if patient.saying is not Health.UNHEALTHY and group.guard.holds(key):
                self._lift(after.service, group)
            group.guard.tell(key)
        if patient is not None and after is not None:
            patient.instance = after
            if self._wanted(patient) is not after.health:
                self._unsaid[key] = None
        self._judge(instance.service, group, now)

    def tick(self, now: float) -> None:
        """Let go of what has been held for long enough. Costs the guards that hold."""
        for service, group in list(self._holding.items()):
            self._judge(service, group, now)

    def lift(self, service: str) -> frozenset[str]:
        """Let go of a service's instances by hand; returns the ids that were held here."""
        group = self._groups.get(service)
        return frozenset() if group is None else self._lift(service, group)

    def take_unsaid(self, most: int) -> list[tuple[Patient, Health]]:
        """Take out up to so many instances of which something else is to be said, and what."""
        taken: list[tuple[Patient, Health]] = []
        while self._unsaid and len(taken) < most:
            key = next(iter(self._unsaid))
            del self._unsaid[key]
            patient = self._patients.get(key)
            if patient is None:
                continue
            wanted = self._wanted(patient)
            if wanted is not patient.instance.health:
                taken.append((patient, wanted))
        return taken

    def put_back(self, patient: Patient) -> None:
        """What was taken could not be written; it is still unsaid."""
        if self._patients.get(patient.key) is patient:
            self._unsaid[patient.key] = None

    def is_held(self, patient: Patient) -> bool:
        """Whether the guard holds it up."""
        return self._groups[patient.instance.service].guard.holds(patient.key)

    def _wanted(self, patient: Patient) -> Health:
        if patient.course.is_healthy:
            return Health.HEALTHY
        return Health.DEGRADED if self.is_held(patient) else Health.UNHEALTHY

    def _hear_of_other(
        self, group: Group, key: str, before: Instance | None, after: Instance, now: float
    ) -> None:
        if after.health is Health.HEALTHY:
            group.guard.rise(key)
        elif before is not None and before.health is Health.HEALTHY:
            group.guard.fall(key, now)
        if after.health is Health.UNHEALTHY:
            group.guard.tell(key)

    def _judge(self, service: str, group: Group, now: float, *, after_probe: bool = False) -> None:
        guard = group.guard
        if guard.is_idle:
            return
        was_holding = guard.until is not None
        members = self._count_serving(service) + guard.told
        changed = guard.judge(now, len(group.suspects), members, after_probe=after_probe)
        for key in changed:
            if key in self._patients:
                self._unsaid[key] = None
        if guard.until is not None:
            self._holding[service] = group
            if not was_holding:
                group.tally.guard_trips += 1
                failing = len(changed) + len(group.suspects)
                self.tripped.append((service, failing, members))
        elif was_holding:
            self._holding.pop(service, None)
            self.released.append((service, len(changed)))

    def _lift(self, service: str, group: Group) -> frozenset[str]:
        held = group.guard.lift()
        for key in held:
            if key in self._patients:
                self._unsaid[key] = None
        if self._holding.pop(service, None) is not None:
            self.released.append((service, len(held)))
        return held

    def _open_group(self, service: str) -> Group:
        group = self._groups.get(service)
        if group is None:
            group = self._groups[service] = Group(self._rule_of(service))
        return group

    def _close_group(self, service: str, group: Group) -> None:
        if not group.members:
            self._groups.pop(service, None)
            self._holding.pop(service, None)
