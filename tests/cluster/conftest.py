"""A real store and real nodes for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.cluster.nodes import Node
from tests.endtoend.process import Served
from tests.program import LOOPBACK
from tests.redisserver import RedisServer

Serve = Callable[..., Awaitable[Node]]
Launch = Callable[..., RedisServer]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start a store with further options; killed at the end."""
    servers: list[RedisServer] = []

    def start(*options: str) -> RedisServer:
        server = RedisServer(tmp_path / f"redis-{len(servers)}", *options)
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Start a node on free ports, with further arguments; killed at the end."""
    async with AsyncExitStack() as stack:
        count = 0

        async def start(
            *arguments: str,
            within: Sequence[str] = (),
            host: str = LOOPBACK,
            **variables: str | None,
        ) -> Node:
            nonlocal count
            ready = tmp_path / f"ready-{count}"
            count += 1
            ports = ("--dns-port", "0", "--http-port", "0", "--ready-file", str(ready))
            served = await Served.start(*ports, *arguments, variables=variables, within=within)
            stack.push_async_callback(served.kill)
            await served.wait_ready(ready)
            http = await stack.enter_async_context(aiohttp.ClientSession(served.url))
            return Node(served, http, host)

        yield start
