"""A registry that stays where it is over restarts."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

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
