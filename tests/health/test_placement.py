"""Where checks are made: each at one node, evenly, and as few as can be moved."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.health.placement import Placement

KEYS = [f"i{number}" for number in range(2000)]


@given(st.sets(st.text(min_size=1, max_size=8), min_size=1, max_size=6), st.text(max_size=20))
def test_exactly_one_node_owns_a_check(nodes: set[str], key: str) -> None:
    owners = []
    for node in nodes:
        placement = Placement(node)
        placement.replace(nodes)
        owners.append(placement.owns(key))
    assert owners.count(True) == 1


def test_nodes_have_even_shares_and_one_that_dies_leaves_those_of_others_alone() -> None:
    placement = Placement("a")
    placement.replace(["a", "b", "c", "d"])
    before = {key: placement.owner_of(key) for key in KEYS}
    shares = Counter(before.values())
    assert set(shares) == {"a", "b", "c", "d"}
    assert all(abs(share - 500) < 100 for share in shares.values())
    assert placement.replace(["a", "b", "d"])
    for key, owner in before.items():
        assert placement.owner_of(key) == owner or owner == "c"


def test_a_node_counts_itself_in_and_tells_whether_anything_changed() -> None:
    placement = Placement("a")
    assert all(placement.owns(key) for key in KEYS)
    assert not placement.replace([])
    assert placement.replace(["b"])
    assert not placement.replace(["b", "a"])
    assert placement.replace(["b"], node="c")
    assert {placement.owner_of(key) for key in KEYS} == {"b", "c"}
