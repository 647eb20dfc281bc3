"""The choice among the providers of a capability."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.api.dialects.modularity.provider import choose_provider
from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Status
from dnsregistry.registry.lease import Lease


def _lease(number: int, healthy: bool) -> Lease:
    status = Status.HEALTHY if healthy else Status.MAINTENANCE
    instance = admit(id=f"i{number}", service="s", address="10.0.0.1", port=1, status=status)
    return Lease(instance, number, number, 0.0)


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 1 << 32))
def test_a_healthy_one_is_found_exactly_where_there_is_one(healthy: list[bool], seed: int) -> None:
    leases = [_lease(number, each) for number, each in enumerate(healthy)]
    chosen = choose_provider(leases, 1.0, Random(seed).randrange)
    if chosen is None:
        assert not any(healthy)
    else:
        assert chosen.is_answered(1.0)


def test_all_healthy_ones_have_an_even_share() -> None:
    leases = [_lease(number, number % 2 == 0) for number in range(20)]
    draw = Random(7).randrange
    counts: Counter[str] = Counter()
    for _ in range(5000):
        chosen = choose_provider(leases, 1.0, draw)
        assert chosen is not None
        counts[chosen.instance.id] += 1
    assert set(counts) == {f"i{number}" for number in range(0, 20, 2)}
    assert min(counts.values()) > 400
    assert max(counts.values()) < 600
