"""The order of arrival against a plain sorted list."""

from collections.abc import Callable
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.arrivals import BLOCK, Arrivals
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

Make = Callable[..., Instance]


def _arrived(make: Make, sequences: list[int]) -> tuple[Arrivals, dict[int, Lease]]:
    arrivals, leases = Arrivals(), {}
    for sequence in sequences:
        leases[sequence] = Lease(make(), sequence, sequence, 0.0)
        arrivals.append(leases[sequence])
    return arrivals, leases


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_after_gives_what_a_scan_of_a_sorted_list_gives(make: Make, data: st.DataObject) -> None:
    edges = [n * BLOCK + offset for n in range(4) for offset in (-1, 0, 1) if n or offset > 0]
    numbers = st.sampled_from(edges) | st.integers(1, 4 * BLOCK)
    sequences = sorted(data.draw(st.sets(numbers, max_size=30)))
    arrivals, leases = _arrived(make, sequences)
    gone = data.draw(st.sets(st.sampled_from(sequences))) if sequences else set()
    for sequence in gone:
        arrivals.remove(leases[sequence])
    kept = [sequence for sequence in sequences if sequence not in gone]
    for start in [0, *edges, 5 * BLOCK]:
        found = [lease.sequence for lease in arrivals.after(start)]
        assert found == [sequence for sequence in kept if sequence > start]
        found = [lease.sequence for lease in arrivals.before(start)]
        assert found == [sequence for sequence in reversed(kept) if sequence < start]
    assert [lease.sequence for lease in arrivals.before(None)] == kept[::-1]
    for sequence in kept:
        arrivals.remove(leases[sequence])
    assert not arrivals._blocks
    assert not arrivals._order


@given(page=st.integers(1, 7), changes=st.lists(st.sets(st.integers(1, 40)), max_size=12))
@settings(max_examples=60, deadline=None)
def test_a_reader_of_pages_misses_nothing_and_sees_nothing_twice(
    make: Make, page: int, changes: list[set[int]]
) -> None:
    arrivals, leases = _arrived(make, [n * BLOCK // 8 for n in range(1, 41)])
    order = list(leases)
    removed: set[int] = set()
    seen: list[int] = []
    while batch := list(islice(arrivals.after(seen[-1] if seen else 0), page)):
        seen += [lease.sequence for lease in batch]
        assert removed.isdisjoint(seen[-len(batch) :])
        for place in changes.pop() if changes else ():
            if order[place - 1] not in removed:
                arrivals.remove(leases[order[place - 1]])
                removed.add(order[place - 1])
        if changes:
            newest = order[-1] + BLOCK + len(changes)
            order.append(newest)
            leases[newest] = Lease(make(), newest, newest, 0.0)
            arrivals.append(leases[newest])
    assert seen == sorted(set(seen))
    assert set(order) - removed <= set(seen)
