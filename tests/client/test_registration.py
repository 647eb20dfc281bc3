"""A registration against registries that come, go, move and forget."""

import asyncio
import json
import logging
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dnsregistry.client import Refused, Registration, RegistryAway
from dnsregistry.client.local import find_local_address
from tests.client.conftest import House, free_port
from tests.conftest import Start
from tests.dialects.spoken import wait_until
from tests.program import LOOPBACK, PATIENCE

Keep = Callable[..., Awaitable[Registration]]
TOLD = {
    "id": "x",
    "service": "web",
    "address": "10.0.0.1",
    "port": 1,
    "priority": 0,
    "weight": 1,
    "ttl": 9,
    "status": "healthy",
    "revision": 1,
    "tags": [],
    "metadata": {},
    "dns": [],
}


@pytest.fixture
async def keep() -> AsyncIterator[Keep]:
    """Starts registrations whose waits are at their shortest, and stops them."""
    async with AsyncExitStack() as running:

        async def start(url: str, service: str = "web", **given: Any) -> Registration:
            given = {"port": 8080, "ttl": 1, "on_sigterm": False, **given}
            registration = Registration(service, url=url, **given)
            await registration.start()
            running.push_async_callback(registration.stop)
            return registration

        yield start


class Proxy:
    """A real server that answers as it is told to, and counts."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.status = 503
        self.headers: dict[str, str] = {}
        self.text = "away"
        self.hangs = asyncio.Event()

    async def start(self, port: int = 0) -> web.AppRunner:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, port)
        await site.start()
        self.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        return runner

    async def _answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json() if request.can_read_body else None)
        self.asked.append((request.method, request.path))
        if self.status == 0:
            await self.hangs.wait()
        return web.Response(status=self.status, headers=self.headers, text=self.text)


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    proxy = Proxy()
    runner = await proxy.start()
    yield proxy
    proxy.hangs.set()
    await runner.cleanup()


async def test_it_registers_at_once_and_leaves_at_the_end(place: House) -> None:
    program = await place.open()
    async with Registration(
        "web",
        port=8080,
        url=place.url,
        id="web-1",
        tags=("v1",),
        metadata={"a": 1},
        checks=["heartbeat://"],
        ports={"admin": 81},
        ttl=30,
        on_sigterm=False,
    ) as registration:
        assert registration.is_registered
        assert registration.instance is not None
        assert registration.instance.addresses == (LOOPBACK,)
        [lease] = program.app.registry.catalogue.after(0)
        assert (lease.instance.id, lease.instance.tags, lease.instance.ttl) == (
            "web-1",
            ("v1",),
            30,
        )
        assert (await program.ask("web.registry.local")).rdatas == [LOOPBACK]
    assert place.ids() == []
    assert not registration.is_registered


async def test_heartbeats_renew_the_lease(place: House, keep: Keep) -> None:
    program = await place.open()
    await keep(place.url)
    [lease] = program.app.registry.catalogue.after(0)
    for _ in range(3):
        place.clock.advance(0.9)
        now = place.clock()
        await wait_until(lambda now=now: lease.renewed_at == now)  # type: ignore[misc]
    assert place.ids() == [lease.instance.id]


async def test_an_instance_that_was_forgotten_is_registered_again(
    place: House, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    await place.open()
    registration = await keep(place.url)
    place.clock.advance(60)
    assert place.ids() == []
    await wait_until(lambda: place.ids() == [registration.id])
    assert "does not know" in caplog.text


async def test_a_registry_that_is_away_at_the_start_is_tried_on(
    place: House, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    registration = await keep(place.url)
    assert not registration.is_registered
    assert f"no registry at {place.url}: connection refused" in caplog.text
    await place.open()
    async with asyncio.timeout(PATIENCE):
        await registration.wait_registered()
    assert place.ids() == [registration.id]


async def test_a_registry_that_lost_everything_at_a_restart_has_it_again(
    place: House, keep: Keep
) -> None:
    program = await place.open()
    registrations = [await keep(place.url, port=1000 + number) for number in range(5)]
    await program.stop()
    await place.open()
    wanted = sorted(registration.id for registration in registrations)
    await wait_until(lambda: sorted(place.ids()) == wanted)


async def test_a_registry_that_keeps_its_file_finds_its_clients_where_they_were(
    place: House, keep: Keep, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path / 'x.db'}"
    program = await place.open(store=store)
    registration = await keep(place.url)
    await program.stop()
    program = await place.open(store=store)
    revision = program.app.registry.feed.revision
    place.clock.advance(0.5)
    [lease] = program.app.registry.catalogue.after(0)
    await wait_until(lambda: lease.renewed_at == place.clock())
    assert place.ids() == [registration.id]
    # A heartbeat and no registration: nothing has changed.
    assert program.app.registry.feed.revision == revision


async def test_it_moves_to_the_second_address_and_stays_there(
    place: House, second: House, keep: Keep
) -> None:
    program = await place.open()
    await second.open()
    registration = await keep(f"{place.url},{second.url}")
    assert (place.ids(), second.ids()) == ([registration.id], [])
    await program.stop()
    await wait_until(lambda: second.ids() == [registration.id])
    await place.open()
    [lease] = second.program.app.registry.catalogue.after(0)
    second.clock.advance(0.5)
    await wait_until(lambda: lease.renewed_at == second.clock())
    assert place.ids() == []
    await registration.stop()
    assert second.ids() == []


@pytest.mark.parametrize("status", [500, 503, 0], ids=["500", "503", "hangs"])
async def test_an_address_that_fails_or_hangs_is_passed_over(
    place: House, keep: Keep, proxy: Proxy, status: int
) -> None:
    await place.open()
    proxy.status = status
    registration = await keep(f"{proxy.url},{place.url}", timeout=0.5)
    assert place.ids() == [registration.id]
    assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("status", "headers", "text", "told"),
    [
        (200, {}, "<html>log in</html>", "what answers there is no registry"),
        (200, {}, "[1]", "what answers at"),
        (200, {}, '{"id": "x"}', "no instance"),
        (404, {}, "no such page", "what answers there is no registry (status 404)"),
        (302, {"Location": "https://elsewhere/"}, "", "sends us on to https://elsewhere/"),
        (200, {}, json.dumps({**TOLD, "address": []}), "no instance"),
        (200, {}, json.dumps({**TOLD, "port": float("inf")}), "no instance"),
        (503, {"Retry-After": "soon"}, "", "status 503"),
        (503, {"Retry-After": "9" * 400}, "", "status 503"),
        (503, {}, '{"detail": "\\u001b[2J"}', "status 503, ?[2J"),
        (429, {}, '{"detail": "slowly"}', "status 429, slowly"),
    ],
)
async def test_what_answers_without_being_a_registry_is_one_that_is_away(
    proxy: Proxy,
    keep: Keep,
    caplog: pytest.LogCaptureFixture,
    status: int,
    headers: dict[str, str],
    text: str,
    told: str,
) -> None:
    proxy.status, proxy.headers, proxy.text = status, headers, text
    registration = await keep(proxy.url)
    assert not registration.is_registered
    assert told in caplog.text


async def test_what_a_registry_that_is_busy_asks_for_is_waited(
    proxy: Proxy, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.headers = {"Retry-After": "7"}
    await keep(proxy.url, ttl=3)
    [wait] = [float(word) for word in caplog.text.split() if re.fullmatch(r"\d+\.\d", word)]
    assert 7 <= wait <= 8
    assert len(proxy.asked) == 1


async def test_what_is_refused_is_told_at_once_and_leaves_nothing(place: House) -> None:
    await place.open()
    registration = Registration("no such name", port=8080, url=place.url)
    with pytest.raises(Refused, match="service") as caught:
        await registration.start()
    assert (caught.value.status, caught.value.field) == (422, "service")


async def test_what_is_refused_later_is_logged_and_tried_on(
    place: House, keep: Keep, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    program = await place.open()
    proxy.status, proxy.text = 201, json.dumps(await program.register("web-1", ttl=1))
    registration = await keep(proxy.url, id="web-1")
    proxy.status, proxy.text = 403, '{"type": "forbidden", "detail": "the token has expired"}'
    await wait_until(lambda: "refuses web-1: the token has expired" in caplog.text)
    proxy.status, proxy.text = 404, '{"type": "unknown-instance", "detail": "?"}'
    await wait_until(lambda: not registration.is_registered)
    proxy.status, proxy.text = 201, json.dumps(await program.register("web-1", ttl=1))
    async with asyncio.timeout(PATIENCE):
        await registration.wait_registered()


@pytest.mark.parametrize("ttl", ["1e999", "NaN", "9" * 400, "-1", '"9"'])
async def test_a_lease_that_is_none_does_not_end_the_heartbeats(
    proxy: Proxy, keep: Keep, caplog: pytest.LogCaptureFixture, ttl: str
) -> None:
    proxy.status, proxy.text = 200, json.dumps({**TOLD, "ttl": 1})
    await keep(proxy.url)
    proxy.text = f'{{"ttl": {ttl}}}'
    await wait_until(lambda: caplog.text.count("is no registry; trying again") >= 2)


async def test_what_nobody_thought_of_is_logged_and_tried_on(
    place: House, keep: Keep, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.open()
    registration = await keep(place.url)
    with monkeypatch.context() as broken:
        broken.setattr(registration.client, "heartbeat", None)
        await wait_until(lambda: f"to keep {registration.id} registered failed" in caplog.text)
    place.clock.advance(60)
    await wait_until(lambda: place.ids() == [registration.id])


async def test_it_is_started_once(place: House) -> None:
    await place.open()
    registration = Registration("web", port=1, url=place.url, on_sigterm=False)
    await registration.start()
    with pytest.raises(RuntimeError, match="was started before"):
        await registration.start()
    assert place.ids() == [registration.id]
    await registration.stop()
    with pytest.raises(RuntimeError, match="was started before"):
        await registration.start()
    assert place.ids() == []


async def test_a_host_that_dns_has_no_word_of_is_passed_over(
    place: House, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.open()
    get = asyncio.get_running_loop().getaddrinfo

    async def hang(host: str, *given: Any, **named: Any) -> Any:
        if host == "slow.example":
            await asyncio.sleep(3600)
        return await get(host, *given, **named)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", hang)
    async with asyncio.timeout(PATIENCE):
        registration = await keep(f"http://slow.example,{place.url}", timeout=0.3)
    assert place.ids() == [registration.id]


async def test_draining_takes_it_from_the_answers_and_heartbeats_go_on(
    place: House, keep: Keep
) -> None:
    program = await place.open()
    registration = await keep(place.url, drain=0.2)
    await registration.drain()
    assert place.statuses() == ["draining"]
    assert (await program.ask("web.registry.local")).rdatas == []
    # Forgotten and registered again, it is still draining.
    place.clock.advance(60)
    await wait_until(lambda: place.ids() == [registration.id])
    assert place.statuses()[-1] == "draining"


async def test_draining_that_is_asked_for_while_it_registers_is_told(
    keep: Keep, proxy: Proxy
) -> None:
    proxy.status = 0
    kept = Registration("web", port=1, url=proxy.url, id="x", on_sigterm=False)
    starting = asyncio.create_task(kept.start())
    await wait_until(lambda: len(proxy.asked) == 1)
    await kept.drain()
    proxy.status, proxy.text = 200, json.dumps(TOLD)
    proxy.hangs.set()
    await starting
    assert proxy.bodies[-1]["status"] == "draining"
    assert [method for method, _ in proxy.asked] == ["PUT", "PUT"]
    await kept.stop()


async def test_at_the_end_it_drains_for_as_long_as_it_is_told(place: House, keep: Keep) -> None:
    await place.open()
    registration = await keep(place.url, drain=0.3)
    began = asyncio.get_running_loop().time()
    stopping = asyncio.create_task(registration.stop())
    await wait_until(lambda: place.statuses() == ["draining"])
    await stopping
    assert asyncio.get_running_loop().time() - began >= 0.3
    assert place.ids() == []


async def test_a_registry_that_is_gone_at_the_end_holds_nobody_up(
    place: House, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    program = await place.open()
    registration = await keep(place.url, drain=60)
    await program.stop()
    async with asyncio.timeout(PATIENCE):
        await registration.stop()
    assert "could not be deregistered" in caplog.text


async def test_a_registry_that_hangs_at_the_end_holds_nobody_up(keep: Keep, proxy: Proxy) -> None:
    proxy.status = 0
    registration = await keep(proxy.url, timeout=0.2)
    async with asyncio.timeout(PATIENCE):
        await registration.stop()


@pytest.mark.parametrize("drain", [0.0, 0.1])
async def test_the_next_address_is_told_of_the_end_where_the_first_hangs(
    place: House, keep: Keep, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, drain: float
) -> None:
    # Half of it is waited for the one that hangs, half is the other's.
    monkeypatch.setattr("dnsregistry.client.registration.DRAIN_SECONDS", 6.0)
    monkeypatch.setattr("dnsregistry.client.registration.LEAVE_SECONDS", 6.0)
    program = await place.open()
    proxy.status, proxy.text = 201, json.dumps(await program.register("web-1", ttl=60))
    kept = await keep(f"{proxy.url},{place.url}", id="web-1", ttl=60, drain=drain, timeout=PATIENCE)
    proxy.status = 0
    if drain:
        await kept.drain()
        assert place.statuses() == ["draining"]
    await kept.stop()
    assert place.ids() == []


async def test_who_is_stopped_while_it_starts_leaves_nobody_waiting(
    keep: Keep, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.client.registration.LEAVE_SECONDS", 0.05)
    proxy.status = 0
    kept = Registration("web", port=1, url=proxy.url, on_sigterm=False)
    starting = asyncio.create_task(kept.start())
    await wait_until(lambda: len(proxy.asked) == 1)
    await kept.stop()
    async with asyncio.timeout(PATIENCE):
        await starting
    assert not kept.is_registered


async def test_an_answer_that_was_lost_leaves_no_second_instance(place: House, keep: Keep) -> None:
    """The registration arrives, its answer does not: the next one is of the same instance."""
    program = await place.open()
    cut = asyncio.Event()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.read(65536)
        there = await asyncio.open_connection(LOOPBACK, place.port)
        there[1].write(request)
        await there[0].read(65536)
        there[1].close()
        writer.close()
        cut.set()

    port = free_port()
    server = await asyncio.start_server(pass_on, LOOPBACK, port)
    registration = await keep(f"http://{LOOPBACK}:{port},{place.url}")
    await cut.wait()
    assert place.ids() == [registration.id]
    assert len(program.app.registry.catalogue) == 1
    await registration.stop()
    assert place.ids() == []
    server.close()


async def test_a_lease_outlives_an_address_that_hangs(
    place: House, keep: Keep, proxy: Proxy
) -> None:
    """A second for the one that hangs, of the three that the lease lasts: not the usual five."""
    program = await place.open()
    proxy.status, proxy.text = 201, json.dumps(await program.register("web-1", ttl=3))
    await keep(f"{proxy.url},{place.url}", id="web-1", ttl=3)
    proxy.status = 0
    loop = asyncio.get_running_loop()
    await wait_until(lambda: len(proxy.asked) >= 2)
    began = loop.time()
    [lease] = program.app.registry.catalogue.after(0)
    place.clock.advance(1)
    await wait_until(lambda: lease.renewed_at == place.clock())
    assert 0.5 < loop.time() - began < 5


async def test_a_connection_that_the_registry_closed_is_no_failure(
    place: House, keep: Keep, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A restart between two heartbeats is not even noticed."""
    caplog.set_level(logging.WARNING, "dnsregistry.client")
    store = f"sqlite:///{tmp_path / 'x.db'}"
    program = await place.open(store=store)
    await keep(place.url, ttl=6, id="web-1")
    await program.stop()
    program = await place.open(store=store)
    [lease] = program.app.registry.catalogue.after(0)
    place.clock.advance(1)
    await wait_until(lambda: lease.renewed_at == place.clock())
    assert not [record for record in caplog.records if "no registry" in record.message]


async def test_the_local_address_is_that_of_the_route_to_the_registry(ipv6: str) -> None:
    assert await find_local_address("http://127.0.0.1:8053") == "127.0.0.1"
    assert await find_local_address(f"http://[{ipv6}]:8053") == "::1"
    with pytest.raises(RegistryAway, match="has no address"):
        await find_local_address("http://nowhere.invalid")


async def test_of_several_addresses_of_a_host_the_one_that_accepts_counts(
    place: House, ipv6: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.open()
    loop = asyncio.get_running_loop()
    get = loop.getaddrinfo

    async def find_both(host: str, port: int, **named: Any) -> Any:
        hosts = (ipv6, LOOPBACK) if host == "localhost" else (host,)
        return [found for one in hosts for found in await get(one, port, **named)]

    monkeypatch.setattr(loop, "getaddrinfo", find_both)
    assert await find_local_address(f"http://localhost:{place.port}") == LOOPBACK
    assert await find_local_address(f"http://localhost:{free_port()}") == "::1"


@pytest.mark.parametrize(
    ("url", "port"), [("http://two.example", 80), ("https://two.example", 443)]
)
async def test_the_port_that_a_url_leaves_out_is_its_scheme_s(
    monkeypatch: pytest.MonkeyPatch, url: str, port: int
) -> None:
    asked: list[int] = []

    async def find(host: str, port: int, **_: Any) -> Any:
        asked.append(port)
        return []

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", find)
    with pytest.raises(RegistryAway):
        await find_local_address(url)
    assert asked == [port]


async def test_each_registry_is_told_the_address_from_which_it_is_reached(
    start: Start, keep: Keep, ipv6: str
) -> None:
    program = await start(http_host=ipv6)
    others = f"http://127.0.0.1:{free_port()},http://nowhere.invalid"
    registration = await keep(f"{others},{program.url}")
    assert registration.instance is not None
    assert registration.instance.addresses == (ipv6,)
    await registration.stop()


async def test_a_token_and_a_secret_go_along(proxy: Proxy, keep: Keep) -> None:
    with socket.create_server((LOOPBACK, 0)) as sock:
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        port = sock.getsockname()[1]
        url = f"http://{LOOPBACK}:{port}"
        task = asyncio.ensure_future(keep(url, token="t0", owner_secret="s0"))
        connection, _ = await loop.sock_accept(sock)
        request = b""
        while not request.endswith(b"}"):
            request += await loop.sock_recv(connection, 65536)
        connection.close()
        sock.close()
        await task
    assert b"Authorization: Bearer t0\r\n" in request
    assert b"s0" in request
