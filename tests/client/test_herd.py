"""A thousand clients of one registry that goes away and comes back."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from time import time

import pytest

from dnsregistry.client import Registration
from tests.client.conftest import free_port
from tests.conftest import Start
from tests.program import LOOPBACK, Clock

CLIENTS = 1000
INTERVAL = 6.0
"""Seconds between heartbeats: long enough for a slow machine to take a thousand in it."""


async def _wait_long(holds: Callable[[], bool]) -> None:
    """Wait as long as a machine takes that is many times slower."""
    async with asyncio.timeout(120):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.05)


class _Running(Clock):
    def __call__(self) -> float:
        return time()


async def test_a_thousand_clients_come_back_spread_over_their_interval(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """The registry has lost everything, so each must register: not one is lost.

    No fifth of the interval gets more than three quarters of them, though a machine that is away
    for a while gathers those of that time. One that is too slow for a thousand registrations in
    an interval spreads them further.
    """
    # Debugging and thousands of log lines make every step several times slower.
    asyncio.get_running_loop().set_debug(False)
    caplog.set_level(logging.CRITICAL, "dnsregistry.client")
    port = free_port()
    program = await start(_Running(), http_port=port)
    url = f"http://{LOOPBACK}:{port}"
    clients = [
        Registration("web", port=8080, id=f"c{number}", url=url, ttl=3 * INTERVAL, on_sigterm=False)
        for number in range(CLIENTS)
    ]
    await asyncio.gather(*(client.start() for client in clients))
    assert len(program.app.registry.catalogue) == CLIENTS
    await program.stop()
    # All have found out, and wait by now as long as they ever do.
    await _wait_long(lambda: all(client._rhythm.failures >= 4 for client in clients))
    program = await start(_Running(), http_port=port)
    back = time()
    await _wait_long(lambda: len(program.app.registry.catalogue) == CLIENTS)
    arrivals = [lease.granted_at - back for lease in program.app.registry.catalogue.after(0)]
    fifths = Counter(int(arrival / INTERVAL * 5) for arrival in arrivals)
    print(sorted(fifths.items()))
    assert max(fifths.values()) < CLIENTS * 3 / 4, sorted(fifths.items())
    assert max(arrivals) > INTERVAL / 2
    await asyncio.gather(*(client.stop() for client in clients))
    assert len(program.app.registry.catalogue) == 0
