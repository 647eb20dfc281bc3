"""Following changes over registries that restart, move and lose track."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import pytest
from aiohttp import web

from dnsregistry.client import Client, Event
from dnsregistry.client.addresses import Addresses
from dnsregistry.client.http import Http
from tests.client.conftest import House, MakeFace
from tests.conftest import Start
from tests.program import LOOPBACK, PATIENCE, Program

Clients = Callable[..., Client]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnsregistry.client.rhythm.MOST_INTERVAL", 1.0)
    monkeypatch.setattr("dnsregistry.client.rhythm.MOST_RETRY_AFTER", 0.1)


class Watcher:
    """What a watch has told."""

    def __init__(self, events: AsyncGenerator[Event]) -> None:
        self.events = events

    async def next(self) -> Event:
        async with asyncio.timeout(PATIENCE):
            return await anext(self.events)

    async def told(self) -> tuple[str, str]:
        event = await self.next()
        assert event.instance is not None
        return event.kind, event.instance.id

    async def reset(self) -> list[str]:
        event = await self.next()
        assert event.kind == "reset"
        return [instance.id for instance in event.instances]


@pytest.fixture
async def watch(start: Start) -> AsyncIterator[Callable[..., Watcher]]:
    """Starts watches, and closes them; `start` comes first, so that programs end after them."""
    watchers: list[Watcher] = []
    clients: list[Client] = []

    def begin(url: str, service: str | None = None, since: int | None = None) -> Watcher:
        client = Client(url)
        clients.append(client)
        watchers.append(Watcher(client.watch(service, since=since)))
        return watchers[-1]

    yield begin
    for watcher in watchers:
        await watcher.events.aclose()
    for client in clients:
        await client.close()


Watch = Callable[..., Watcher]


async def test_what_is_there_comes_first_and_then_each_change(house: Program, watch: Watch) -> None:
    watcher = watch(house.url)
    assert await watcher.reset() == ["i1", "i2", "i3"]
    await house.register("w1", service="web")
    assert await watcher.told() == ("registered", "w1")
    await house.set_status("i1", "draining")
    event = await watcher.next()
    assert event.instance is not None
    assert (event.kind, event.instance.state) == ("updated", "draining")
    await house.remove("i2")
    assert await watcher.told() == ("removed", "i2")
    assert event.revision == house.app.registry.feed.revision - 1


async def test_a_service_s_watch_tells_of_no_other(house: Program, watch: Watch) -> None:
    watcher = watch(house.url, "web")
    assert await watcher.reset() == []
    await house.remove("i1")
    await house.register("w1", service="web")
    assert await watcher.told() == ("registered", "w1")


async def test_a_revision_is_gone_on_from(house: Program, watch: Watch) -> None:
    since = house.app.registry.feed.revision
    await house.register("i4")
    await house.remove("i4")
    watcher = watch(house.url, since=since)
    assert await watcher.told() == ("registered", "i4")
    assert await watcher.told() == ("removed", "i4")


async def test_a_restart_that_lost_everything_is_a_reset(place: House, watch: Watch) -> None:
    program = await place.open()
    await program.register("i1")
    watcher = watch(place.url)
    assert await watcher.reset() == ["i1"]
    await program.register("i2")
    assert await watcher.told() == ("registered", "i2")
    await program.stop()
    place.clock.advance(60)
    program = await place.open()
    await program.register("i3")
    assert await watcher.reset() == ["i3"]
    await program.register("i4")
    assert await watcher.told() == ("registered", "i4")


async def test_another_address_is_another_history(
    place: House, second: House, watch: Watch
) -> None:
    program = await place.open()
    await program.register("i1")
    other = await second.open()
    for number in range(5):
        await other.register(f"o{number}")
    watcher = watch(f"{place.url},{second.url}")
    assert await watcher.reset() == ["i1"]
    await program.register("i2")
    assert await watcher.told() == ("registered", "i2")
    await program.stop()
    assert await watcher.reset() == [f"o{number}" for number in range(5)]
    await other.register("o9")
    assert await watcher.told() == ("registered", "o9")


async def test_changes_are_followed_where_the_list_came_from(
    house: Program, place: House, watch: Watch, face: MakeFace
) -> None:
    other = await place.open()
    await other.register("o1")
    # As a node does that was started anew and finds no store: it has a stream, and no list.
    first = await face(house, [False, True], stream=b"event: reset\ndata: {}\n\n")
    watcher = watch(f"{first.url},{place.url}")
    assert await watcher.reset() == ["i1", "i2", "i3"]
    assert await watcher.reset() == ["o1"]
    await other.register("o2")
    assert await watcher.told() == ("registered", "o2")


async def test_another_address_that_cannot_list_yet_is_listed_later(
    house: Program, watch: Watch, face: MakeFace
) -> None:
    first, second = await face(house), await face(house, [True, False])
    watcher = watch(f"{first.url},{second.url}")
    assert await watcher.reset() == ["i1", "i2", "i3"]
    await first.stop()
    assert await watcher.reset() == ["i1", "i2", "i3"]


async def test_a_registry_that_is_not_there_yet_is_waited_for(place: House, watch: Watch) -> None:
    watcher = watch(place.url)
    first = asyncio.create_task(watcher.reset())
    await asyncio.sleep(0)
    program = await place.open()
    await program.register("i1")
    async with asyncio.timeout(PATIENCE):
        # It may have been found empty, if it was found at once.
        assert await first in (["i1"], [])


@pytest.mark.parametrize(
    "stream",
    [
        b"id: 9\nevent: registered\ndata: {}\n\n",
        b"id: 9\nevent: registered\ndata: nonsense\n\n",
        b"id: 9\nevent: reset\ndata: {}\n\n",
        b'id: 9\nevent: updated\ndata: {"revision": 9, "instance": {"id": "x"}}\n\n',
    ],
)
async def test_what_cannot_be_read_is_listed_again(
    house: Program, watch: Watch, stream: bytes
) -> None:
    """A server in between spoils what the registry says; what it lists is right."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/v1/watch":
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(stream)
            await gone.wait()
            return response
        async with house.http.get(request.rel_url) as passed:
            return web.json_response(await passed.json())

    gone = asyncio.Event()
    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    watcher = watch(f"http://{LOOPBACK}:{runner.addresses[0][1]}")
    try:
        assert await watcher.reset() == ["i1", "i2", "i3"]
        assert await watcher.reset() == ["i1", "i2", "i3"]
    finally:
        gone.set()
        await watcher.events.aclose()
        await runner.cleanup()


async def test_silence_is_a_connection_that_is_dead(
    house: Program, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.client.watching.IDLE_SECONDS", 0.1)
    watcher = watch(house.url)
    await watcher.reset()
    waiting = asyncio.create_task(watcher.told())
    done, _ = await asyncio.wait([waiting], timeout=0.5)
    assert not done
    await house.register("i4")
    assert await waiting == ("registered", "i4")


async def test_a_watch_that_is_cancelled_when_its_answer_comes_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    http = Http(Addresses.read("http://127.0.0.1:1"))
    asked, came = asyncio.Event(), asyncio.Event()

    async def get(*_: object, **__: object) -> None:
        asked.set()
        await came.wait()

    async def follow() -> None:
        async with http.stream("/v1/watch", query={}, headers={}, idle=1.0):
            pass

    monkeypatch.setattr(http._session, "get", get)
    following = asyncio.create_task(follow())
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
        came.set()
        following.cancel()
        await asyncio.wait({following})
    assert following.cancelled()
    await http.close()
