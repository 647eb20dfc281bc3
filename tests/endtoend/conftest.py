"""The program as a process of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.endtoend.machine import Machine, make_machine
from tests.endtoend.process import Served

Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Start `dnsregistry serve` on free ports, with further arguments; killed at the end."""
    started: list[Served] = []

    async def start(*arguments: str, **variables: str | None) -> Served:
        ready = tmp_path / f"ready-{len(started)}"
        ports = ("--dns-port", "0", "--http-port", "0", "--ready-file", str(ready))
        served = await Served.start(*ports, *arguments, variables=variables)
        started.append(served)
        await served.wait_ready(ready)
        return served

    yield start
    for served in started:
        await served.kill()


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A machine in which `serve` answers on port 53."""
    async with make_machine(tmp_path) as made:
        yield made
