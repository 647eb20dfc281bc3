"""When a lease is looked at: never early, hardly late, and seldom in between."""

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsregistry.registry.deadlines import SLOTS_PER_SECOND, SPARE_SLOTS, Deadlines
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

Make = Callable[..., Instance]
SLOT = 1 / SLOTS_PER_SECOND
ALL = 1_000_000


def _granted(make: Make, ttl: float | None, now: float = 0.0) -> Lease:
    return Lease(make(ttl=ttl), 1, 1, now)


@given(now=st.floats(0, 1e9), ttl=st.floats(1, 1e5))
@example(now=1.1, ttl=2.2)  # deadline * 20 is rounded down to a slot before the deadline
@settings(max_examples=200, deadline=None)
def test_a_lease_is_due_at_most_one_slot_late_and_never_early(
    make: Make, now: float, ttl: float
) -> None:
    deadlines, lease = Deadlines(), _granted(make, ttl, now)
    deadlines.schedule(lease)
    due = deadlines.earliest()
    assert due is not None
    assert lease.deadline <= due <= lease.deadline + SLOT + math.ulp(due)
    assert deadlines.take_due(math.nextafter(due, 0), ALL) == []
    assert deadlines.take_due(due, ALL) == [lease]
    assert deadlines.earliest() is None


def test_a_lease_without_end_is_never_due(make: Make) -> None:
    deadlines, lease = Deadlines(), _granted(make, None)
    deadlines.schedule(lease)
    assert deadlines.earliest() is None
    assert deadlines.take_due(1e9, ALL) == []


def test_a_lease_that_no_longer_ends_is_not_due(make: Make) -> None:
    deadlines, lease = Deadlines(), _granted(make, 10)
    deadlines.schedule(lease)
    lease.instance = make(ttl=None)
    lease.renew(5.0)
    deadlines.schedule(lease)
    assert deadlines.earliest() is None


def test_a_renewed_lease_moves_only_when_its_slot_comes_due(make: Make) -> None:
    deadlines, lease = Deadlines(), _granted(make, 10)
    deadlines.schedule(lease)
    for second in range(1, 10):
        lease.renew(second)
        deadlines.schedule(lease)
        assert deadlines.earliest() == 10.0
    assert deadlines.take_due(10.0, ALL) == []
    assert deadlines.earliest() == 19.0
    assert deadlines.take_due(19.0, ALL) == [lease]


def test_a_lease_made_shorter_is_due_sooner(make: Make) -> None:
    deadlines, lease = Deadlines(), _granted(make, 100)
    deadlines.schedule(lease)
    lease.instance = make(ttl=2)
    lease.renew(1.0)
    deadlines.schedule(lease)
    assert deadlines.earliest() == 3.0
    assert deadlines.take_due(3.0, ALL) == [lease]
    assert deadlines.earliest() is None


@pytest.mark.parametrize("renewed", [False, True])
def test_most_bounds_the_work_and_what_is_left_stays_due(make: Make, renewed: bool) -> None:
    deadlines = Deadlines()
    leases = [_granted(make, 1 + place % 3 * SLOT) for place in range(9)]
    for lease in leases:
        deadlines.schedule(lease)
        if renewed:
            lease.renew(100.0)
    taken: list[Lease] = []
    for looked_at in range(0, 9, 2):
        due = deadlines.earliest()
        assert due is not None
        assert due <= 50.0
        assert deadlines.take_due(50.0, 0) == []
        taken += deadlines.take_due(50.0, 2)
        assert len(taken) == (0 if renewed else min(looked_at + 2, 9))
    due = deadlines.earliest()
    assert due is None or due > 50.0
    if renewed:
        taken = deadlines.take_due(200.0, ALL)
    assert sorted(map(id, taken)) == sorted(map(id, leases))


def test_a_forgotten_lease_is_not_due_and_leaves_nothing_behind(make: Make) -> None:
    deadlines, first, second = Deadlines(), _granted(make, 10), _granted(make, 10)
    for lease in (first, second):
        deadlines.schedule(lease)
    deadlines.forget(first)
    deadlines.forget(first)
    assert deadlines.take_due(20.0, ALL) == [second]
    deadlines.forget(second)
    deadlines.schedule(first)
    deadlines.forget(first)
    assert deadlines.earliest() is None
    assert not deadlines._slots
    assert not deadlines._heap


def test_long_leases_that_are_forgotten_at_once_do_not_pile_up(make: Make) -> None:
    deadlines, kept = Deadlines(), _granted(make, 5)
    deadlines.schedule(kept)
    for ttl in range(1000, 3000):
        lease = _granted(make, ttl)
        deadlines.schedule(lease)
        deadlines.forget(lease)
        assert len(deadlines._heap) <= 2 * len(deadlines._slots) + SPARE_SLOTS + 2
    assert deadlines.earliest() == 5.0
    assert deadlines.take_due(10_000, ALL) == [kept]
    assert not deadlines._heap


_STEPS = st.one_of(
    st.tuples(st.just("schedule"), st.integers(0, 5), st.sampled_from([None, 1.0, 1.13, 2.2, 7.0])),
    st.tuples(st.just("renew"), st.integers(0, 5), st.none()),
    st.tuples(st.just("forget"), st.integers(0, 5), st.none()),
    st.tuples(st.just("advance"), st.integers(0, 3), st.sampled_from([0.0, SLOT, 0.1, 1.1, 3.0])),
)


@given(st.lists(_STEPS, max_size=40))
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_due_are_those_a_scan_would_find(
    make: Make, steps: list[tuple[str, int, float | None]]
) -> None:
    deadlines, now = Deadlines(), 0.0
    leases = [_granted(make, 1) for _ in range(6)]
    waiting: set[Lease] = set()
    for verb, number, seconds in steps:
        lease = leases[number]
        if verb == "schedule":
            lease.instance = make(ttl=seconds)
            lease.renew(now)
            deadlines.schedule(lease)
            waiting.discard(lease)
            waiting |= {lease} if seconds else set()
        elif verb == "renew":
            lease.renew(now)
        elif verb == "forget":
            deadlines.forget(lease)
            waiting.discard(lease)
        else:
            now += seconds or 0.0
            taken = set(deadlines.take_due(now, number))
            assert len(taken) <= number
            assert taken <= {lease for lease in waiting if lease.deadline <= now}
            waiting -= taken
            _assert_that_no_lease_waits_long(deadlines, waiting, now)
    taken = set(deadlines.take_due(now + 100, ALL))
    assert taken == waiting
    assert not deadlines._slots


def _assert_that_no_lease_waits_long(deadlines: Deadlines, waiting: set[Lease], now: float) -> None:
    due = deadlines.earliest()
    if not waiting:
        assert due is None
        return
    assert due is not None
    assert due <= min(lease.deadline for lease in waiting) + SLOT + math.ulp(100.0)
