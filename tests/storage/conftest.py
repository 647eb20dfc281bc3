"""One battery for all engines: each gives a place, in which stores are opened one after another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.engines import build_store
from dnsregistry.storage.store import Store
from tests.program import PATIENCE, Clock

ENGINES = ("memory", "sqlite")
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


@pytest.fixture
def url(engine: str, tmp_path: Path) -> str:
    return {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/registry.db"}[engine]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def open_house(url: str, clock: Clock) -> AsyncIterator[Open]:
    """Open the engine's place with a registry of its own; all are stopped at the end."""
    opened: list[House] = []

    async def open_one() -> House:
        registry = Registry()
        store = build_store(url, registry, clock)
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
