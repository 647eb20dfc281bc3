"""Pages of leases, in the order and from the place that are asked for.

A page looks at a bounded number of leases. Where few of them match it is short, even empty, and
its cursor goes on: only a null cursor is the end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dnsregistry.api.cursors import Scope
from dnsregistry.api.looks import Look
from dnsregistry.api.orders import ById, ByRegistration, Sort
from dnsregistry.api.wanted import Wanted
from dnsregistry.registry.lease import Lease

SORTS = ("id", "registered_at", "service")
"""What instances can be sorted by: what stays as it is while an instance is there. A list by
`expires_at` would tell twice or leave out whoever sends a heartbeat between two pages."""


@dataclass(frozen=True, slots=True)
class Page:
    """Leases, and the cursor of the next page."""

    leases: Sequence[Lease]
    next_cursor: str | None


async def read_page(
    look: Look, wanted: Wanted, sort: Sort, scope: Scope, cursor: str | None, limit: int
) -> Page:
    """Up to `limit` live leases that are asked for, from where the cursor says. Raises Problem."""
    most = limit + 1
    if sort.name == "registered_at":
        number, by_number = scope.read_number(cursor), ByRegistration(sort.is_falling)
        leases, last = (await look.find(wanted, by_number, number, most)).cut(limit)
        return Page(leases, scope.write_number(last))
    place = scope.read(cursor)
    if sort.name == "service":
        pair = None if place is None else split_place(place)
        found = await look.find_by_service(wanted, pair, most, is_falling=sort.is_falling)
        leases, end = found.cut(limit)
        return Page(leases, None if end is None else scope.write("/".join(end)))
    leases, at = (await look.find(wanted, ById(sort.is_falling), place, most)).cut(limit)
    return Page(leases, None if at is None else scope.write(at))


def split_place(place: str) -> tuple[str, str]:
    """Service and id; an empty id means that the service is behind."""
    service, _, key = place.partition("/")
    return service, key
