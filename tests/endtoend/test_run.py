"""`dnsregistry run` beside registries that are processes, and are killed and stopped."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from tests.client.conftest import free_port
from tests.endtoend.conftest import Serve
from tests.endtoend.process import command
from tests.program import LOOPBACK

CHILD = str(Path(__file__).parents[1] / "cli" / "child.py")
MOST_SECONDS = 60.0
"""A registry that hangs is given five seconds before another one is asked."""


@pytest.fixture
async def running() -> AsyncIterator[list[Process]]:
    processes: list[Process] = []
    yield processes
    for process in processes:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _wait_for(url: str, ids: list[str]) -> None:
    async with asyncio.timeout(MOST_SECONDS), ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/v1/instances") as response:
                    told = [instance["id"] for instance in (await response.json())["instances"]]
            except ClientError:
                told = ["away"]
            if told == ids:
                return
            await asyncio.sleep(0.05)


async def test_it_stays_registered_while_registries_are_killed_and_hang(
    serve: Serve, running: list[Process]
) -> None:
    ports = [str(free_port()), str(free_port())]
    urls = [f"http://{LOOPBACK}:{port}" for port in ports]
    first = await serve("--http-port", ports[0])
    second = await serve("--http-port", ports[1])
    port = str(free_port())
    process = await asyncio.create_subprocess_exec(
        *(command(), "run", "--url", ",".join(urls), "--service", "web", "--port", port),
        *("--id", "web-1", "--ttl", "2", "--", sys.executable, CHILD, "polite", port),
        stdout=PIPE,
        stderr=PIPE,
    )
    running.append(process)
    await _wait_for(urls[0], ["web-1"])
    first.process.kill()
    await first.process.wait()
    await _wait_for(urls[1], ["web-1"])
    # Back, and with nothing in it: it is moved to only once the second one hangs.
    await serve("--http-port", ports[0])
    os.kill(second.process.pid, signal.SIGSTOP)
    await _wait_for(urls[0], ["web-1"])
    os.kill(second.process.pid, signal.SIGCONT)
    # What the second one holds ends by itself.
    await _wait_for(urls[1], [])
    process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(MOST_SECONDS):
        _, err = await process.communicate()
    assert process.returncode == 7, err
    await _wait_for(urls[0], [])
