"""The mass-failure guard: what it holds, for how long, and that it lets go."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dnsregistry.health.guard import LEAST_FALLEN, WINDOW, Guard, GuardRule
from dnsregistry.health.outcome import Outcome
from dnsregistry.health.ward import Patient, Ward
from dnsregistry.registry.admission import admit
from dnsregistry.registry.check import Check, Health, Pace, TcpProbe
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry
from tests.program import Clock

PASS, FAIL = Outcome(True, 0.01, "well"), Outcome(False, 0.01, "ill")
LIMIT = 60.0
HALF = GuardRule(0.5, LIMIT)


class House:
    """A registry whose checks are noted by hand; what the ward wants said is said at once."""

    def __init__(self, rule: GuardRule = HALF, failures: int = 3) -> None:
        self.clock = Clock(1000.0)
        self.registry = Registry()
        self.ward = Ward(self.registry.catalogue.count_healthy, lambda service: rule)
        self.registry.feed.subscribe(lambda change: self.ward.hear(change, self.clock()))
        self.pace = Pace(failures_before_unhealthy=failures, initial=Health.HEALTHY)
        self.patients: dict[str, Patient] = {}

    def add(self, *ids: str) -> None:
        for key in ids:
            checks = (Check(TcpProbe(), self.pace),)
            instance = admit(id=key, service="web", address="10.0.0.1", port=80, checks=checks)
            self.registry.grant(instance, self.clock())
            self.patients[key] = self.ward.follow(instance, self.clock())

    def note(self, outcome: Outcome, *ids: str) -> None:
        for key in ids:
            self.ward.note(self.patients[key], 0, outcome, self.clock())
        self.say()

    def fail(self, *ids: str) -> None:
        """One round of checks after another, until they have fallen."""
        for _ in range(self.pace.failures_before_unhealthy):
            self.note(FAIL, *ids)

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.ward.tick(self.clock())
        self.say()

    def say(self) -> None:
        while unsaid := self.ward.take_unsaid(7):
            for patient, health in unsaid:
                patient.saying = health
                self.registry.set_health(patient.instance.id, health, self.clock())

    def of(self, health: Health) -> list[str]:
        return sorted(
            lease.instance.id
            for lease in self.registry.catalogue.of_service("web")
            if lease.instance.health is health
        )

    @property
    def answered(self) -> list[str]:
        leases = self.registry.catalogue.of_service("web")
        return sorted(x.instance.id for x in leases if x.is_answered(self.clock()))


TEN = [f"i{number}" for number in range(10)]


@pytest.fixture
def ten() -> House:
    house = House()
    house.add(*TEN)
    return house


def test_six_of_ten_that_fall_at_once_stay_for_the_limit_and_no_longer(ten: House) -> None:
    heard: list[list[str]] = []
    ten.registry.feed.subscribe(lambda change: heard.append(ten.answered))
    ten.fail(*TEN[:6])
    assert ten.of(Health.DEGRADED) == TEN[:6]
    assert all(answered == TEN for answered in heard)
    ten.advance(LIMIT - 0.1)
    ten.note(FAIL, *TEN[:6])
    assert ten.answered == TEN
    ten.advance(0.1)
    assert ten.answered == TEN[6:]
    assert ten.of(Health.UNHEALTHY) == TEN[:6]
    ten.note(FAIL, *TEN[:6])
    ten.advance(1.0)
    assert ten.answered == TEN[6:]


def test_one_of_ten_is_gone_at_once(ten: House) -> None:
    ten.fail("i3")
    assert ten.answered == [key for key in TEN if key != "i3"]


def test_five_of_ten_are_gone_at_once_and_half_is_not_more_than_half(ten: House) -> None:
    ten.fail(*TEN[:5])
    assert ten.answered == TEN[5:]


def test_two_of_two_are_gone_at_once_and_three_of_three_stay() -> None:
    house = House()
    house.add("a", "b")
    house.fail("a", "b")
    assert house.answered == []
    house = House()
    house.add("a", "b", "c")
    house.fail("a", "b", "c")
    assert house.answered == ["a", "b", "c"]
    house.advance(LIMIT)
    assert house.answered == []


def test_those_that_fell_first_come_back_when_there_are_enough() -> None:
    house = House(failures=1)
    house.add(*TEN)
    house.fail("i0", "i1", "i2", "i3", "i4")
    assert house.answered == TEN[5:]
    house.advance(WINDOW - 1)
    house.fail("i5")
    assert house.answered == TEN
    house.advance(LIMIT)
    assert house.answered == TEN[6:]


def test_falls_that_are_far_apart_are_no_mass_failure() -> None:
    house = House(failures=1)
    house.add(*TEN)
    for number, key in enumerate(TEN[:8]):
        house.fail(key)
        assert house.answered == TEN[number + 1 :]
        house.advance(WINDOW / 2)


def test_falls_within_one_round_of_slow_checks_are_one_mass_failure() -> None:
    house = House()
    house.pace = Pace(interval=120.0, initial=Health.HEALTHY)
    house.add(*TEN)
    for key in TEN[:6]:
        house.advance(WINDOW / 2)
        house.fail(key)
    assert house.of(Health.DEGRADED) == TEN[:6]


def test_an_id_in_capitals_is_held_and_rises_as_any_other() -> None:
    ids = ["Alpha", "BETA", "gamma"]
    house = House()
    house.add(*ids)
    house.fail(*ids)
    assert house.of(Health.DEGRADED) == sorted(ids)
    house.note(PASS, *ids)
    assert house.of(Health.HEALTHY) == sorted(ids)


def test_what_rises_while_it_is_held_is_healthy_and_the_rest_stays(ten: House) -> None:
    ten.fail(*TEN[:8])
    ten.note(PASS, "i0", "i1")
    assert ten.of(Health.HEALTHY) == ["i0", "i1", "i8", "i9"]
    assert ten.answered == TEN
    ten.advance(LIMIT)
    assert ten.answered == ["i0", "i1", "i8", "i9"]


def test_the_guard_lets_go_when_it_holds_too_few(ten: House) -> None:
    ten.fail(*TEN[:6])
    ten.note(PASS, *TEN[:4])
    assert ten.of(Health.UNHEALTHY) == ["i4", "i5"]
    assert ten.answered == [*TEN[:4], *TEN[6:]]


@pytest.mark.parametrize("leaves", [True, False])
def test_the_guard_lets_go_when_all_that_it_holds_are_taken_out(ten: House, leaves: bool) -> None:
    ten.fail(*TEN[:6])
    for key in TEN[:6]:
        if leaves:
            ten.registry.revoke(key, ten.clock())
            ten.ward.leave(key, ten.clock())
        else:
            ten.registry.set_status(key, Status.DRAINING, ten.clock())
    group = ten.ward.group("web")
    assert group is not None
    assert group.guard.until is None
    assert ten.ward.released == [("web", 0)]


def test_a_blip_of_many_holds_nothing(ten: House) -> None:
    ten.note(FAIL, *TEN)
    ten.note(PASS, *TEN)
    assert ten.of(Health.HEALTHY) == TEN


def test_what_fell_for_good_is_held_again_only_after_it_was_healthy(ten: House) -> None:
    ten.fail(*TEN[:6])
    ten.advance(LIMIT)
    ten.fail(*TEN[:6])
    assert ten.answered == TEN[6:]
    ten.note(PASS, *TEN[:6])
    assert ten.answered == TEN
    ten.fail(*TEN[:6])
    assert ten.answered == TEN
    assert ten.of(Health.DEGRADED) == TEN[:6]


def test_it_is_lifted_by_hand(ten: House) -> None:
    ten.fail(*TEN[:6])
    assert ten.ward.lift("web") == frozenset(TEN[:6])
    ten.say()
    assert ten.answered == TEN[6:]
    assert ten.ward.lift("web") == frozenset()


def test_a_verdict_of_another_node_lifts_it_here_too(ten: House) -> None:
    ten.fail(*TEN[:6])
    ten.registry.set_health("i0", Health.UNHEALTHY, ten.clock())
    ten.say()
    assert ten.answered == TEN[6:]


def test_falls_at_other_nodes_count_and_what_they_hold_they_hold_themselves() -> None:
    house = House()
    house.add("a", "b", "c", "d")
    others = [f"o{number}" for number in range(6)]
    for key in others:
        checks = (Check(TcpProbe(), house.pace),)
        instance = admit(id=key, service="web", address="10.0.0.1", port=80, checks=checks)
        house.registry.grant(instance, house.clock())
    for key in others[:4]:
        house.registry.set_health(key, Health.UNHEALTHY, house.clock())
    house.fail("a", "b")
    assert house.of(Health.DEGRADED) == ["a", "b"]
    assert house.of(Health.UNHEALTHY) == others[:4]


def test_a_service_may_be_without_guard_and_threshold_one_is_none_either() -> None:
    for without in (GuardRule(None), GuardRule(1.0)):
        house = House(without)
        house.add(*TEN)
        house.fail(*TEN)
        assert house.answered == []


def test_what_its_owner_took_out_counts_neither_way(ten: House) -> None:
    for key in TEN[6:]:
        ten.registry.set_status(key, Status.MAINTENANCE, ten.clock())
    ten.fail(*TEN[6:])
    assert ten.answered == TEN[:6]
    ten.fail("i0", "i1", "i2")
    assert ten.of(Health.DEGRADED) == []
    ten.fail("i3")
    assert ten.of(Health.DEGRADED) == TEN[:4]


@pytest.mark.parametrize("held", [TEN[:6], TEN[6:]])
def test_what_was_held_before_a_restart_is_held_on_for_the_limit_at_most(held: list[str]) -> None:
    house = House()
    checks = (Check(TcpProbe(), house.pace),)
    for key in TEN:
        instance = admit(id=key, service="web", address="10.0.0.1", port=80, checks=checks)
        house.registry.grant(instance, house.clock())
        if key in held:
            lease = house.registry.set_health(key, Health.DEGRADED, house.clock())
            instance = lease.instance
        house.patients[key] = house.ward.follow(instance, house.clock())
    house.say()
    assert house.answered == TEN
    house.note(FAIL, *held)
    house.advance(LIMIT - 1)
    assert house.answered == TEN
    house.advance(1)
    assert house.answered == [key for key in TEN if key not in held]


def test_an_instance_that_is_gone_is_forgotten(ten: House) -> None:
    ten.fail(*TEN[:6])
    for key in TEN:
        ten.registry.revoke(key, ten.clock())
        ten.ward.leave(key, ten.clock())
    assert (len(ten.ward), list(ten.ward.groups())) == (0, [])
    ten.advance(LIMIT)


class GuardModel(RuleBasedStateMachine):
    """Whatever comes: nobody is held for longer than the limit, and nobody unless many fell."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(failures=1)
        self.house.add(*TEN)
        self.held_since: dict[str, float] = {}

    @rule(ids=st.sets(st.sampled_from(TEN)), passed=st.booleans())
    def note(self, ids: set[str], passed: bool) -> None:
        self.house.note(PASS if passed else FAIL, *sorted(ids))

    @rule(seconds=st.floats(0, 70))
    def advance(self, seconds: float) -> None:
        self.house.advance(seconds)

    @rule(key=st.sampled_from(TEN), status=st.sampled_from(Status))
    def set_status(self, key: str, status: Status) -> None:
        self.house.registry.set_status(key, status, self.house.clock())
        self.house.say()

    @rule()
    def lift(self) -> None:
        self.house.ward.lift("web")
        self.house.say()

    @invariant()
    def what_is_said_is_the_truth_or_held_for_the_limit_at_most(self) -> None:
        house, now = self.house, self.house.clock()
        degraded = set(house.of(Health.DEGRADED))
        self.held_since = {key: self.held_since.get(key, now) for key in degraded}
        assert all(now - since < LIMIT for since in self.held_since.values())
        for key, patient in house.patients.items():
            lease = house.registry.catalogue.find(key)
            assert lease is not None
            healthy = patient.course.is_healthy
            assert (lease.instance.health is Health.HEALTHY) == healthy

    @invariant()
    def it_is_closed_when_it_holds_nobody(self) -> None:
        group = self.house.ward.group("web")
        assert group is not None
        held = self.house.of(Health.DEGRADED)
        assert set(held) == set(group.guard.held)
        assert (group.guard.until is None) == (not held) or group.suspects


TestGuardModel = GuardModel.TestCase
TestGuardModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_a_judgement_costs_the_same_among_many() -> None:
    guard = Guard(GuardRule(0.99, 60.0))
    for number in range(10_000):
        guard.fall(str(number), 0.0)
        assert guard.judge(0.0, 0, 100_000) == frozenset()
    assert LEAST_FALLEN == 3
    assert guard.judge(0.0, 0, 10_000) == frozenset(map(str, range(10_000)))
    assert math.isclose(guard.until or 0.0, 60.0)
