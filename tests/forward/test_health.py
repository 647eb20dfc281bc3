"""Which upstream comes first, and how long it may take. Pure."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.health import (
    FIRST_PATIENCE,
    LONGEST_PATIENCE,
    MISSES_UNTIL_DOWN,
    SHORTEST_PATIENCE,
    Health,
    demoted,
    rank,
)
from dnsregistry.forward.upstream import FORGET_SECONDS, STRIKES, Upstream


@dataclass(eq=False)
class Thing:
    name: str
    health: Health = field(default_factory=Health)


def _things(count: int = 3) -> list[Thing]:
    return [Thing("abcdef"[place]) for place in range(count)]


def _order(things: list[Thing]) -> str:
    return "".join(thing.name for thing in rank(things))


def test_equals_stay_in_the_order_in_which_they_were_named() -> None:
    things = _things()
    assert _order(things) == "abc"
    for thing, seconds in zip(things, (0.09, 0.001, 0.05), strict=True):
        thing.health.hit(seconds)
    assert _order(things) == "abc"


def test_one_faster_by_far_comes_first() -> None:
    things = _things()
    things[0].health.hit(0.25)
    things[1].health.hit(0.7)
    assert _order(things) == "cab"


def test_one_that_is_down_comes_last_until_it_answers() -> None:
    things = _things()
    for _ in range(MISSES_UNTIL_DOWN):
        assert _order(things) == "abc"
        things[0].health.miss()
    assert _order(things) == "bca"
    things[0].health.hit(0.02)
    assert _order(things) == "abc"


def test_when_all_are_down_the_named_order_holds() -> None:
    things = _things()
    for thing in things:
        for _ in range(MISSES_UNTIL_DOWN):
            thing.health.miss()
    assert _order(things) == "abc"


def test_those_behind_a_later_one_are_demoted() -> None:
    things = _things(4)
    assert demoted(things, things) == []
    a, b, c, d = things
    assert demoted(things, [b, c, d, a]) == [a]
    assert demoted(things, [d, a, b, c]) == [a, b, c]
    assert demoted(things, [a, c, b, d]) == [b]


@given(st.lists(st.floats(0, 5), max_size=60))
def test_patience_stays_within_its_bounds(answers: list[float]) -> None:
    health = Health()
    assert health.patience == FIRST_PATIENCE
    for seconds in answers:
        health.hit(seconds)
        assert SHORTEST_PATIENCE <= health.patience <= LONGEST_PATIENCE
        assert health.round_trip is not None
        assert 0 <= health.round_trip <= 5


def test_patience_follows_the_answers() -> None:
    health = Health()
    for _ in range(50):
        health.hit(0.2)
    assert 0.2 <= health.patience < 0.21
    for _ in range(50):
        health.hit(0.01)
    assert health.patience == SHORTEST_PATIENCE


def test_what_an_upstream_does_not_bear_is_tried_again_after_a_while() -> None:
    upstream = Upstream(Endpoint("192.0.2.1"))
    assert upstream.takes_edns(5)
    upstream.note_without_edns(5)
    assert not upstream.takes_edns(5 + FORGET_SECONDS - 1)
    assert upstream.takes_edns(5 + FORGET_SECONDS)


def test_mixed_case_is_given_up_after_strikes_in_a_row_or_for_certain() -> None:
    upstream = Upstream(Endpoint("192.0.2.1"))
    for _ in range(STRIKES - 1):
        upstream.note_case_lost(0, certain=False)
    upstream.note_case_kept()
    for _ in range(STRIKES - 1):
        upstream.note_case_lost(0, certain=False)
        assert upstream.keeps_case(0)
    upstream.note_case_lost(0, certain=False)
    assert not upstream.keeps_case(FORGET_SECONDS - 1)
    assert upstream.keeps_case(FORGET_SECONDS)
    upstream.note_case_lost(FORGET_SECONDS, certain=True)
    assert not upstream.keeps_case(FORGET_SECONDS)
