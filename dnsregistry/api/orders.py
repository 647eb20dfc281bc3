"""The orders in which lists come. Each goes by what does not change while an instance is there.

A reader goes on from a place in the order, not from a count: whatever comes and goes between two
pages, what was there all the time is told once. So no list is sorted by what heartbeats move.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Generic, Protocol, TypeVar

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import fold_id

P = TypeVar("P", str, int, tuple[str, str])
Told = TypeVar("Told", str, int, tuple[str, str], covariant=True)


@dataclass(frozen=True, slots=True)
class Sort:
    """What a list is sorted by, and whether it falls."""

    name: str = "id"
    is_falling: bool = False

    def __str__(self) -> str:
        return f"-{self.name}" if self.is_falling else self.name


class Order(Protocol[Told]):
    """Places of leases, which differ and stay."""

    @property
    def is_falling(self) -> bool:
        """Whether the last comes first."""
        ...

    def place(self, lease: Lease) -> Told:
        """The place of a lease."""
        ...


class Walk(Order[P], Protocol[P]):
    """An order that the catalogue keeps."""

    def step(self, catalogue: Catalogue, place: P | None, most: int) -> list[Lease]:
        """Up to `most` leases from beyond a place, or from the first."""
        ...


@dataclass(frozen=True, slots=True)
class ById:
    """By id in lower case."""

    is_falling: bool = False

    def place(self, lease: Lease) -> str:
        """The id in lower case."""
        return fold_id(lease.instance.id)

    def step(self, catalogue: Catalogue, place: str | None, most: int) -> list[Lease]:
        """As of `Walk`."""
        if self.is_falling:
            return catalogue.ids_before(place, most)
        return catalogue.ids_after(place or "", most)


@dataclass(frozen=True, slots=True)
class ByRegistration:
    """In the order of first registration."""

    is_falling: bool = False

    def place(self, lease: Lease) -> int:
        """Its sequence number."""
        return lease.sequence

    def step(self, catalogue: Catalogue, place: int | None, most: int) -> list[Lease]:
        """As of `Walk`."""
        if self.is_falling:
            return list(islice(catalogue.before(place), most))
        return list(islice(catalogue.after(place or 0), most))


@dataclass(frozen=True, slots=True)
class ByService:
    """By service, and by id among those of one."""

    is_falling: bool = False

    def place(self, lease: Lease) -> tuple[str, str]:
        """Service and id."""
        return lease.instance.service, fold_id(lease.instance.id)


@dataclass(frozen=True, slots=True)
class Beyond(Generic[P]):
    """What comes after a place; after None all does."""

    after: P | None
    is_falling: bool

    def has(self, place: P) -> bool:
        """Whether another place is there."""
        if self.after is None:
            return True
        return place < self.after if self.is_falling else place > self.after


def walk_services(
    catalogue: Catalogue, prefix: str, after: str | None, *, is_falling: bool, step: int
) -> Iterator[str]:
    """Services whose names begin so, from beyond one; the catalogue may change in between."""
    if is_falling:
        # Names are ASCII, so nothing that begins with the prefix comes after this.
        at = after if after is not None else f"{prefix}\x7f"
    else:
        at = prefix if after is None else after
        if after is None and catalogue.has_service(prefix):
            yield prefix
    read = catalogue.services_before if is_falling else catalogue.services_after
    while names := read(at, step):
        for name in names:
            if not name.startswith(prefix):
                return
            yield name
        at = names[-1]
