"""A change that the store has told of, and lost before the node has heard of it in the log."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.address import read_address
from dnsregistry.storage.cluster.link import Link
from dnsregistry.storage.cluster.store import ClusterOptions, ClusterStore
from dnsregistry.storage.cluster.waiting import Waiters
from dnsregistry.storage.errors import StoreAway
from tests.cluster.conftest import Launch
from tests.cluster.nodes import until
from tests.program import PATIENCE
from tests.redisserver import RedisServer

Change = Callable[[ClusterStore], Awaitable[object]]
Holds = Callable[[Registry], bool]


class Deafness:
    """Has a node not hear what it reads of the log, until its link ends.

    `waiting` are the revisions of changes that were told of, and are waited for.
    """

    def __init__(self) -> None:
        self.waiting: list[int] = []
        self._links: set[Link] = set()
        self._deaf: set[Link] = set()

    def put_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        read_log, wait = Link.read_log, Waiters.wait

        async def read(link: Link, after: int, most: int) -> Any:
            self._links.add(link)
            entries = await read_log(link, after, most)
            if link in self._deaf:
                await asyncio.Event().wait()
            return entries

        async def note(waiters: Waiters, revision: int, key: str = "") -> Lease | None:
            self.waiting.append(revision)
            return await wait(waiters, revision, key)

        monkeypatch.setattr(Link, "read_log", read)
        monkeypatch.setattr(Waiters, "wait", note)

    async def begin(self, change: Awaitable[object]) -> "asyncio.Future[object]":
        """Have the store make a change, and say so; the node does not hear of it in the log."""
        self._deaf = set(self._links)
        count = len(self.waiting)
        future = asyncio.ensure_future(change)
        await until(lambda: len(self.waiting) > count or future.done())
        assert not future.done()
        return future


@pytest.fixture
def deafness(monkeypatch: pytest.MonkeyPatch) -> Deafness:
    deafness = Deafness()
    deafness.put_on(monkeypatch)
    return deafness


@pytest.fixture
def server(launch: Launch) -> RedisServer:
    return launch("--appendonly", "no")


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
async def store(server: RedisServer, registry: Registry) -> AsyncIterator[ClusterStore]:
    options = ClusterOptions(prefix="p")
    store = ClusterStore(read_address(server.url), options, registry, time.monotonic)
    async with asyncio.timeout(PATIENCE):
        await store.start()
    yield store
    await store.stop()


def _make(id: str) -> Instance:
    return admit(id=id, service="web", address="10.0.0.1", port=80, ttl=None)


def _status(registry: Registry) -> Status | None:
    lease = registry.catalogue.find("a")
    return None if lease is None else lease.instance.status


CHANGES: dict[str, tuple[Change, Holds]] = {
    "a registration": (
        lambda store: store.grant(_make("b")),
        lambda registry: registry.catalogue.find("b") is not None,
    ),
    "an array": (
        lambda store: store.grant_all([_make("b"), _make("c")]),
        lambda registry: {"b", "c"} <= {x.instance.id for x in registry.catalogue.after(0)},
    ),
    "a status": (
        lambda store: store.set_status("a", Status.MAINTENANCE),
        lambda registry: _status(registry) is Status.MAINTENANCE,
    ),
    "a removal": (
        lambda store: store.revoke("a"),
        lambda registry: registry.catalogue.find("a") is None,
    ),
}


@pytest.fixture(params=CHANGES)
def change(request: pytest.FixtureRequest) -> tuple[Change, Holds]:
    return CHANGES[request.param]


async def test_a_change_that_was_lost_before_it_was_heard_of_is_made_again(
    server: RedisServer,
    store: ClusterStore,
    registry: Registry,
    deafness: Deafness,
    change: tuple[Change, Holds],
) -> None:
    make, holds = change
    await store.grant(_make("a"))
    told = await deafness.begin(make(store))
    server.command("FLUSHALL")
    async with asyncio.timeout(PATIENCE):
        await told
    assert holds(registry)


async def test_a_change_is_never_acknowledged_and_gone(
    server: RedisServer,
    store: ClusterStore,
    registry: Registry,
    deafness: Deafness,
    change: tuple[Change, Holds],
) -> None:
    make, holds = change
    await store.grant(_make("a"))
    told = await deafness.begin(make(store))
    server.kill()
    server.start()
    async with asyncio.timeout(PATIENCE):
        try:
            await told
        except StoreAway:
            await until(lambda: store.outage is None)
            await make(store)
    assert holds(registry)
