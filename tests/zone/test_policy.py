"""TTLs and limits by service, and which pattern wins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.zone.lookup import Found
from dnsregistry.zone.patterns import Patterns

if TYPE_CHECKING:
    from tests.zone.conftest import House

STEMS = st.text("ab-", max_size=4)
PATTERNS = st.dictionaries(STEMS.filter(bool) | STEMS.map("{}*".format), st.integers(), max_size=8)


@pytest.mark.parametrize(
    ("service", "found"),
    [
        ("user", 1),
        ("user-service", 2),
        ("user-", 2),
        ("users", 3),
        ("use", None),
        ("task", None),
        ("task-", 4),
        ("", None),
    ],
)
def test_the_exact_name_wins_then_the_longest_prefix(service: str, found: int | None) -> None:
    values = {"user*": 3, "user": 1, "user-*": 2, "task-*": 4}
    for order in (values.items(), reversed(values.items())):
        assert Patterns(dict(order)).find(service) == found


def test_a_star_alone_matches_all() -> None:
    patterns = Patterns({"*": 0, "a*": 1})
    assert [patterns.find(name) for name in ("b", "", "ab")] == [0, 0, 1]


@settings(deadline=None)
@given(PATTERNS, STEMS)
def test_the_match_is_the_one_of_a_search_through_all(values: dict[str, int], name: str) -> None:
    stems = [key[:-1] for key in values if key.endswith("*") and name.startswith(key[:-1])]
    wanted = values[f"{max(stems, key=len)}*"] if stems else None
    assert Patterns(values).find(name) == values.get(name, wanted)


def test_a_service_has_its_own_ttl_at_all_of_its_names(build: Callable[..., House]) -> None:
    house = build(ttls={"user-*": 60, "task-service": 2})
    house.add("u", tags=["v1"], ports={"http": 80})
    house.add("t", service="task-service", address="10.0.0.2")
    house.add("o", service="other", address="10.0.0.3")
    for name, rtype in (
        ("user-service", "A"),
        ("user-service", "SRV"),
        ("v1.user-service", "A"),
        ("_http._tcp.user-service", "SRV"),
        ("_user-service._tcp", "SRV"),
        ("_user-service._tcp", "PTR"),
        ("v1._sub._user-service._tcp", "PTR"),
        ("u._user-service._tcp", "SRV"),
        ("u._user-service._tcp", "TXT"),
        ("u.i", "A"),
        ("u.i", "TXT"),
    ):
        lookup = house.ask(name, rtype)
        assert isinstance(lookup, Found), name
        along = [rrset for rrsets in lookup.additional.values() for rrset in rrsets]
        assert {rrset.ttl for rrset in (lookup.rrset, *along)} == {60}, name
    assert house.found("task-service", "A").ttl == 2
    assert house.found("other", "A").ttl == 5
    assert house.found("", "NS").ttl == house.found("ns1", "A").ttl == 5


def test_a_name_of_several_services_has_the_shortest_ttl(build: Callable[..., House]) -> None:
    house = build(ttls={"user-*": 60, "task-service": 2})
    house.add("u", capabilities=["greet"])
    assert house.found("greet.cap", "A").ttl == 60
    house.add("t", service="task-service", address="10.0.0.2", capabilities=["greet"])
    assert house.found("greet.cap", "A").ttl == 2
    assert house.found("_greet._tcp.cap", "SRV").ttl == 2


def test_no_ttl_by_service_outlives_the_lease(build: Callable[..., House]) -> None:
    house = build(ttls={"*": 60})
    house.add("u", ttl=30)
    assert house.found("user-service", "A").ttl == 30
    house.now += 10.5
    assert house.found("user-service", "A").ttl == 19


@pytest.mark.parametrize(
    ("name", "rtype", "most"),
    [
        ("user-service", "A", 2),
        ("user-service", "SRV", 2),
        ("_user-service._tcp", "SRV", 2),
        ("_http._tcp.user-service", "SRV", 2),
        ("v1.user-service", "A", 2),
        # Browsers are to see all, and an instance has but its own records.
        ("_user-service._tcp", "PTR", 0),
        ("v1._sub._user-service._tcp", "PTR", 0),
        ("u.i", "A", 0),
        ("u._user-service._tcp", "SRV", 0),
        ("task-service", "A", 0),
        ("other", "A", 9),
        ("greet.cap", "A", 2),
        ("_greet._tcp.cap", "SRV", 2),
        ("", "NS", 0),
    ],
)
def test_a_limit_goes_along_with_what_it_limits(
    build: Callable[..., House], name: str, rtype: str, most: int
) -> None:
    house = build(limits={"user-*": 2, "task-service": 0, "*": 9})
    house.add("u", tags=["v1"], ports={"http": 80}, capabilities=["greet"])
    house.add("t", service="task-service", address="10.0.0.2", capabilities=["greet"])
    house.add("o", service="other", address="10.0.0.3", capabilities=["greet"])
    lookup = house.ask(name, rtype)
    assert isinstance(lookup, Found)
    assert lookup.most == most


def test_the_zone_itself_leaves_nothing_out(build: Callable[..., House]) -> None:
    house = build(limits={"*": 1})
    for place in range(5):
        house.add(f"i{place}", address=f"10.0.0.{place}")
    assert len(house.data("user-service", "A")) == 5
