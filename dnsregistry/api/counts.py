"""Services with their counts: one, and pages of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from dnsregistry.api.looks import STEP, Look
from dnsregistry.api.orders import ById, walk_services
from dnsregistry.api.pages import split_place
from dnsregistry.api.wanted import Wanted
from dnsregistry.turns import take_turns

SORTS = ("name",)
"""What services can be sorted by: their numbers change between two pages."""
MOST_VISITED = 10_000
"""Services that one page looks at, told or not: ten milliseconds."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many live instances a service has, and how many of them are healthy."""

    name: str
    instances: int
    healthy: int


@dataclass(frozen=True, slots=True)
class CountPage:
    """Services with a live instance, and the place to go on from: `name` or `name/id`."""

    counts: Sequence[Count]
    last: str | None


async def read_counts(
    look: Look, wanted: Wanted, prefix: str, after: str | None, limit: int, *, is_falling: bool
) -> CountPage:
    """Up to `limit` services whose names begin so, and that have an instance that is asked for."""
    counts: list[Count] = []
    name, key = split_place(after or "")
    if key and look.catalogue.has_service(name):
        # The last page ended within this one.
        begun = await _read_one(look, replace(wanted, service=name), key, counts)
        if begun is not None:
            return CountPage(counts, begun)
    last = None if after is None else name
    names = walk_services(look.catalogue, prefix, last, is_falling=is_falling, step=STEP)
    visited = 0
    async for name in take_turns(names):
        if len(counts) == limit or visited == MOST_VISITED:
            return CountPage(counts, last)
        visited += 1
        end = await _read_one(look, replace(wanted, service=name), None, counts)
        if end is not None:
            return CountPage(counts, end)
        last = name
    return CountPage(counts, None)


async def count_service(look: Look, name: str) -> Count:
    """The counts of one service.

    As many leases as may be looked at are asked whether they are live. Above, the catalogue's own
    numbers stand: a lease that has just passed its deadline counts until it is swept.
    """
    catalogue, now = look.catalogue, look.now
    leases = catalogue.of_service(name)
    if len(leases) > max(look.left, 0):
        return Count(name, len(leases), catalogue.count_healthy(name))
    look.left -= len(leases)
    live = healthy = 0
    candidates = list(leases)
    async for start in take_turns(range(0, len(candidates), STEP)):
        part = candidates[start : start + STEP]
        live += sum(lease.is_live(now) for lease in part)
        healthy += sum(lease.is_answered(now) for lease in part)
    return Count(name, live, healthy)


async def _read_one(look: Look, wanted: Wanted, key: str | None, counts: list[Count]) -> str | None:
    """Add the service's counts where an instance of it is asked for, from beyond an id.

    Returns the place to go on from where that could not be told.
    """
    name = wanted.service or ""
    if wanted != Wanted(service=name) and not _has_soon(look, wanted):
        found = await look.find(wanted, ById(), key, 1)
        if found.reached is not None:
            return f"{name}/{found.reached}"
        if not found.leases:
            return None
    count = await count_service(look, name)
    if count.instances:
        counts.append(count)
    return None


def _has_soon(look: Look, wanted: Wanted) -> bool:
    """Whether one of the first few is asked for: of a large service most often one is."""
    few = islice(wanted.narrow(look.catalogue) or (), STEP)
    return any(lease.is_live(look.now) and wanted.takes(lease.instance) for lease in few)
