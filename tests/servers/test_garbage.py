"""Young objects are looked through soon after a change, however many old ones went meanwhile."""

import asyncio
import gc
from collections.abc import Iterator

import pytest

from dnsregistry.garbage import ROUNDS, Sweeper
from tests.program import PATIENCE

MANY = 100_000


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[None]:
    """Python's own looks come seldom, and not at all while this lasts."""
    before = gc.get_threshold()
    gc.set_threshold(0)
    yield
    gc.set_threshold(*before)


@pytest.fixture
def looks() -> Iterator[asyncio.Queue[int]]:
    """The generation of each look."""
    found: asyncio.Queue[int] = asyncio.Queue()

    def note(phase: str, told: dict[str, int]) -> None:
        if phase == "stop":
            found.put_nowait(told["generation"])

    gc.callbacks.append(note)
    yield found
    gc.callbacks.remove(note)


async def test_what_came_is_looked_through_though_as_much_went(looks: asyncio.Queue[int]) -> None:
    sweeper = Sweeper()
    held = [[number] for number in range(MANY)]
    gc.collect()
    while not looks.empty():
        looks.get_nowait()
    for place in range(MANY):
        held[place] = [place]
    assert gc.get_count()[0] < MANY / 10
    assert len(gc.get_objects(generation=0)) >= MANY
    sweeper.note()
    async with asyncio.timeout(PATIENCE):
        assert await looks.get() == 0
    assert len(gc.get_objects(generation=0)) < MANY / 10


async def test_many_changes_at_once_are_one_look(looks: asyncio.Queue[int]) -> None:
    sweeper = Sweeper()
    for _ in range(1000):
        sweeper.note()
    async with asyncio.timeout(PATIENCE):
        await looks.get()
        sweeper.note()
        await looks.get()
    assert looks.empty()


async def test_what_outlived_some_looks_is_looked_through_as_well(
    looks: asyncio.Queue[int],
) -> None:
    sweeper = Sweeper()
    seen = []
    async with asyncio.timeout(PATIENCE):
        for _ in range(2 * ROUNDS):
            sweeper.note()
            seen.append(await looks.get())
    assert seen == 2 * [*[0] * (ROUNDS - 1), 1]
