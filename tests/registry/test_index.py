"""An index against a plain list of pairs."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.index import Index
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

Make = Callable[..., Instance]
KEYS = ("web", "api", "db")


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 4)), max_size=40))
@settings(max_examples=100, deadline=None)
def test_an_index_finds_what_a_scan_finds_in_the_order_it_came(
    make: Make, toggles: list[tuple[str, int]]
) -> None:
    index: Index[str] = Index()
    leases = [Lease(make(), number, number, 0.0) for number in range(5)]
    filed: list[tuple[str, Lease]] = []
    for key, number in toggles:
        pair = (key, leases[number])
        if pair in filed:
            index.discard(*pair)
            filed.remove(pair)
        else:
            index.add(*pair)
            filed.append(pair)
        for each in KEYS:
            expected = [lease for owner, lease in filed if owner == each]
            assert list(index.get(each)) == expected
            assert (each in index) == bool(expected)
        assert len(index) == len({owner for owner, _ in filed})
    for pair in filed:
        index.discard(*pair)
    assert not index._leases


def test_a_lease_filed_twice_under_a_key_is_there_once(make: Make) -> None:
    index: Index[str] = Index()
    lease = Lease(make(), 1, 1, 0.0)
    index.add("web", lease)
    index.add("web", lease)
    assert list(index.get("web")) == [lease]


def test_looking_up_a_missing_key_is_empty_and_makes_no_key(make: Make) -> None:
    index: Index[str] = Index()
    assert not index.get("web")
    assert "web" not in index
    assert len(index) == 0


def test_a_lease_that_is_not_filed_cannot_be_discarded(make: Make) -> None:
    index: Index[str] = Index()
    index.add("web", Lease(make(), 1, 1, 0.0))
    with pytest.raises(KeyError):
        index.discard("web", Lease(make(), 2, 2, 0.0))
    assert len(index.get("web")) == 1
