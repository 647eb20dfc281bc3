"""Slow start: weights grow in steps, end as they were said, and cost nothing after that."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.ramp import OWN, STEPS, Ramps

SECONDS = 60.0


def _make(id: str = "a", weight: int = 1, status: Status = Status.HEALTHY) -> Instance:
    return admit(id=id, service="web", address="10.0.0.1", port=80, weight=weight, status=status)


def _change(before: Instance | None, after: Instance | None) -> Change:
    return Change(1, ChangeKind.UPDATED, before, after)


def _lease(instance: Instance) -> Lease:
    return Lease(instance, 1, 1, 0.0)


@given(st.integers(0, 65535), st.integers(0, 65535), st.floats(0, 100))
def test_a_weight_grows_to_what_was_said_and_never_above(
    weight: int, other: int, seconds: float
) -> None:
    ramps = Ramps(SECONDS)
    growing, grown = _make("a", weight), _make("b", other)
    ramps.note(_change(None, growing), 0.0)
    weights = ramps.weigh([_lease(growing), _lease(grown)], seconds)
    told, beside = weights.of(growing), weights.of(grown)
    assert 0 <= told <= 65535
    assert 0 <= beside <= 65535
    if seconds >= SECONDS:
        assert weights is OWN
    else:
        assert weights.until > seconds
        assert (told == 0) == (weight == 0)
        # Beside each other as said, but for the share that it has by now and what rounding takes.
        measure = (
            beside // other if other else (STEPS if max(weight, other) * STEPS <= 65535 else 1)
        )
        assert beside == other * measure
        share = (int(seconds / SECONDS * STEPS) + 1) / STEPS
        assert abs(told - weight * measure * share) <= 1


def test_steps_follow_each_other_until_it_is_grown() -> None:
    ramps = Ramps(SECONDS)
    instance = _make(weight=10)
    ramps.note(_change(None, instance), 0.0)
    now, told = 0.0, []
    while (weights := ramps.weigh([_lease(instance)], now)) is not OWN:
        told.append(weights.of(instance))
        now = weights.until
    assert told == [10 * step for step in range(1, STEPS + 1)]
    assert now == SECONDS


def test_only_who_comes_into_answers_grows() -> None:
    ramps = Ramps(SECONDS)
    instance = _make()
    drained = replace(instance, status=Status.DRAINING)
    ramps.note(_change(instance, replace(instance, weight=5)), 0.0)
    assert len(ramps) == 0
    ramps.note(_change(drained, instance), 1.0)
    assert len(ramps) == 1
    ramps.note(_change(instance, drained), 2.0)
    assert len(ramps) == 0
    ramps.note(_change(drained, instance), 3.0)
    ramps.note(_change(instance, None), 4.0)
    assert len(ramps) == 0


def test_what_has_grown_is_forgotten() -> None:
    ramps = Ramps(SECONDS)
    for number in range(100):
        ramps.note(_change(None, _make(f"i{number}")), float(number))
    assert len(ramps) == 60


def test_without_slow_start_nothing_is_kept() -> None:
    ramps = Ramps()
    ramps.note(_change(None, _make()), 0.0)
    assert (len(ramps), ramps.weigh([_lease(_make())], 0.0)) == (0, OWN)
