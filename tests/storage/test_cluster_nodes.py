"""Which nodes live, as one node takes it from the store, by a clock of the test's own."""

import asyncio
from collections.abc import Iterable

from structlog.testing import capture_logs

from dnsregistry.storage.cluster.nodes import GRACE_SECONDS, Nodes


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time


def _settled(*names: str) -> tuple[Nodes, Clock]:
    """Nodes that were found some time ago."""
    clock = Clock()
    nodes = Nodes("a", clock.now)
    nodes.find(names)
    clock.time += GRACE_SECONDS
    return nodes, clock


def test_the_own_node_lives_whatever_is_told() -> None:
    nodes, _ = _settled("a", "b")
    nodes.hear(["b"])
    assert nodes.living == {"a", "b"}
    nodes.hear([])
    assert nodes.living == {"a"}


def test_a_node_that_is_not_there_just_after_the_store_was_found_is_waited_for() -> None:
    nodes, clock = _settled("a", "b", "c")
    nodes.find(["a"])
    assert nodes.living == {"a", "b", "c"}
    clock.time += GRACE_SECONDS - 0.1
    nodes.hear(["a", "b", "d"])
    assert nodes.living == {"a", "b", "c", "d"}
    clock.time += 0.1
    nodes.hear(["a", "b", "d"])
    assert nodes.living == {"a", "b", "d"}


async def test_who_follows_is_told_at_once_and_of_each_change_even_after_a_failure() -> None:
    nodes, _ = _settled("a")
    told: asyncio.Queue[list[str]] = asyncio.Queue()

    async def tell(names: Iterable[str], name: str) -> None:
        assert name == "a"
        await told.put(sorted(names))
        if told.qsize() == 1 and "b" in names:
            raise RuntimeError("a fault in what follows")

    with capture_logs() as lines:
        task = asyncio.create_task(nodes.follow(tell))
        async with asyncio.timeout(10):
            assert await told.get() == ["a"]
            nodes.hear(["a", "b"])
            assert await told.get() == ["a", "b"]
            nodes.hear(["a", "b"])
            nodes.hear(["a", "c"])
            assert await told.get() == ["a", "c"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [line["log_level"] for line in lines] == ["error"]
