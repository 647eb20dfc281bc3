"""What a program has that was started on a file with leases."""

from pathlib import Path
from typing import Any

import pytest

from dnsregistry.servers.workers import link
from tests.program import Clock, Program

INSTANCES = 200


class SlowStart(Clock):
    """Each look at it costs a tenth of a second for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.is_slow = False

    def __call__(self) -> float:
        if self.is_slow:
            self.advance(0.1)
        return super().__call__()


async def test_a_lease_has_its_ttl_from_when_heartbeats_are_taken_however_long_the_start_was(
    tmp_path: Path,
) -> None:
    store = f"sqlite:///{tmp_path / 'registry.db'}"
    first = Program(Clock(), store=store, zones_dir=tmp_path)
    await first.start()
    await first.register_all(
        [
            {"id": f"i{n}", "service": "web", "address": "10.0.0.1", "port": 1 + n, "ttl": 10}
            for n in range(INSTANCES)
        ]
    )
    await first.stop()

    clock = SlowStart()
    again = Program(clock, store=store, zones_dir=tmp_path)
    clock.is_slow = True
    began = clock.now
    await again.app.start()
    clock.is_slow = False
    try:
        assert clock.now - began > 10
        leases = [again.app.registry.find(f"i{n}", clock.now) for n in range(INSTANCES)]
        assert min(lease.deadline for lease in leases) >= clock.now + 9
        # It is told when each was heard of, not when the program was started.
        assert all(lease.renewed_at <= began for lease in leases)
    finally:
        await again.app.stop()


async def test_nor_does_the_start_of_workers_take_anything_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "store": f"sqlite:///{tmp_path / 'registry.db'}",
        "zones_dir": tmp_path,
    }
    first = Program(Clock(), **settings)
    await first.start()
    await first.register("a", address="10.0.0.1", ttl=10)
    await first.stop()

    clock = Clock()
    usual = link._program

    def slow() -> list[str]:
        clock.advance(60)
        return usual()

    monkeypatch.setattr(link, "_program", slow)
    again = Program(clock, workers=1, **settings)
    await again.start()
    try:
        async with again.http.post("/v1/instances/a/heartbeat") as response:
            assert response.status == 200
        assert (await again.ask("user-service.registry.local")).rcode == "NOERROR"
    finally:
        await again.stop()
