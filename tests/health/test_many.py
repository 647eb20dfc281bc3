"""Many checks at once: on time, spread, bounded, and DNS beside them."""

import asyncio
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from dnsregistry.health.tally import BOUNDS
from dnsregistry.registry.check import Health
from tests.conftest import Start
from tests.health.backend import Backend, Mood
from tests.health.conftest import Watch, until
from tests.program import LOOPBACK, Program
from tests.wire import make_query

COUNT = 200


@pytest.fixture
def door() -> Iterator[int]:
    """A server in a thread that takes every connection and closes it; its port."""
    with socket.create_server((LOOPBACK, 0), backlog=1024) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


async def _register(program: Program, port: int, check: dict[str, Any]) -> None:
    """Instances on one address whose checks differ, so that none shares another's answer."""
    await program.register_all(
        [
            {
                "id": f"i{number}",
                "service": "user-service",
                "address": LOOPBACK,
                "port": port,
                "ttl": None,
                "checks": [{**check, "timeout": check["timeout"] - number / 10_000}],
            }
            for number in range(COUNT)
        ]
    )


async def test_hundreds_of_checks_are_on_time_and_dns_answers_beside_them(
    program: Program, door: int, watch: Watch
) -> None:
    await _register(program, door, {"type": "tcp", "interval": 5, "timeout": 5})
    tally = program.app.checking.tally
    latencies: list[float] = []
    client = program.dns.udp()
    async with asyncio.timeout(60):
        while tally.probes < 2 * COUNT:
            begun = time.perf_counter()
            await client.exchange(make_query("i1.i.registry.local"))
            latencies.append(time.perf_counter() - begun)
            await asyncio.sleep(0.01)
    assert (tally.passed, tally.shared) == (tally.probes, 0)
    # The later half is the machine's: each time it is away, hundreds are late together.
    in_time = sum(tally.lags.counts[: BOUNDS.index(1.0) + 1])
    assert in_time > tally.probes / 2, tally.lags.counts
    assert statistics.median(latencies) < 1.0
    assert all(watch.health_of(f"i{number}") is Health.HEALTHY for number in range(COUNT))


async def test_no_more_probes_are_under_way_than_may_be_and_none_is_forgotten(
    start: Start, backend: Backend
) -> None:
    backend.mood = Mood.HANGING
    program = await start(probe_concurrency=20)
    check = {"type": "http", "interval": 1, "timeout": 0.5, "initial": "healthy"}
    await _register(program, backend.port, check)
    checking = program.app.checking
    most = 0

    def look() -> bool:
        nonlocal most
        most = max(most, checking.prober.in_flight)
        return checking.tally.probes >= 40

    await until(look)
    assert most == 20
    backend.mood = Mood.OK

    def all_asked() -> bool:
        patients = [checking.ward.find(f"i{number}") for number in range(COUNT)]
        return all(patient and patient.course.courses[0].last for patient in patients)

    await until(all_asked)


async def test_checks_that_were_there_at_the_start_do_not_come_at_once(
    program: Program, door: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _register(program, door, {"type": "tcp", "interval": 100, "timeout": 5})
    checking = program.app.checking
    # As after a restart: all leave, and all come back.
    with monkeypatch.context() as patch:
        patch.setattr(checking.prober.placement, "owns", lambda key: False)
        await checking.prober.review()
    assert len(checking.ward) == 0
    await checking.prober.review()
    assert len(checking.ward) == COUNT
    begun, probes = time.perf_counter(), checking.tally.probes
    await until(lambda: checking.tally.probes >= probes + 4)
    # They are two a second.
    assert time.perf_counter() - begun > 0.5
