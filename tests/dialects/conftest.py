"""A program that speaks a dialect, at the document's own port where that is free."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import pytest

from dnsregistry.api.dialects.known import USUAL_PORTS
from tests.conftest import Start
from tests.dialects.spoken import Spoken
from tests.program import LOOPBACK, Clock

Speak = Callable[..., Awaitable[Spoken]]


def choose_entry(name: str) -> str:
    """The entry of DIALECTS for a dialect: its usual port, or any where that is taken."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((LOOPBACK, USUAL_PORTS[name]))
        except OSError:
            return f"{name}:0"
    return name


@pytest.fixture
async def speak(start: Start) -> AsyncIterator[Speak]:
    """Start a program with one dialect on, with settings or variables, and talk to it."""
    async with AsyncExitStack() as opened:

        async def start_speaking(
            name: str,
            clock: Clock | None = None,
            environment: Mapping[str, str] | None = None,
            **settings: object,
        ) -> Spoken:
            entry = choose_entry(name)
            program = await start(clock, environment, dialects=entry, **settings)
            spoken = Spoken(program, program.dialects[name])
            opened.push_async_callback(spoken.close)
            return spoken

        yield start_speaking
