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

log = structlog.get_logger("dnsregistry.health")


async def sweep(store: Store, now: Callable[[], float]) -> None:
    """End leases as they come due, until cancelled."""
    while True:
        try:
            await asyncio.sleep(await _expire_slice(store, now))
        except Exception:
            log.exception("sweep failed")
            await asyncio.sleep(SHORTEST_TTL)


async def _expire_slice(store: Store, now: Callable[[], float]) -> float:
    """End what is due, a slice at most; returns the seconds until there may be more."""
    due = await store.expire(SLICE)
    # A lease granted meanwhile is never shorter than this, so it cannot be overslept.
    return SHORTEST_TTL if due is None else min(max(0.0, due - now()), SHORTEST_TTL)
