"""A node's own file follows its replica, whenever the writing ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster import snapshot
from dnsregistry.storage.cluster.replica import Replica, Snapshot
from dnsregistry.storage.cluster.snapshot import SnapshotFile, SnapshotKeeper
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import Held

INSTANCES = 3000
"""Enough to be described in several slices of time."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "snapshot.db"


@pytest.fixture
async def keeper(path: Path) -> AsyncIterator[SnapshotKeeper]:
    """Of a replica that holds what has not been written yet."""
    registry, clock = Registry(), StoreClock(lambda: 0.0)
    registry.hand_over()
    replica = Replica(registry)
    keeper = SnapshotKeeper(path, registry, replica, clock)
    await keeper.load()
    held = {f"i{number}": _held(number) for number in range(INSTANCES)}
    for _ in replica.restore(Snapshot("e", INSTANCES, "n", held, {}), clock.to_local):
        pass
    yield keeper
    keeper.close()


def _held(number: int) -> Held:
    instance = admit(id=f"i{number}", service="web", address="10.0.0.1", port=80)
    return Held(number + 1, number + 1, 0, "n", None, instance)


def _count(path: Path) -> int:
    file = SnapshotFile(path)
    try:
        told = file.read()
        assert told is not None
        assert told[0].revision == INSTANCES
        return len(told[1])
    finally:
        file.close()


async def test_a_new_file_is_its_owners_alone_to_read(keeper: SnapshotKeeper, path: Path) -> None:
    await keeper.write(7)
    assert {file.stat().st_mode & 0o777 for file in path.parent.glob("snapshot.db*")} == {0o600}


async def test_what_a_writing_that_was_cancelled_had_taken_is_in_the_next(
    keeper: SnapshotKeeper, path: Path
) -> None:
    writing = asyncio.create_task(keeper.write(7))
    await asyncio.sleep(0)  # It has begun, and waits for its next slice.
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    await keeper.write(7)
    keeper.close()
    assert _count(path) == INSTANCES


async def test_a_stop_in_the_middle_of_a_writing_leaves_the_whole_of_it(
    keeper: SnapshotKeeper, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "WRITE_SECONDS", 0)
    begun = asyncio.Event()

    def base() -> int:
        begun.set()
        return 7

    following = asyncio.create_task(keeper.follow(base))
    await begun.wait()
    keeper.end()
    await following
    keeper.close()
    assert _count(path) == INSTANCES
