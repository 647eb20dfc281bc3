"""The event loop turns while much is done, and what is cut short leaves nothing half done."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from dnsregistry import turns
from dnsregistry.api import heartbeats, looks
from dnsregistry.api.arrays import register_array
from dnsregistry.api.context import Api
from dnsregistry.api.identity import choose_id
from dnsregistry.registry.admission import METADATA_OCTETS, admit
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry
from dnsregistry.registry.warrant import Warrant
from dnsregistry.turns import SLICE, drain, finish_in_turns, take_turns

Ask = Callable[..., Awaitable[tuple[int, Any]]]
MakeApi = Callable[..., Api]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
LONG_ID = "an-id-of-more-than-sixteen-octets"
TWIN = admit(id=host_label(LONG_ID), service="web", address="10.0.0.1", port=80)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock by which slices are measured, moved by hand."""
    time = SimpleNamespace(now=0.0)
    monkeypatch.setattr(turns, "perf_counter", lambda: time.now)
    return time


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every item is a slice of its own."""
    monkeypatch.setattr(turns, "SLICE", 0.0)


@pytest.fixture
async def held() -> AsyncIterator[SimpleNamespace]:
    """`now` is what was added to it since the loop last turned; `turned` counts the turns."""
    held = SimpleNamespace(now=0, most=0, turned=0)

    async def turn() -> None:
        while True:
            held.most = max(held.most, held.now)
            held.now = 0
            held.turned += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(turn())
    yield held
    other.cancel()


def _body(*elements: dict[str, object]) -> bytes:
    return json.dumps([{**LEAST, **element} for element in elements]).encode()


async def _begin(
    api: Api, body: bytes, cancel_at: int, registry: Registry
) -> tuple[asyncio.Task[Any], list[Change]]:
    """Register an array in a task that is cancelled by its own n-th grant."""
    heard: list[Change] = []

    def listen(change: Change) -> None:
        heard.append(change)
        if len(heard) == cancel_at:
            task.cancel()

    registry.feed.subscribe(listen)
    task = asyncio.create_task(register_array(api, body))
    await asyncio.wait([task], timeout=30)
    return task, heard


async def test_the_loop_turns_after_each_slice_of_many_grants(
    api: Api, registry: Registry, time: SimpleNamespace, held: SimpleNamespace
) -> None:
    def listen(_: Change) -> None:
        held.now += 1
        time.now += SLICE * 0.3

    registry.feed.subscribe(listen)
    elements: list[dict[str, object]] = [{"id": f"n{number}"} for number in range(20_000)]
    await register_array(api, _body(*elements))
    assert len(registry.catalogue) == 20_000
    assert held.most == 4


@pytest.mark.usefixtures("always")
async def test_the_loop_turns_in_every_part_of_an_array(ask: Ask, held: SimpleNamespace) -> None:
    status, answer = await ask("POST", "/v1/instances", [LEAST] * 1000)
    assert (status, len(answer["instances"])) == (201, 1000)
    # Reading, naming, looking for host names, granting, releasing and writing each give way once
    # an element.
    assert held.turned > 6000


async def test_many_heartbeats_are_renewed_in_slices_with_one_answer(
    ask: Ask,
    api: Api,
    time: SimpleNamespace,
    held: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    renew_all = api.registry.renew_all

    def renew(ids: list[str], now: float, by: Warrant) -> object:
        held.now += len(ids)
        time.now += SLICE
        return renew_all(ids, now, by=by)

    monkeypatch.setattr(api.registry, "renew_all", renew)
    await ask("PUT", "/v1/instances/a", LEAST)
    last = heartbeats.STEP * 2
    ids = ["a", *(f"u{number}" for number in range(last)), "A"]
    status, body = await ask("POST", "/v1/heartbeats", {"ids": ids})
    assert (status, body) == (200, {"renewed": 2, "unknown": ids[1:-1]})
    assert held.most == heartbeats.STEP


async def test_a_fault_in_the_last_of_many_heartbeats_renews_none(
    ask: Ask, clock: SimpleNamespace
) -> None:
    _, before = await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 1
    ids = ["a"] * heartbeats.STEP * 2
    _, body = await ask("POST", "/v1/heartbeats", {"ids": [*ids, 7]})
    assert body["field"] == f"ids.{len(ids)}"
    assert await ask("GET", "/v1/instances/a") == (200, before)


@pytest.mark.parametrize("path", ["/v1/instances?limit=1000", "/v1/services/web?limit=1000"])
@pytest.mark.usefixtures("always")
async def test_the_loop_turns_while_a_page_is_written(
    ask: Ask, registry: Registry, held: SimpleNamespace, path: str
) -> None:
    metadata = {"text": "x" * (METADATA_OCTETS - 20)}
    for number in range(1000):
        instance = admit(
            id=f"n{number:03}", service="web", address="10.0.0.1", port=80, metadata=metadata
        )
        registry.grant(instance, 0.0)
    before = held.turned
    status, body = await ask("GET", path)
    assert held.turned - before > 1000
    assert (status, body["next_cursor"], body["revision"]) == (200, None, 1000)
    assert [(one["id"], one["metadata"]) for one in body["instances"]] == [
        (f"n{number:03}", metadata) for number in range(1000)
    ]


@pytest.mark.usefixtures("always")
async def test_a_page_has_the_revision_at_which_it_was_read(
    registry: Registry, make_api: MakeApi, serve: Serve
) -> None:
    def dns_names(instance: Instance) -> list[str]:
        if instance.id == "a":
            registry.grant(TWIN, 0.0)
        return []

    api = make_api(registry=registry, dns_names=dns_names)
    for name in "ab":
        registry.grant(admit(id=name, service="web", address="10.0.0.1", port=80), 0.0)
    async with serve(api) as url, ClientSession(url) as client:
        for path in ("/v1/instances", "/v1/services/web"):
            revision = registry.feed.revision
            async with client.get(path) as response:
                assert (await response.json())["revision"] == revision
            assert registry.feed.revision == revision + 1
            registry.revoke(TWIN.id, 0.0)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("cancel_at", [1, 2, 3])
async def test_an_array_that_is_cancelled_while_it_is_granted_is_granted_whole(
    api: Api, registry: Registry, cancel_at: int
) -> None:
    body = _body({"id": "a"}, {"id": LONG_ID}, {"id": "b"})
    task, heard = await _begin(api, body, cancel_at, registry)
    assert task.cancelled()
    assert [change.after.id for change in heard if change.after] == ["a", LONG_ID, "b"]
    registry.revoke(LONG_ID, 0.0)
    assert registry.grant(TWIN, 0.0).created


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("end", ["cancel", "fault", "failure"])
async def test_an_array_that_ends_while_it_is_checked_leaves_nothing(
    registry: Registry, make_api: MakeApi, end: str
) -> None:
    def check(instance: Instance, _: float) -> None:
        if instance.id == "b":
            assert registry.is_taken(host_label(LONG_ID))
            if end == "cancel":
                task.cancel()
            elif end == "fault":
                raise InvalidField("address", "rule")
            else:
                raise ValueError("broken")

    api = make_api(registry=registry, check=check)
    body = _body({"id": LONG_ID}, {"id": "b"}, {"id": "c"})
    task = asyncio.create_task(register_array(api, body))
    errors = {"cancel": asyncio.CancelledError, "fault": InvalidField, "failure": ValueError}
    with pytest.raises(errors[end]):
        await asyncio.wait_for(task, 30)
    assert registry.feed.revision == len(registry.catalogue) == 0
    assert registry.grant(TWIN, 0.0).created


@pytest.mark.usefixtures("always")
async def test_others_do_not_get_what_an_array_is_promised(
    registry: Registry, make_api: MakeApi
) -> None:
    """Neither its host labels nor the ids that were made up for it."""
    asked: list[str] = []

    def check(instance: Instance, _: float) -> None:
        if instance.port == 81:
            with pytest.raises(InvalidField, match="would share the host name"):
                registry.grant(TWIN, 0.0)
            other = make_api(registry=registry)  # it begins with new-1 again
            asked.append(choose_id(other))

    api = make_api(registry=registry, check=check)
    await register_array(api, _body({"id": LONG_ID}, {}, {"port": 81}))
    assert asked == ["new-2"]
    assert {lease.instance.id for lease in registry.catalogue.after(0)} == {
        LONG_ID,
        "new-1",
        "new-2",
    }


@pytest.mark.usefixtures("always")
async def test_work_that_is_to_be_finished_is_cancelled_at_its_end() -> None:
    done: list[int] = []

    async def work() -> None:
        async for item in finish_in_turns(range(5)):
            done.append(item)
            task.cancel()
        done.append(-1)

    task = asyncio.create_task(work())
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("take", [take_turns, finish_in_turns])
async def test_the_loop_does_not_turn_within_a_slice(
    take: Callable[[Any], AsyncIterator[int]], time: SimpleNamespace, held: SimpleNamespace
) -> None:
    await asyncio.sleep(0)
    before, numbers = held.turned, count()
    async for number in take(numbers):
        assert held.turned - before == number // 3
        time.now += SLICE / 2.5
        if number == 30:
            break


def test_draining_lets_go_of_each_item_in_order() -> None:
    items = [1, 2, 3]
    rest = drain(items)
    assert (next(rest), items) == (1, [3, 2])
    assert (list(rest), items) == ([2, 3], [])


@pytest.mark.parametrize(
    "path",
    [
        "/v1/instances?meta.nothing=1",
        "/v1/instances?meta.nothing=1&sort=-registered_at",
        "/v1/instances?meta.nothing=1&sort=service",
        "/v1/instances?service=many&meta.nothing=1&sort=-service",
        "/v1/instances?address=10.1.0.0/16",
        "/v1/services?tag=few&health=draining",
        "/v1/services/many?meta.nothing=1",
        "/v1/services/many?limit=1&status=healthy",
    ],
)
async def test_a_filter_that_matches_little_holds_nothing_up(
    ask: Ask,
    registry: Registry,
    time: SimpleNamespace,
    held: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    """However much is looked at, in one turn of the loop it is little."""
    monkeypatch.setattr(looks, "MOST_LOOKED", 2000)
    for number in range(9000):
        service = "many" if number % 3 == 0 else f"s{number % 1500}"
        tags = ["few"] if number % 300 == 0 else []
        instance = admit(id=f"n{number}", service=service, address="10.0.0.1", port=80, tags=tags)
        registry.grant(instance, 0.0)
    is_live, looked = Lease.is_live, 0

    def look(lease: Lease, now: float) -> bool:
        nonlocal looked
        looked += 1
        held.now += 1
        time.now += SLICE / 500
        return is_live(lease, now)

    monkeypatch.setattr(Lease, "is_live", look)
    status, _ = await ask("GET", path)
    assert status == 200
    # Two looks may follow one another within a turn: a service is counted, then its list is read.
    assert held.most <= 2 * (500 + looks.STEP)
    assert looked < 3.1 * looks.MOST_LOOKED
    if "meta.nothing" in path:
        assert looked >= looks.MOST_LOOKED
