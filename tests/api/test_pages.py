"""Pages against a model, while instances come, change and go within a page and between two."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dnsregistry import turns
from dnsregistry.api import looks
from dnsregistry.api.counts import CountPage, read_counts
from dnsregistry.api.cursors import make_scope
from dnsregistry.api.looks import Look
from dnsregistry.api.orders import Sort
from dnsregistry.api.pages import SORTS, Page, read_page
from dnsregistry.api.wanted import Wanted
from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry

T = TypeVar("T")
Step = tuple[str, int, str, bool]

IDS = [f"{'N' if number % 3 else 'n'}{number:02}" for number in range(12)]
SERVICES = ["a", "a-b", "b"]
WANTED = [
    Wanted(),
    Wanted(service="a"),
    Wanted(tag="v1"),
    Wanted(service="a-b", tag="v1"),
    Wanted(state="draining"),
    Wanted(metadata=(("k", "1"),)),
]
_NUMBERS = st.integers(0, len(IDS) - 1)
_PUTS = st.tuples(st.just("put"), _NUMBERS, st.sampled_from(SERVICES), st.booleans())
_STEPS = st.one_of(
    _PUTS,
    st.tuples(st.sampled_from(["end", "drain"]), _NUMBERS, st.just(""), st.booleans()),
    st.tuples(st.just("turn"), st.just(0), st.just(""), st.just(False)),
)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything goes in many steps, and the loop turns after each."""
    monkeypatch.setattr(turns, "SLICE", -1.0)
    monkeypatch.setattr(looks, "STEP", 2)
    monkeypatch.setattr("dnsregistry.api.counts.STEP", 2)


class House:
    """A registry, and which leases were asked for and stayed where they are all the time."""

    def __init__(self, wanted: Wanted, begun: list[Step]) -> None:
        self.registry = Registry()
        self.wanted = wanted
        self.stays: dict[Lease, str] = {}
        for step in begun:
            self.do(step)
        self.stays = {
            lease: lease.instance.service
            for lease in self.registry.catalogue.after(0)
            if wanted.takes(lease.instance)
        }

    def do(self, step: Step) -> None:
        kind, number, service, is_tagged = step
        try:
            if kind == "put":
                self.registry.grant(_make(IDS[number], service, is_tagged=is_tagged), 0.0)
            elif kind == "end":
                self.registry.revoke(IDS[number], 0.0)
            elif kind == "drain":
                status = Status.DRAINING if is_tagged else Status.HEALTHY
                self.registry.set_status(IDS[number], status, 0.0)
        except UnknownInstance:
            return
        find = self.registry.catalogue.find
        for lease, service in tuple(self.stays.items()):
            held = find(lease.instance.id)
            taken = held is lease and self.wanted.takes(lease.instance)
            if not taken or lease.instance.service != service:
                del self.stays[lease]

    def drive(self, work: Coroutine[Any, Any, T], steps: list[Step]) -> T:
        """Do the work, and of the steps one whenever it lets the loop turn."""
        while True:
            try:
                work.send(None)
            except StopIteration as stop:
                value: T = stop.value
                return value
            if steps:
                self.do(steps.pop())


def _make(id: str, service: str, *, is_tagged: bool) -> Instance:
    tags = ("V1",) if is_tagged else ()
    metadata = {"k": 1 if is_tagged else 2}
    return admit(id=id, service=service, address="10.0.0.1", port=80, tags=tags, metadata=metadata)


def _read_all(
    house: House, sort: Sort, limit: int, steps: list[Step], most_looked: int
) -> list[Page]:
    scope = make_scope("instances", {}, sort, "run")
    pages: list[Page] = []
    cursor: str | None = None
    while not pages or cursor is not None:
        look = Look(house.registry.catalogue, 0.0)
        reading = read_page(look, house.wanted, sort, scope, cursor, limit)
        page = house.drive(reading, steps)
        # What an index gives is looked at whole; it holds no more than may be looked at.
        assert look.left > -most_looked
        assert len(page.leases) <= limit
        pages.append(page)
        cursor = page.next_cursor
        if steps:
            house.do(steps.pop())
        assert len(pages) < 200
    return pages


_SORTS = st.builds(Sort, st.sampled_from(SORTS), st.booleans())


@pytest.mark.usefixtures("small")
@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.lists(_PUTS, max_size=20),
    steps=st.lists(_STEPS, max_size=60),
    wanted=st.sampled_from(WANTED),
    sort=_SORTS,
    limit=st.integers(1, 4),
    most=st.sampled_from([1, 3, 10_000]),
)
def test_what_was_there_all_the_time_is_told_once_whatever_happens_meanwhile(
    begun: list[Step], steps: list[Step], wanted: Wanted, sort: Sort, limit: int, most: int
) -> None:
    house = House(wanted, begun)
    usual, looks.MOST_LOOKED = looks.MOST_LOOKED, most
    try:
        pages = _read_all(house, sort, limit, steps, most + len(IDS))
    finally:
        looks.MOST_LOOKED = usual
    seen = [lease for page in pages for lease in page.leases]
    for lease in house.stays:
        assert seen.count(lease) == 1
    if sort.name != "service":
        # An id or a place in the order of registration is for life: nothing at all comes twice.
        assert len(seen) == len(set(seen))
        places = [lease.sequence if sort.name == "registered_at" else _key(lease) for lease in seen]
        assert places == sorted(places, reverse=sort.is_falling)
    if sort.name == "id":
        assert len({_key(lease) for lease in seen}) == len(seen)


@pytest.mark.usefixtures("small")
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.lists(st.one_of(_PUTS, _STEPS), max_size=30),
    wanted=st.sampled_from(WANTED),
    sort=_SORTS,
    limit=st.integers(1, 20),
    most=st.sampled_from([1, 3, 10_000]),
)
def test_a_list_that_nobody_disturbs_is_a_sorted_list(
    begun: list[Step], wanted: Wanted, sort: Sort, limit: int, most: int
) -> None:
    house = House(wanted, begun)
    usual, looks.MOST_LOOKED = looks.MOST_LOOKED, most
    try:
        pages = _read_all(house, sort, limit, [], most + len(IDS))
    finally:
        looks.MOST_LOOKED = usual
    keys: dict[str, Callable[[Lease], Any]] = {
        "id": _key,
        "registered_at": lambda lease: lease.sequence,
        "service": lambda lease: (lease.instance.service, _key(lease)),
    }
    model = sorted(house.stays, key=keys[sort.name], reverse=sort.is_falling)
    assert [lease for page in pages for lease in page.leases] == model
    if most == 10_000:
        assert len(pages) == max(1, -(-len(model) // limit))


@pytest.mark.usefixtures("small")
@settings(
    deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    begun=st.lists(_PUTS, max_size=20),
    steps=st.lists(_STEPS, max_size=40),
    wanted=st.sampled_from(
        [Wanted(), Wanted(tag="v1"), Wanted(tag="v1", state="draining"), WANTED[-1], WANTED[-1]]
    ),
    prefix=st.sampled_from(["", "a", "a-", "b", "c"]),
    is_falling=st.booleans(),
    limit=st.integers(1, 3),
    most=st.sampled_from([1, 2, 10_000]),
)
def test_services_that_were_there_all_the_time_are_told_once(
    begun: list[Step],
    steps: list[Step],
    wanted: Wanted,
    prefix: str,
    is_falling: bool,
    limit: int,
    most: int,
) -> None:
    house, is_quiet = House(wanted, begun), not steps
    usual, looks.MOST_LOOKED = looks.MOST_LOOKED, most
    pages: list[CountPage] = []
    last: str | None = None
    try:
        while not pages or last is not None:
            look = Look(house.registry.catalogue, 0.0)
            reading = read_counts(look, wanted, prefix, last, limit, is_falling=is_falling)
            page = house.drive(reading, steps)
            pages.append(page)
            last = page.last
            assert len(pages) < 200
    finally:
        looks.MOST_LOOKED = usual
    names = [count.name for page in pages for count in page.counts]
    assert names == sorted(set(names), reverse=is_falling)
    assert all(name.startswith(prefix) for name in names)
    stays = {service for service in house.stays.values() if service.startswith(prefix)}
    assert stays <= set(names)
    if is_quiet:
        assert set(names) == stays


def test_every_way_in_holds_what_is_asked_for() -> None:
    """What an index leaves out would be missed in silence."""
    registry = Registry()
    for number, name in enumerate(IDS):
        instance = _make(name, SERVICES[number % 3], is_tagged=bool(number % 2))
        registry.grant(replace(instance, status=tuple(Status)[number % 3]), 0.0)
    for wanted in WANTED:
        leases = registry.catalogue.after(0)
        taken = {lease for lease in leases if wanted.takes(lease.instance)}
        narrow = wanted.narrow(registry.catalogue)
        assert narrow is None or taken <= set(narrow)
        assert taken


def _key(lease: Lease) -> str:
    return lease.instance.id.lower()
