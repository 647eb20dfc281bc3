"""Who stands first, and how often."""

import random
from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.order import MOST_DRAWN, order
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import SRV, A, Rdata, RRType
from dnsregistry.zone.rrset import Preference, RRset

DRAWS = 3000
OWNER = Name.from_text("user-service.registry.local")
PREFERENCES = st.lists(st.builds(Preference, st.integers(0, 2), st.integers(0, 9)), max_size=6)


def _addresses(preferences: Sequence[tuple[int, int]]) -> RRset:
    rdatas = tuple(A(IPv4Address(place)) for place in range(len(preferences)))
    return RRset(OWNER, RRType.A, 5, rdatas, tuple(Preference(*pair) for pair in preferences))


def _services(preferences: Sequence[tuple[int, int]]) -> RRset:
    rdatas = tuple(SRV(p, w, place, OWNER) for place, (p, w) in enumerate(preferences))
    return RRset(OWNER, RRType.SRV, 5, rdatas, tuple(Preference(*pair) for pair in preferences))


def _count_firsts(rrset: RRset, draws: int = DRAWS) -> list[float]:
    """The share of draws in which each record stood first."""
    chance = random.Random(20).random
    firsts: Counter[Rdata] = Counter(order(rrset, chance).rdatas[0] for _ in range(draws))
    return [firsts[rdata] / draws for rdata in rrset.rdatas]


@pytest.mark.parametrize("make", [_addresses, _services])
@pytest.mark.parametrize(
    ("preferences", "shares"),
    [
        ([(0, 1)] * 3, [1 / 3] * 3),
        ([(0, 65535)] * 3, [1 / 3] * 3),
        ([(0, 0)] * 3, [1 / 3] * 3),
        ([(0, 3), (0, 1), (0, 2)], [1 / 2, 1 / 6, 1 / 3]),
        ([(1, 9), (0, 1), (0, 1)], [0, 1 / 2, 1 / 2]),
    ],
)
def test_each_stands_first_in_proportion_to_its_weight(
    make: object, preferences: list[tuple[int, int]], shares: list[float]
) -> None:
    assert callable(make)
    # Five standard deviations of 3,000 draws are at most 0.046.
    assert _count_firsts(make(preferences)) == pytest.approx(shares, abs=0.046)


def test_a_weight_of_zero_is_rarely_first_but_not_never() -> None:
    rare, often = _count_firsts(_addresses([(0, 0), (0, 1)]), draws=20_000)
    assert 0 < rare < 0.01
    assert often > 0.99


def test_the_second_place_is_drawn_by_weight_too() -> None:
    chance = random.Random(4).random
    rrset = _addresses([(0, 1000), (0, 3), (0, 1)])
    seconds = Counter(
        ordered.rdatas[1]
        for ordered in (order(rrset, chance) for _ in range(DRAWS))
        if ordered.rdatas[0] == rrset.rdatas[0]
    )
    assert seconds[rrset.rdatas[1]] / seconds.total() == pytest.approx(3 / 4, abs=0.046)


@settings(deadline=None)
@given(PREFERENCES, st.randoms(use_true_random=False))
def test_the_same_records_stand_in_the_order_of_priority(
    preferences: list[Preference], chance: random.Random
) -> None:
    rrset = _addresses(preferences)
    ordered = order(rrset, chance.random)
    assert sorted(map(str, ordered.rdatas)) == sorted(map(str, rrset.rdatas))
    paired = dict(zip(rrset.rdatas, rrset.preferences, strict=True))
    assert ordered.preferences == tuple(paired[rdata] for rdata in ordered.rdatas)
    priorities = [preference.priority for preference in ordered.preferences]
    assert priorities == sorted(priorities)
    assert (ordered.owner, ordered.rtype, ordered.ttl) == (rrset.owner, rrset.rtype, rrset.ttl)


@pytest.mark.parametrize("drawn", [0.0, 1 - 2**-53])
def test_the_ends_of_chance_are_drawn_safely(drawn: float) -> None:
    ordered = order(_addresses([(0, 0), (0, 1), (0, 65535)]), lambda: drawn)
    assert len(ordered.rdatas) == 3


def test_what_has_no_preference_is_left_as_it_is() -> None:
    rrset = RRset(OWNER, RRType.A, 5, tuple(A(IPv4Address(place)) for place in range(3)))
    assert order(rrset, random.Random(1).random) is rrset
    alone = _addresses([(0, 1)])
    assert order(alone, random.Random(1).random) is alone


def test_very_many_take_turns_as_they_stand() -> None:
    count = MOST_DRAWN + 1
    rrset = _addresses([(0, place) for place in range(count)])
    for start, drawn in ((0, 0.0), (count - 1, 1 - 2**-53), (128, 0.5)):
        ordered = order(rrset, lambda drawn=drawn: drawn)  # type: ignore[misc]
        assert ordered.rdatas == (*rrset.rdatas[start:], *rrset.rdatas[:start])
        paired = dict(zip(rrset.rdatas, rrset.preferences, strict=True))
        assert ordered.preferences == tuple(paired[rdata] for rdata in ordered.rdatas)


def test_of_very_many_the_lower_priority_still_comes_first_and_all_take_turns() -> None:
    rdatas = tuple(A(IPv4Address(number)) for number in range(MOST_DRAWN + 44))
    preferences = tuple(Preference(number % 2, 1) for number in range(len(rdatas)))
    rrset = RRset(Name.from_text("x"), RRType.A, 5, rdatas, preferences)
    chance = random.Random(7).random
    firsts = set()
    for _ in range(200):
        ordered = order(rrset, chance)
        assert sorted(ordered.rdatas, key=str) == sorted(rdatas, key=str)
        priorities = [preference.priority for preference in ordered.preferences]
        assert priorities == sorted(priorities)
        firsts.add(ordered.rdatas[0])
    assert len(firsts) > 50
