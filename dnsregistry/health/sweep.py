"""The sweep: ends leases when their time is up.

No answer waits for it: whoever reads a lease compares the deadline itself. The sweep frees
what an expired lease holds and tells its end to those who listen.
"""

import asyncio
from collections.abc import Callable

import structlog

from dnsregistry.registry.admission import SHORTEST_TTL
from dnsregistry.storage.store import Store

SLICE = 100
"""Leases looked at before the loop turns to others: a millisecond or two of work."""

SHARING = 20
"""Slices on their way at once: those that wait for a disk wait for it together."""

log = structlog.get_logger("dnsregistry.health")


async def sweep(store: Store, now: Callable[[], float]) -> None:
    """End leases as they come due, until cancelled."""
    slices = 1
    while True:
        try:
            wait = await _expire_slices(store, now, slices)
            # A store may be far away: it is asked several times at once only where much is due.
            slices = 1 if wait else SHARING
            await asyncio.sleep(wait)
        except Exception:
            log.exception("sweep failed")
            await asyncio.sleep(SHORTEST_TTL)


async def _expire_slices(store: Store, now: Callable[[], float], most: int) -> float:
    """End what is due, some slices at most; returns the seconds until there may be more."""
    async with asyncio.TaskGroup() as group:
        for _ in range(most):
            ending = group.create_task(store.expire(SLICE))
            await asyncio.sleep(0)
            if ending.done() and _is_over(ending.result(), now()):
                break
    due = ending.result()
    # A lease granted meanwhile is never shorter than this, so it cannot be overslept.
    return SHORTEST_TTL if due is None else min(max(0.0, due - now()), SHORTEST_TTL)


def _is_over(due: float | None, now: float) -> bool:
    return due is None or due > now
