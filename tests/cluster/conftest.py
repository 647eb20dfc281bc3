"""Real stores and real nodes, for a test or for all of a module."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.cluster.nodes import Node
from tests.endtoend.process import Served
from tests.program import LOOPBACK
from tests.redisserver import RedisServer

Serve = Callable[..., Awaitable[Node]]
Launch = Callable[..., RedisServer]


@contextmanager
def launching(folder: Path) -> Iterator[Launch]:
    """Start stores with further options; killed at the end."""
    servers: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        server = RedisServer(folder / f"redis-{len(servers)}", *options)
        servers.append(server)
        server.start()
        return server

    try:
        yield start
    finally:
        for server in servers:
            server.kill()


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Serve]:
    """Start nodes on free ports, with further arguments; killed at the end."""
    async with AsyncExitStack() as stack:
        count = 0

        async def start(
            *arguments: str,
            within: Sequence[str] = (),
            host: str = LOOPBACK,
            **variables: str | None,
        ) -> Node:
            nonlocal count
            ready = folder / f"ready-{count}"
            count += 1
            ports = ("--dns-port", "0", "--http-port", "0", "--ready-file", str(ready))
            served = await Served.start(*ports, *arguments, variables=variables, within=within)
            stack.push_async_callback(served.kill)
            await served.wait_ready(ready)
            http = await stack.enter_async_context(aiohttp.ClientSession(served.url))
            return Node(served, http, host)

        yield start


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    with launching(tmp_path) as start:
        yield start


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    async with serving(tmp_path) as start:
        yield start
