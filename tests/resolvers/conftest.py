"""A served registry, and programs beside it that all end with the test."""

import json
import random
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.resolvers.foreign import Foreign
from tests.resolvers.place import MACHINE, Place
from tests.resolvers.served import DNS_TTL, NEGATIVE_TTL, ZONE, Served

Launch = Callable[..., Awaitable[Foreign]]
Serve = Callable[..., Awaitable[Served]]

LOW_PORTS = range(20_000, 32_000)
"""Below the ports that the system gives to clients: none of those takes one in between."""


@pytest.fixture
async def launch(tmp_path: Path) -> AsyncIterator[Launch]:
    """Start a program: `launch(*command)`, on the machine or in a `place`."""
    async with AsyncExitStack() as running:
        count = 0

        async def launch_program(*command: str | Path, place: Place = MACHINE) -> Foreign:
            nonlocal count
            count += 1
            path = tmp_path / f"output-{count}"
            with path.open("wb") as output:
                process = await place.start(*command, output=output)
            foreign = Foreign(process, path)
            running.push_async_callback(foreign.stop)
            return foreign

        yield launch_program


@pytest.fixture
def serve(tmp_path: Path, launch: Launch) -> Serve:
    """Start `dnsregistry serve` with flags, on the machine or in a `place`."""

    async def serve_registry(*flag: str, place: Place = MACHINE) -> Served:
        ready = tmp_path / "ready.json"
        ports = ("--dns-port=0", "--http-port=0", "--store=memory://")
        ttls = (f"--dns-ttl={DNS_TTL}", f"--negative-ttl={NEGATIVE_TTL}")
        command = (sys.executable, "-m", "dnsregistry", "serve", f"--ready-file={ready}")
        program = await launch(*command, f"--zone={ZONE}", *ports, *ttls, *flag, place=place)

        async def read_ready() -> str:
            return ready.read_text(encoding="utf-8")

        bound = json.loads(await program.until(read_ready))
        http = bound["http"]
        url = f"http://{http['host']}:{http['port']}"
        return Served(place, program, bound["dns"][0]["port"], url)

    return serve_registry


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that is free on 127.0.0.1, over UDP and TCP."""
    return _find_port


def _find_port() -> int:
    while True:
        port = random.choice(LOW_PORTS)
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with socket.socket(socket.AF_INET, kind) as sock:
                    sock.bind(("127.0.0.1", port))
        except OSError:
            continue
        return port
