"""A bounded look through the catalogue for what is asked for, a slice of time after the other.

The event loop turns between two slices, and the catalogue may change then. So a look goes by
places and not by iterators: what was there all the while is found once.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from dnsregistry.api.orders import Beyond, ById, ByService, Order, P, Walk, walk_services
from dnsregistry.api.wanted import Wanted
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.lease import Lease
from dnsregistry.turns import take_turns

MOST_LOOKED = 10_000
"""Leases that one request looks at: ten milliseconds in all."""
STEP = 200
"""Leases that are looked at between two looks at the clock: a fraction of a millisecond."""


@dataclass(frozen=True, slots=True)
class Found(Generic[P]):
    """Leases that are asked for, each with its place, in order.

    `reached` is the place up to which was looked, where that is neither the end nor enough.
    """

    leases: Sequence[tuple[P, Lease]]
    reached: P | None = None

    def cut(self, limit: int) -> tuple[Sequence[Lease], P | None]:
        """Up to so many of them, and the place to go on from; None where there is no more."""
        leases = [lease for _, lease in self.leases[:limit]]
        if len(self.leases) > limit:
            return leases, self.leases[limit - 1][0]
        return leases, self.reached


class Look:
    """One request's look; `now` is the registry's time, and `left` how many may be looked at."""

    def __init__(self, catalogue: Catalogue, now: float) -> None:
        self.catalogue = catalogue
        self.now = now
        self.left = MOST_LOOKED

    async def find(self, wanted: Wanted, walk: Walk[P], after: P | None, most: int) -> Found[P]:
        """Up to `most` live leases that are asked for, from beyond a place."""
        narrow = wanted.narrow(self.catalogue)
        if narrow is not None and len(narrow) <= MOST_LOOKED:
            return Found(await self._pick(narrow, wanted, walk, after, most))
        return await self._scan(wanted, walk, after, most)

    async def find_by_service(
        self, wanted: Wanted, after: tuple[str, str] | None, most: int, *, is_falling: bool
    ) -> Found[tuple[str, str]]:
        """The same, by service and by id among those of one. An empty id comes after all."""
        order = ByService(is_falling)
        narrow = wanted.narrow(self.catalogue)
        if narrow is not None and len(narrow) <= MOST_LOOKED:
            beyond = (after[0], _END) if after and not after[1] and not is_falling else after
            return Found(await self._pick(narrow, wanted, order, beyond, most))
        found: list[tuple[tuple[str, str], Lease]] = []
        async for service in take_turns(self._walk_from(after, wanted.service, is_falling)):
            start = after[1] if after and after[0] == service else None
            part = await self.find(
                replace(wanted, service=service), ById(is_falling), start, most - len(found)
            )
            found += [((service, place), lease) for place, lease in part.leases]
            if len(found) == most:
                return Found(found)
            self.left -= 1
            if part.reached is not None:
                return Found(found, (service, part.reached))
            if self.left <= 0:
                return Found(found, (service, ""))
        return Found(found)

    def _walk_from(
        self, after: tuple[str, str] | None, only: str | None, is_falling: bool
    ) -> Iterator[str]:
        if only is not None:
            if after is None or after[1]:
                yield only
            return
        if after and after[1] and self.catalogue.has_service(after[0]):
            yield after[0]
        last = None if after is None else after[0]
        yield from walk_services(self.catalogue, "", last, is_falling=is_falling, step=STEP)

    async def _pick(
        self,
        narrow: Collection[Lease],
        wanted: Wanted,
        order: Order[P],
        after: P | None,
        most: int,
    ) -> Sequence[tuple[P, Lease]]:
        """The first of a few leases, which come in any order."""
        beyond, candidates = Beyond(after, order.is_falling), list(narrow)
        self.left -= len(candidates)
        first: list[tuple[P, Lease]] = []
        async for start in take_turns(range(0, len(candidates), STEP)):
            for lease in candidates[start : start + STEP]:
                if lease.is_live(self.now) and wanted.takes(lease.instance):
                    place = order.place(lease)
                    if beyond.has(place):
                        first.append((place, lease))
            first.sort(key=_place, reverse=order.is_falling)
            del first[most:]
        return first

    async def _scan(self, wanted: Wanted, walk: Walk[P], after: P | None, most: int) -> Found[P]:
        """The first of all leases from beyond a place, as far as may be looked."""
        found: list[tuple[P, Lease]] = []
        async for leases in take_turns(_steps(self.catalogue, walk, after)):
            for lease in leases:
                self.left -= 1
                if lease.is_live(self.now) and wanted.takes(lease.instance):
                    found.append((walk.place(lease), lease))
                    if len(found) == most:
                        return Found(found)
                if self.left <= 0:
                    return Found(found, walk.place(lease))
        return Found(found)


def _steps(catalogue: Catalogue, walk: Walk[P], place: P | None) -> Iterator[Sequence[Lease]]:
    while leases := walk.step(catalogue, place, STEP):
        place = walk.place(leases[-1])
        yield leases


def _place(found: tuple[P, Lease]) -> P:
    return found[0]


_END = "\x7f"
"""Comes after every id."""
