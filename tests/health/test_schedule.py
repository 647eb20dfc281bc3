"""When checks are due: evenly, without a herd, without drift, never two at a time."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.health.schedule import SPARE_ENTRIES, Schedule, next_due


def _drain(schedule: Schedule[int], now: float) -> list[tuple[int, float]]:
    taken = []
    while (item := schedule.take(now)) is not None:
        taken.append(item)
    return taken


def test_any_number_of_checks_spreads_evenly_over_the_interval() -> None:
    for count in (10, 100, 1_000, 10_000):
        schedule: Schedule[int] = Schedule()
        for key in range(count):
            schedule.spread(key, 10.0, 1000.0)
        slots = Counter(int((due - 1000.0) * 1.0) for _, due in _drain(schedule, 1010.0))
        assert sum(slots.values()) == count
        assert max(slots.values()) <= count / 10 + 3
        assert min(slots[slot] for slot in range(10)) >= count / 10 - 3


def test_what_is_taken_is_out_until_it_is_put_back() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.put("a", 5.0)
    assert schedule.take(4.9) is None
    assert schedule.take(5.0) == ("a", 5.0)
    assert schedule.take(1e9) is None
    assert "a" not in schedule


@given(
    st.lists(st.tuples(st.integers(0, 5), st.one_of(st.none(), st.floats(0, 100))), max_size=200)
)
def test_it_says_what_a_sorted_table_says(steps: list[tuple[int, float | None]]) -> None:
    schedule: Schedule[int] = Schedule()
    model: dict[int, float] = {}
    for key, due in steps:
        if due is None:
            schedule.remove(key)
            model.pop(key, None)
        else:
            schedule.put(key, due)
            model[key] = due
        assert len(schedule) == len(model)
        assert schedule.earliest() == min(model.values(), default=None)
    taken = _drain(schedule, 100.0)
    assert dict(taken) == model
    assert [due for _, due in taken] == sorted(model.values())


def test_what_is_moved_and_removed_costs_no_memory() -> None:
    schedule: Schedule[int] = Schedule()
    for step in range(10_000):
        schedule.put(step % 10, float(step))
    assert len(schedule._heap) <= 2 * 10 + SPARE_ENTRIES + 1
    for key in range(10):
        schedule.remove(key)
    assert schedule.earliest() is None


@given(
    due=st.floats(0, 1e6),
    late=st.floats(0, 1e4),
    interval=st.floats(0.1, 1e4),
    draw=st.floats(0, 1, exclude_max=True),
)
def test_the_next_time_is_after_now_and_no_more_than_an_interval_and_its_jitter_away(
    due: float, late: float, interval: float, draw: float
) -> None:
    now = due + late
    exact = next_due(due, now, interval, 0.0, draw)
    assert now - 1e-6 * now < exact <= now + interval * (1 + 1e-6) + 1e-6 * now
    if late < interval:
        assert abs(next_due(due, now, interval, 0.1, draw) - due - interval) <= interval * 0.0501


def test_jitter_does_not_add_up_to_another_rate() -> None:
    import random

    chance, due = random.Random(7), 0.0
    for _ in range(10_000):
        due = next_due(due, due, 10.0, 0.5, chance.random())
    assert abs(due / 10_000 - 10.0) < 0.1
