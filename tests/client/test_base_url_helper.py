"""The helper of the base-url document, against a registry that comes and goes."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest

from dnsregistry.client.base_url import RegistrationRefused, deregister_service, register_service
from tests.conftest import Start
from tests.dialects.spoken import Spoken, wait_until
from tests.program import LOOPBACK, Program

BASE_URL = "http://localhost:8000"


@pytest.fixture
async def spoken(start: Start, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Spoken]:
    """A registry whose instances need a heartbeat a second, and REGISTRY_URL that leads to it."""
    program = await start(dialects="base-url:0", base_url_ttl=1)
    spoken = Spoken(program, program.dialects["base-url"])
    monkeypatch.setenv("REGISTRY_URL", spoken.url)
    yield spoken
    await deregister_service()
    await spoken.close()


async def _count_heartbeats(program: Program, more: int) -> None:
    tally = program.app.tallies["base-url"]
    wanted = tally.heartbeats + more
    await wait_until(lambda: tally.heartbeats >= wanted)


async def test_it_registers_beats_and_deregisters(spoken: Spoken) -> None:
    instance_id = await register_service("users", BASE_URL)
    _, answer = await spoken.ask("GET", "/services/users")
    [shown] = answer["instances"]
    assert (shown["instance_id"], shown["base_url"]) == (instance_id, BASE_URL)
    await _count_heartbeats(spoken.program, 2)
    assert await spoken.srv("users") == [("127.0.0.1", 8000)]
    await deregister_service()
    assert await spoken.srv("users") == []
    await deregister_service()


async def test_an_instance_that_has_expired_is_registered_again(spoken: Spoken) -> None:
    first = await register_service("users", BASE_URL)
    spoken.program.clock.advance(5)
    tally = spoken.program.app.tallies["base-url"]
    await wait_until(lambda: tally.registrations == 2)
    _, answer = await spoken.ask("GET", "/services/users")
    [shown] = answer["instances"]
    assert shown["instance_id"] != first


async def test_a_registry_that_is_away_at_the_start_is_tried_on(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server((LOOPBACK, 0)) as free:
        port = free.getsockname()[1]
    instance_id = await register_service("users", BASE_URL, f"http://{LOOPBACK}:{port}")
    assert instance_id is None
    assert "is away" in caplog.text
    program = await start(dialects=f"base-url:{port}")
    await wait_until(lambda: len(program.app.registry.catalogue) == 1)
    await deregister_service()
    assert len(program.app.registry.catalogue) == 0


async def test_an_answer_of_somebody_else_is_a_registry_that_is_away(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        writer.write(b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        writer.close()

    somebody = await asyncio.start_server(answer, LOOPBACK, 0)
    port = somebody.sockets[0].getsockname()[1]
    assert await register_service("users", BASE_URL, f"http://{LOOPBACK}:{port}") is None
    assert "without an instance_id" in caplog.text
    somebody.close()
    program = await start(dialects=f"base-url:{port}")
    await wait_until(lambda: len(program.app.registry.catalogue) == 1)
    await deregister_service()


async def test_what_the_registry_refuses_is_told_at_once(spoken: Spoken) -> None:
    with pytest.raises(RegistrationRefused, match="service_name"):
        await register_service("no such name", BASE_URL)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "base-url heartbeats"]


async def test_several_services_are_registered_and_taken_out_together(spoken: Spoken) -> None:
    await register_service("users", BASE_URL)
    await register_service("timelines", "http://localhost:8001")
    assert len(spoken.program.app.registry.catalogue) == 2
    await deregister_service()
    assert len(spoken.program.app.registry.catalogue) == 0
