"""The faces for programs without an event loop, in a thread beside the registry's."""

import asyncio
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator

import pytest

from dnsregistry.client import Description, Event, Refused, RegistryAway, UnknownInstance
from dnsregistry.client.sync import Client, Registration
from tests.client.conftest import House, free_port
from tests.dialects.spoken import wait_until
from tests.program import LOOPBACK, PATIENCE, Program


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    assert not [t for t in threading.enumerate() if t.name == "dnsregistry client"]


async def _call(use: Callable[[], object]) -> object:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.to_thread(use)


async def test_a_registration_lives_in_a_thread(place: House) -> None:
    program = await place.open()
    inside, leave = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def serve() -> None:
        with Registration("web", port=8080, url=place.url, ttl=1) as registration:
            registration.wait_registered()
            assert registration.is_registered
            with pytest.raises(RuntimeError, match="was started before"):
                registration.start()
            loop.call_soon_threadsafe(inside.set)
            leave.wait(PATIENCE)
            registration.drain()

    serving = asyncio.create_task(asyncio.to_thread(serve))
    await inside.wait()
    [lease] = program.app.registry.catalogue.after(0)
    place.clock.advance(0.5)
    await wait_until(lambda: lease.renewed_at == place.clock())
    leave.set()
    await serving
    assert place.ids() == []


async def test_what_is_refused_is_raised_and_leaves_no_thread(place: House) -> None:
    await place.open()
    registration = Registration("no label", port=1, url=place.url)
    with pytest.raises(Refused, match="service"):
        await _call(registration.start)
    await _call(registration.stop)


async def test_a_client_does_all_that_the_other_one_does(house: Program) -> None:
    def use() -> None:
        with Client(house.url) as client:
            given = Description.make("web", 80, {"id": "w1", "address": "10.0.0.9", "ttl": 9})
            assert client.register(given).id == "w1"
            assert client.heartbeat("w1") == 9
            assert client.set_status("w1", "draining").state == "draining"
            assert client.instance("w1").status == "draining"
            assert [service.name for service in client.services()] == ["user-service", "web"]
            assert client.stats()["registry"]["services"] == 2
            assert [i.id for i in client.instances("web", health="draining")] == ["w1"]
            client.deregister("w1")
            with pytest.raises(UnknownInstance):
                client.deregister("w1")
            assert len(client.find("user-service")) == 3
            found = client.find_by_dns("user-service", dns=f"{LOOPBACK}:{house.port}")
            assert len(found) == 3

    await _call(use)


async def test_a_watch_is_an_iterator(house: Program) -> None:
    seen: list[Event] = []

    def use() -> None:
        with Client(house.url) as client:
            events = client.watch("user-service")
            for event in events:
                seen.append(event)
                if event.kind == "removed":
                    break
            events.close()  # type: ignore[attr-defined]

    watching = asyncio.create_task(_call(use))
    await wait_until(lambda: len(seen) == 1)
    await house.remove("i2")
    await watching
    assert [event.kind for event in seen] == ["reset", "removed"]


async def test_threads_that_begin_together_have_one_client(house: Program) -> None:
    client, together = Client(house.url), threading.Barrier(4)

    def use() -> int:
        together.wait(PATIENCE)
        return len(client.find("user-service"))

    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*(asyncio.to_thread(use) for _ in range(4))) == [3] * 4
    assert [t.name for t in threading.enumerate()].count("dnsregistry client") == 1
    await _call(client.close)


async def test_who_waits_in_another_thread_is_let_go_when_the_client_is_closed(
    house: Program,
) -> None:
    client, seen = Client(house.url), asyncio.Event()
    loop = asyncio.get_running_loop()

    def follow() -> None:
        for _ in client.watch("user-service"):
            loop.call_soon_threadsafe(seen.set)

    watching = asyncio.create_task(_call(follow))
    await seen.wait()
    await _call(client.close)
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([watching])
    # By the end of its connection, or of its thread.
    assert watching.cancelled() or isinstance(watching.exception(), RuntimeError)


async def test_a_registry_that_is_away_is_an_error_of_a_client() -> None:
    def use() -> None:
        with Client(f"http://{LOOPBACK}:{free_port()}") as client:
            client.services()

    with pytest.raises(RegistryAway, match="connection refused"):
        await _call(use)


DROPPED = """
import gc, sys
from dnsregistry.client.sync import Client

async def collect():
    gc.collect()

gc.disable()
with Client(sys.argv[1]) as client:
    events = client.watch()
    next(events)
    cycle = [events]
    cycle.append(cycle)
    del events, cycle
    client._thread.run(collect)
    print(len(client.services()))
"""


async def test_a_watch_that_the_collector_drops_in_the_thread_of_the_loop_holds_nobody_up(
    house: Program,
) -> None:
    # A process of its own: it could not be ended else.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DROPPED, house.url, stdout=PIPE
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert (process.returncode, out) == (0, b"1\n")
