"""The demo's services: clients like any other, against a program in the same loop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from yarl import URL

from dnsregistry.cli import demo
from dnsregistry.cli.demo import Demo
from dnsregistry.registry.feed import Change, ChangeKind
from tests.program import LOOPBACK, PATIENCE, Program

SRV = "_user-service._tcp.registry.local"


@pytest.fixture(autouse=True)
def _close_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "HEARTBEAT_SECONDS", 0.02)


@asynccontextmanager
async def _showing(program: Program) -> AsyncIterator[Demo]:
    http = URL(program.url)
    shown = Demo("registry.local", (LOOPBACK, program.port), (LOOPBACK, http.port or 0))
    try:
        await shown.start()
        yield shown
    finally:
        await shown.stop()


async def _wait_for(program: Program, kind: ChangeKind, instance_id: str) -> None:
    """Wait for a change of one instance."""
    happened = asyncio.Event()

    def note(change: Change) -> None:
        instance = change.after or change.before
        if change.kind is kind and instance is not None and instance.id == instance_id:
            happened.set()

    unsubscribe = program.app.registry.feed.subscribe(note)
    async with asyncio.timeout(PATIENCE):
        await happened.wait()
    unsubscribe()


async def test_five_instances_answer_at_their_registered_ports(program: Program) -> None:
    async with _showing(program):
        assert len((await program.ask(SRV, "SRV")).answer) == 3
        reply = await program.ask("_task-service._tcp.registry.local", "SRV")
        assert len(reply.answer) == 2
        _, _, port, target = reply.rdatas[0].split()
        name = target.split(".")[0]
        async with program.http.get(f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == f"hello from {name}\n"


async def test_heartbeats_keep_them_alive(program: Program) -> None:
    async with _showing(program):
        lease = program.app.registry.catalogue.find("user-service-1")
        assert lease is not None
        program.clock.advance(9)
        async with asyncio.timeout(PATIENCE):
            while lease.renewed_at < program.clock.now:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        program.clock.advance(9)
        assert len((await program.ask(SRV, "SRV")).answer) == 3


async def test_one_that_was_forgotten_registers_again(program: Program) -> None:
    async with _showing(program):
        back = asyncio.create_task(_wait_for(program, ChangeKind.REGISTERED, "user-service-2"))
        await program.remove("user-service-2")
        await back
        assert len((await program.ask(SRV, "SRV")).answer) == 3


async def test_at_the_end_they_take_themselves_out(program: Program) -> None:
    async with _showing(program):
        pass
    assert (await program.ask(SRV, "SRV")).rcode == "NXDOMAIN"


async def test_the_lines_to_try_name_this_server(program: Program) -> None:
    async with _showing(program) as shown:
        text = shown.describe()
    assert f"dig @127.0.0.1 -p {program.port} {SRV} SRV" in text
    assert f"curl {program.url}/v1/services/user-service" in text


async def test_a_registry_that_is_away_is_told_and_survived(program: Program) -> None:
    with capture_logs() as lines:
        async with _showing(program):
            await program.stop()
            async with asyncio.timeout(PATIENCE):
                while not lines:  # noqa: ASYNC110 - the log has no event
                    await asyncio.sleep(0.01)
    assert lines[0]["event"] == "demo heartbeat failed"
    assert lines[-1]["event"] == "demo instance not removed"
