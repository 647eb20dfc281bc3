"""One healthy provider of a capability, another one each time.

A few are drawn at even chance, then looked at from a chance place on: where most are healthy the
first draw is it, and where few are, one is still found.
"""

from collections.abc import Callable, Collection
from itertools import chain, islice

from dnsregistry.registry.lease import Lease

DRAWS = 8
"""With half of them unhealthy, all draws fail once in 256 times; only then is the choice uneven."""


def choose_provider(
    leases: Collection[Lease], now: float, draw: Callable[[int], int]
) -> Lease | None:
    """A lease that is answered, or None where there is none. `draw(n)` is evenly one of 0..n-1."""
    if not leases:
        return None
    for _ in range(DRAWS):
        lease = next(islice(leases, draw(len(leases)), None))
        if lease.is_answered(now):
            return lease
    start = draw(len(leases))
    around = chain(islice(leases, start, None), islice(leases, start))
    return next((lease for lease in around if lease.is_answered(now)), None)
