"""A registry that stays where it is over restarts."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp import web

from dnsregistry.client import Client, Registration
from tests.conftest import Start
from tests.program import LOOPBACK, Clock, Program

Register = Callable[..., Registration]


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


class House:
    """The place of a registry: the same address whether one runs there or not."""

    def __init__(self, start: Start) -> None:
        self.port = free_port()
        self.url = f"http://{LOOPBACK}:{self.port}"
        self.clock = Clock()
        self._start = start

    async def open(self, **settings: object) -> Program:
        """Start a registry there, with nothing in it."""
        self.program = await self._start(self.clock, http_port=self.port, **settings)
        return self.program

    def ids(self) -> list[str]:
        """The live instances."""
        now = self.clock()
        return [
            lease.instance.id
            for lease in self.program.app.registry.catalogue.after(0)
            if lease.is_live(now)
        ]

    def statuses(self) -> list[str]:
        return [
            str(lease.instance.status) for lease in self.program.app.registry.catalogue.after(0)
        ]


@pytest.fixture
def place(start: Start) -> House:
    """Where a registry may be; there is none yet."""
    return House(start)


@pytest.fixture
def second(start: Start) -> House:
    """Another place."""
    return House(start)


@pytest.fixture
async def clients() -> AsyncIterator[Callable[..., Client]]:
    """Makes clients, and closes them."""
    async with AsyncExitStack() as open_clients:

        def make(url: str, **given: Any) -> Client:
            client = Client(url, **given)
            open_clients.push_async_callback(client.close)
            return client

        yield make


class Face:
    """A real server that passes lists on to a registry, but for those that it is told to refuse.

    `refusals` has for each list in turn whether it is refused; the last counts for all further
    ones. Streams begin with `stream` and stay.
    """

    def __init__(self, registry: Program, refusals: Sequence[bool], stream: bytes) -> None:
        self._registry = registry
        self._refusals = list(refusals)
        self._stream = stream
        self._gone = asyncio.Event()
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, LOOPBACK, 0).start()
        self.url = f"http://{LOOPBACK}:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        self._gone.set()
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/watch":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(self._stream)
            await self._gone.wait()
            return response
        if self._refusals.pop(0) if len(self._refusals) > 1 else self._refusals[0]:
            return web.json_response({"type": "store-away", "status": 503}, status=503)
        async with self._registry.http.get(request.rel_url) as passed:
            return web.json_response(await passed.json())


@pytest.fixture
async def face() -> AsyncIterator[Callable[..., Awaitable[Face]]]:
    """Puts a Face before a registry."""
    async with AsyncExitStack() as faces:

        async def begin(
            registry: Program, refusals: Sequence[bool] = (False,), stream: bytes = b": quiet\n\n"
        ) -> Face:
            made = Face(registry, refusals, stream)
            faces.push_async_callback(made.stop)
            await made.start()
            return made

        yield begin


MakeFace = Callable[..., Awaitable[Face]]
