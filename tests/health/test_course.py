"""From results to verdicts: as a plain count says, whatever comes in between."""

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.health.course import MOST_KEPT, Course
from dnsregistry.health.outcome import Outcome
from dnsregistry.registry.check import Check, Health, HeartbeatProbe, Pace, TcpProbe

PASS, FAIL = Outcome(True, 0.1, "well"), Outcome(False, 0.2, "ill")
RESULTS = st.lists(st.booleans(), max_size=60)


def _course(*paces: Pace, health: Health = Health.HEALTHY) -> Course:
    return Course([Check(TcpProbe(), pace) for pace in paces], health, 0.0)


def _turns_at(results: list[bool], healthy: bool, successes: int, failures: int) -> list[int]:
    """Where the verdict turns, by looking back at each place: the simpler model."""
    turns: list[int] = []
    for place in range(len(results)):
        begun = turns[-1] + 1 if turns else 0
        needed = failures if healthy else successes
        last = results[max(begun, place + 1 - needed) : place + 1]
        if len(last) == needed and all(result is not healthy for result in last):
            healthy = not healthy
            turns.append(place)
    return turns


@given(RESULTS, st.integers(1, 4), st.integers(1, 4), st.sampled_from([*Health][:2]))
def test_a_check_turns_at_the_counted_result_and_never_earlier(
    results: list[bool], successes: int, failures: int, initial: Health
) -> None:
    pace = Pace(
        success_before_healthy=successes, failures_before_unhealthy=failures, initial=initial
    )
    course = _course(pace, health=initial)
    turned = [
        place
        for place, passed in enumerate(results)
        if course.note(0, PASS if passed else FAIL, float(place))
    ]
    assert turned == _turns_at(results, initial is Health.HEALTHY, successes, failures)
    assert [turn.time for turn in course.turns] == turned[-MOST_KEPT:]
    if turned:
        assert course.courses[0].since == turned[-1]


def test_the_last_fifty_turns_are_kept() -> None:
    course = _course(Pace(failures_before_unhealthy=1))
    for number in range(120):
        assert course.note(0, FAIL if number % 2 == 0 else PASS, float(number))
    assert [turn.time for turn in course.turns] == [float(n) for n in range(70, 120)]
    assert course.turns[-1].reason == "well"
    assert course.turns[-2].health is Health.UNHEALTHY


def test_all_checks_must_be_healthy() -> None:
    course = _course(Pace(failures_before_unhealthy=1), Pace(failures_before_unhealthy=2))
    seen = []
    for place, outcome in ((1, FAIL), (0, FAIL), (0, PASS), (1, PASS)):
        course.note(place, outcome, 1.0)
        seen.append((course.is_healthy, course.is_suspect))
    assert seen == [(True, True), (False, False), (True, True), (True, False)]


def test_a_verdict_that_was_reached_before_is_gone_on_with() -> None:
    pace = Pace(initial=Health.HEALTHY, success_before_healthy=2)
    assert _course(pace, health=Health.HEALTHY).is_healthy
    for health in (Health.UNHEALTHY, Health.DEGRADED):
        course = _course(pace, health=health)
        course.note(0, PASS, 1.0)
        assert not course.is_healthy
        course.note(0, PASS, 2.0)
        assert course.is_healthy


def test_each_check_begins_as_it_is_told() -> None:
    checks = [
        Check(TcpProbe(), Pace(initial=Health.UNHEALTHY)),
        Check(HeartbeatProbe(), Pace(initial=Health.HEALTHY)),
    ]
    course = Course(checks, Health.UNHEALTHY, 0.0)
    assert [each.healthy for each in course.courses] == [False, True]


def test_an_end_is_due_after_the_shortest_wait_of_what_fails() -> None:
    course = _course(
        Pace(failures_before_unhealthy=1, deregister_after=60),
        Pace(failures_before_unhealthy=1, deregister_after=20),
        Pace(failures_before_unhealthy=1),
    )
    assert course.ends_at() is None
    course.note(2, FAIL, 1.0)
    assert course.ends_at() is None
    course.note(0, FAIL, 5.0)
    assert course.ends_at() == 65.0
    course.note(1, FAIL, 10.0)
    assert course.ends_at() == 30.0
    course.note(1, PASS, 11.0)
    assert course.ends_at() == 65.0
