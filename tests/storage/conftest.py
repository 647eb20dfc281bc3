"""One battery for all engines: each gives a place, in which stores are opened one after another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.store import ClusterOptions
from dnsregistry.storage.engines import build_store
from dnsregistry.storage.store import Store
from tests.program import PATIENCE, Clock
from tests.redisserver import RedisServer

ENGINES = ("memory", "sqlite", "redis")
"""A new engine has its name here, and its place in `url`."""
DURABLE = ("sqlite",)
"""Those that still have their leases when they are opened again."""

Open = Callable[[], Awaitable["House"]]
Make = Callable[..., Instance]


@dataclass(slots=True)
class House:
    """A store that was started, its registry, and all changes that were told since."""

    store: Store
    registry: Registry
    changes: list[Change]
    clock: Clock
    serial: int | None
    """The one of an earlier run."""
    is_stopped: bool = False

    async def stop(self) -> None:
        if not self.is_stopped:
            self.is_stopped = True
            async with asyncio.timeout(PATIENCE):
                await self.store.stop()

    def lease(self, instance_id: str) -> Lease:
        lease = self.registry.catalogue.find(instance_id)
        assert lease is not None
        return lease

    @property
    def ids(self) -> list[str]:
        return [lease.instance.id for lease in self.registry.catalogue.after(0)]


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for many tests, each with a prefix of its own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"), "--appendonly", "no")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def cluster() -> ClusterOptions:
    return ClusterOptions(prefix=f"test-{uuid4().hex}")


@pytest.fixture
def url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    if engine == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.url
    return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/registry.db"}[engine]


class StoreClock(Clock):
    """Moves the time of a store's leases along with that of the test."""

    def __init__(self, server: RedisServer, prefix: str) -> None:
        super().__init__()
        self._server = server
        self._key = f"{{{prefix}}}:meta"

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        # Both, or the time that was skipped would be an outage.
        for field in ("skew", "clock"):
            self._server.command("HINCRBY", self._key, field, round(seconds * 1000))


@pytest.fixture
def clock(engine: str, request: pytest.FixtureRequest, cluster: ClusterOptions) -> Clock:
    if engine == "redis":
        return StoreClock(request.getfixturevalue("redis_server"), cluster.prefix)
    return Clock()


@pytest.fixture
async def open_house(url: str, clock: Clock, cluster: ClusterOptions) -> AsyncIterator[Open]:
    """Open the engine's place with a registry of its own; all are stopped at the end."""
    opened: list[House] = []

    async def open_one() -> House:
        registry = Registry()
        store = build_store(url, registry, clock, cluster)
        serial = await store.start()
        house = House(store, registry, [], clock, serial)
        registry.feed.subscribe(house.changes.append)
        opened.append(house)
        return house

    yield open_one
    for house in opened:
        await house.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.fixture
async def house(open_house: Open) -> House:
    return await open_house()


@pytest.fixture(scope="session")
def make() -> Make:
    """Admit an instance of which only the telling fields are given."""

    def make_instance(id: str = "a", **fields: object) -> Instance:
        given = {"service": "web", "address": "10.0.0.1", "port": 80, "ttl": 30, **fields}
        return admit(id=id, **given)  # type: ignore[arg-type]

    return make_instance
