"""A peer that asks for much must take it: what waits for it is kept for a bounded time."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
from aiohttp import web

from dnsregistry.access.crowd import Crowd
from dnsregistry.api.application import build_application
from dnsregistry.api.connection import Bounds, Runner
from dnsregistry.api.context import Api
from dnsregistry.api.watching.build import build_watching
from dnsregistry.api.watching.watching import WatchOptions
from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from tests.cluster.nodes import until
from tests.program import PATIENCE

INSTANCES = 600
METADATA = {f"k{number}": "x" * 250 for number in range(60)}
"""9 MB in all: more than kernels keep for a connection."""
NAMES = ("x" * 1000,) * 100
"""What makes an event longer than what is kept for a connection before it is told to stop."""
REQUEST = b"GET /v1/instances?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"

ServeWith = Callable[[float], AbstractAsyncContextManager[tuple[int, Crowd]]]


def make_instance(port: int) -> Instance:
    return admit(
        id=f"a-{port}",
        service="a",
        address="10.0.0.1",
        port=port,
        ttl=None,
        metadata=METADATA,
    )


@pytest.fixture
def api(make_api: Callable[..., Api]) -> Api:
    registry = Registry()
    options = WatchOptions(patience=2.0)
    watching = build_watching(options, registry, lambda _: NAMES)
    return make_api(registry=registry, watching=watching)


@pytest.fixture
def serve_with(api: Api) -> ServeWith:
    """Serve many instances to peers that have so many seconds to take them."""

    @asynccontextmanager
    async def serving(patience: float) -> AsyncIterator[tuple[int, Crowd]]:
        for port in range(1, INSTANCES + 1):
            await api.store.grant(make_instance(port))
        crowd = Crowd(10, 10)
        bounds = Bounds(crowd, taking_patience=patience)
        runner = Runner(build_application(api), bounds=bounds, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield int(runner.addresses[0][1]), crowd
        finally:
            await runner.cleanup()

    return serving


async def _ask(port: int, request: bytes = REQUEST) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    await loop.sock_sendall(sock, request)
    return sock


async def _take(sock: socket.socket, octets: int) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.get_running_loop().sock_recv(sock, octets)


async def test_a_peer_that_takes_nothing_is_cut(serve_with: ServeWith) -> None:
    async with serve_with(0.3) as (port, crowd):
        with await _ask(port) as sock:
            assert await _take(sock, 1)
            await until(lambda: crowd.connections == 0)


async def test_a_peer_that_takes_octet_by_octet_wins_no_time_by_it(serve_with: ServeWith) -> None:
    async with serve_with(0.3) as (port, crowd):
        with await _ask(port) as sock:

            async def drip() -> bool:
                return not await _take(sock, 1) or not crowd.connections

            with suppress(ConnectionResetError):
                await until(drip)
            await until(lambda: crowd.connections == 0)


async def test_a_peer_that_has_taken_all_may_stay_and_ask_again(serve_with: ServeWith) -> None:
    patience = 3.0
    async with serve_with(patience) as (port, _):
        with await _ask(port) as sock:
            answers = bytearray()
            while b'"next_cursor":null' not in answers[-200:]:
                answers += await _take(sock, 65536)
            # What was waited for is no longer.
            rest = asyncio.ensure_future(_take(sock, 65536))
            await asyncio.wait([rest], timeout=patience * 1.2)
            assert not rest.done()
            await asyncio.get_running_loop().sock_sendall(sock, REQUEST)
            assert (await rest).startswith(b"HTTP/1.1 200 OK\r\n")


async def test_a_watcher_that_takes_nothing_has_the_time_that_is_set_for_watchers(
    api: Api, serve_with: ServeWith
) -> None:
    async with serve_with(0.1) as (port, crowd):
        with await _ask(port, b"GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n"):
            await until(lambda: api.watching.tally.streams == 1)
            for number in range(1, 21):
                await api.store.revoke(make_instance(number).id)
            await until(lambda: crowd.connections == 0)
    # Who cuts a watcher counts it.
    assert api.watching.tally.cut == 1
