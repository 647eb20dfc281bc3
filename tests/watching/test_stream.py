"""What a watcher is told, over real connections."""

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector

from dnsregistry.api.watching.event import Event
from tests.cluster.nodes import until
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.program import PATIENCE, Clock, Program
from tests.watching.sse import EventStream, watching


async def _list(program: Program, query: str = "") -> dict[str, Any]:
    async with program.http.get(f"/v1/instances{query}") as response:
        page: dict[str, Any] = await response.json()
        assert int(response.headers["X-Registry-Revision"]) == page["revision"]
        return page


async def _revision(program: Program) -> int:
    return int((await _list(program))["revision"])


async def _told(stream: EventStream, count: int) -> list[tuple[str, str | None]]:
    return [block.told for block in await stream.take(count)]


async def test_each_kind_of_change_is_told_with_the_instance(start: Start) -> None:
    clock = Clock()
    program = await start(clock)
    async with watching(program.http) as stream:
        registered = await program.register("a", metadata={"line": "one\ntwo\r\nthree"})
        first = await stream.next()
        assert (first.event, first.json) == (
            "registered",
            {"revision": registered["revision"], "instance": registered},
        )
        await program.set_status("a", "draining")
        second = await stream.next()
        async with program.http.get("/v1/instances/a") as response:
            assert second.json["instance"] == await response.json()
        assert (second.event, second.json["instance"]["status"]) == ("updated", "draining")
        await program.remove("a")
        third = await stream.next()
        assert third.told == ("removed", "a")
        assert third.json["instance"]["status"] == "draining"
        await program.register("b", ttl=1)
        clock.advance(1)
        assert await _told(stream, 2) == [("registered", "b"), ("expired", "b")]


async def test_a_renewal_is_no_event(program: Program) -> None:
    await program.register("a")
    async with watching(program.http) as stream:
        async with program.http.post("/v1/instances/a/heartbeat") as response:
            assert response.status == 200
        await program.register("a")
        await program.register("b")
        assert (await stream.next()).told == ("registered", "b")


async def test_a_stream_begins_with_its_place_and_a_time_to_come_back(program: Program) -> None:
    revision = (await program.register("a"))["revision"]
    async with watching(program.http) as stream:
        headers = stream.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-store"
        assert int(headers["X-Registry-Revision"]) == revision
        block = await stream.next_block()
        assert (block.revision, block.retry, block.data) == (revision, 2000, [])


@pytest.mark.parametrize("sent", [b"what?\r\n\r\n", b"GET /health HTTP/1.1\r\n\r\n"])
async def test_what_is_no_http_is_told_the_revision_too(program: Program, sent: bytes) -> None:
    revision = (await program.register("a"))["revision"]
    host, _, port = program.url.removeprefix("http://").rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        head, _, _ = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert f"X-Registry-Revision: {revision}".encode() in head.split(b"\r\n")


async def test_since_goes_on_exactly(program: Program) -> None:
    revisions = [(await program.register(f"i{n}"))["revision"] for n in range(5)]
    for place, since in enumerate(revisions):
        async with watching(program.http, f"?since={since}") as stream:
            assert (await stream.next_block()).revision == since
            rest = await stream.take(4 - place)
            assert [block.revision for block in rest] == revisions[place + 1 :]
    async with watching(program.http, f"?since={revisions[-1]}") as stream:
        await program.remove("i0")
        assert (await stream.next()).told == ("removed", "i0")


async def test_last_event_id_counts_before_since(program: Program) -> None:
    before = await _revision(program)
    revisions = [(await program.register(f"i{n}"))["revision"] for n in range(3)]
    query, last = f"?since={before}", str(revisions[1])
    async with watching(program.http, query, Last_Event_ID=last) as stream:
        assert (await stream.next()).told == ("registered", "i2")


async def test_a_client_that_comes_back_misses_nothing(program: Program) -> None:
    stop = asyncio.Event()

    async def write() -> int:
        count = 0
        while not stop.is_set():
            await program.register(f"i{count}")
            count += 1
        return count

    writer = asyncio.create_task(write())
    seen: list[str | None] = []
    last = str(await _revision(program))
    page = await _list(program)
    held = [instance["id"] for instance in page["instances"]]
    last = str(page["revision"])
    for _ in range(10):
        async with watching(program.http, Last_Event_ID=last) as stream:
            seen += [identity for _, identity in await _told(stream, 7)]
            last = stream.last_id
    stop.set()
    count = await writer
    expected = [f"i{n}" for n in range(count)]
    assert held + seen == expected[: len(held) + 70]


@pytest.mark.parametrize("store", ["memory://", "sqlite:///{folder}/registry.db"])
async def test_a_revision_of_an_earlier_life_is_answered_by_a_reset(
    start: Start, tmp_path: Path, store: str
) -> None:
    """Also where the new life has come past it."""
    url = store.format(folder=tmp_path)
    clock = Clock()
    program = await start(clock, store=url)
    revisions = [(await program.register(f"i{n}"))["revision"] for n in range(3)]
    await program.stop()
    clock.advance(1)
    again = await start(clock, store=url)
    last = [(await again.register(f"j{n}"))["revision"] for n in range(6)][-1]
    for since in (0, *revisions):
        async with watching(again.http, f"?since={since}") as stream:
            block = await stream.next()
            assert (block.event, block.json) == ("reset", {"revision": last, "instance": None})


async def test_a_revision_to_come_is_answered_by_a_reset(program: Program) -> None:
    now = (await program.register("a"))["revision"]
    async with watching(program.http, f"?since={now + 1}") as stream:
        block = await stream.next()
        assert (block.event, block.revision) == ("reset", now)
        await program.register("b")
        assert (await stream.next()).told == ("registered", "b")


async def test_an_event_id_that_is_none_of_ours_is_answered_by_a_reset(program: Program) -> None:
    async with watching(program.http, Last_Event_ID="c0ffee-1") as stream:
        assert (await stream.next()).event == "reset"


async def test_what_the_history_has_forgotten_is_answered_by_a_reset(start: Start) -> None:
    program = await start(watch_history=3)
    revisions = [(await program.register(f"i{n}"))["revision"] for n in range(6)]
    async with watching(program.http, f"?since={revisions[1]}") as stream:
        block = await stream.next()
        assert (block.event, block.revision) == ("reset", revisions[-1])
    async with watching(program.http, f"?since={revisions[2]}") as stream:
        assert await _told(stream, 3) == [("registered", f"i{n}") for n in (3, 4, 5)]


async def test_a_watcher_of_a_service_is_told_of_it_alone(program: Program) -> None:
    before = await _revision(program)
    async with watching(program.http, "?service=Web") as live:
        await program.register("a", service="web")
        await program.register("b", service="api")
        await program.register("c", service="web")
        assert await _told(live, 2) == [("registered", "a"), ("registered", "c")]
    async with watching(program.http, f"?service=web&since={before}") as stream:
        assert await _told(stream, 2) == [("registered", "a"), ("registered", "c")]


async def test_moving_to_another_service_is_leaving_one_and_coming_to_the_other(
    program: Program,
) -> None:
    await program.register("a", service="web")
    async with (
        watching(program.http, "?service=web") as left,
        watching(program.http, "?service=api") as entered,
        watching(program.http) as everything,
    ):
        moved = await program.register("a", service="api")
        gone, came, updated = [await s.next() for s in (left, entered, everything)]
        assert (gone.event, gone.json["instance"]["service"]) == ("removed", "web")
        assert (came.event, came.json["instance"]) == ("registered", moved)
        assert (updated.event, updated.json["instance"]) == ("updated", moved)
        assert {gone.revision, came.revision, updated.revision} == {moved["revision"]}


async def test_a_quiet_stream_has_heartbeats_that_keep_its_place(start: Start) -> None:
    program = await start(watch_heartbeat=0.1, watch_history=2)
    async with watching(program.http, "?service=quiet") as stream:
        await stream.next_block()
        revisions = [(await program.register(f"i{n}"))["revision"] for n in range(6)]
        while int(stream.last_id) < revisions[-1]:
            block = await stream.next_block()
            assert (block.data, block.comments) == ([], 1)
    # Other services have pushed everything out of the history, and yet nothing was missed.
    async with watching(program.http, "?service=quiet", Last_Event_ID=stream.last_id) as stream:
        await program.register("q", service="quiet")
        assert (await stream.next()).told == ("registered", "q")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?since=-1", "since"),
        ("?since=now", "since"),
        ("?since=9999999999999999999", "since"),
        ("?services=web", "services"),
        ("?since=1&since=2", "since"),
    ],
)
async def test_a_wrong_parameter_is_named(program: Program, query: str, field: str) -> None:
    async with program.http.get(f"/v1/watch{query}") as response:
        told = await response.json()
        assert (response.status, told["type"], told["field"]) == (400, "invalid-query", field)


async def test_head_tells_what_would_come_and_is_over(program: Program) -> None:
    async with program.http.head("/v1/watch") as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
    assert program.app.watching.tally.streams == 0


async def test_a_client_of_http_1_0_gets_plain_blocks(program: Program) -> None:
    reader, writer = await asyncio.open_connection(*_address(program))
    writer.write(b"GET /v1/watch HTTP/1.0\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"chunked" not in head
        assert (await reader.readuntil(b"\n\n")).startswith(b"retry: ")
        await program.register("a")
        assert (await reader.readuntil(b"\n\n")).startswith(b"id: ")
    writer.close()
    await writer.wait_closed()


async def test_streams_are_bounded_in_all_and_of_a_client(start: Start) -> None:
    program = await start(watch_streams=3, watch_streams_per_client=2)
    async with watching(program.http), watching(program.http):
        async with program.http.get("/v1/watch") as response:
            assert (response.status, (await response.json())["type"]) == (429, "too-many-of-client")
            assert int(response.headers["Retry-After"]) > 0
        async with program.http.get("/v1/instances?wait=1s") as response:
            assert response.status == 429
    await _until_gone(program)
    async with watching(program.http):
        pass
    small = await start(watch_streams=1)
    async with watching(small.http), small.http.get("/v1/watch") as response:
        assert (response.status, (await response.json())["type"]) == (503, "too-many-watchers")
        assert int(response.headers["Retry-After"]) > 0
    assert small.app.watching.tally.refused == 1


async def test_a_client_that_goes_leaves_nothing_behind(program: Program) -> None:
    async with watching(program.http, "?service=web"), watching(program.http) as stream:
        await stream.next_block()
        assert program.app.watching.tally.streams == 2
        stream.response.close()
    await _until_gone(program)
    assert program.app.watching.seats.taken == 0


async def test_a_stop_ends_streams_and_waits_at_once(start: Start) -> None:
    program = await start()
    async with watching(program.http) as stream:
        await stream.next_block()
        waiting = asyncio.create_task(_wait_whole(program))
        await until(lambda: program.app.watching.tally.waiting)
        began = time.monotonic()
        await program.app.stop()
        with pytest.raises(EOFError):
            await stream.next()
        assert await waiting == 200
    assert time.monotonic() - began < 4.5


async def test_every_answer_tells_a_revision(program: Program) -> None:
    async def told(method: str, path: str, status: int, body: object = None) -> int:
        async with program.http.request(method, path, json=body) as response:
            assert response.status == status, await response.text()
            return int(response.headers["X-Registry-Revision"])

    one = {"service": "web", "address": "10.0.0.1", "port": 80}
    first = await told("PUT", "/v1/instances/a", 201, one)
    for method, path, status, body in (
        ("GET", "/v1/instances", 200, None),
        ("GET", "/v1/instances/a", 200, None),
        ("GET", "/v1/services", 200, None),
        ("GET", "/v1/services/web", 200, None),
        ("GET", "/v1/services/none", 404, None),
        ("GET", "/v1/nothing", 404, None),
        ("PATCH", "/v1/instances", 405, None),
        ("POST", "/v1/instances/a/heartbeat", 200, None),
        ("POST", "/v1/heartbeats", 422, {}),
        ("GET", "/v1/stats", 200, None),
        ("GET", "/v1/watch?since=x", 400, None),
        ("GET", "/health", 200, None),
    ):
        assert await told(method, path, status, body) == first
    assert await told("PUT", "/v1/instances/a/status", 200, {"status": "draining"}) > first
    assert await told("POST", "/v1/instances", 201, [one, one]) == first + 3
    assert await told("DELETE", "/v1/instances/a", 204) == first + 4


async def test_watching_is_in_the_metrics(program: Program) -> None:
    async with watching(program.http) as stream:
        await stream.next_block()
        await program.register("a")
        await stream.next()
        async with program.http.get("/metrics") as response:
            text = await response.text()
        async with program.http.get("/v1/stats") as response:
            assert (await response.json())["watch"]["remembered"] == 1
    for line in (
        'dnsregistry_watch_clients{kind="stream"} 1.0',
        'dnsregistry_watch_clients{kind="wait"} 0.0',
        "dnsregistry_watch_events_total 1.0",
        "dnsregistry_watch_resets_total 0.0",
        "dnsregistry_watch_cut_total 0.0",
        "dnsregistry_watch_remembered 1.0",
    ):
        assert line in text.splitlines()


async def test_an_error_of_ours_is_a_reset_and_not_the_end(
    program: Program, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sender = program.app.watching._sender
    write = sender._write

    def fail(event: Event) -> bytes:
        monkeypatch.setattr(sender, "_write", write)
        raise RuntimeError("not today")

    async with watching(program.http) as stream, watching(program.http, "?service=web") as other:
        await program.register("a", service="web")
        assert [(await s.next()).told for s in (stream, other)] == [("registered", "a")] * 2
        monkeypatch.setattr(sender, "_write", fail)
        revision = (await program.register("b"))["revision"]
        for each in (stream, other):
            block = await each.next()
            assert (block.event, block.revision) == ("reset", revision)
        await program.register("c", service="web")
        assert [(await s.next()).told for s in (stream, other)] == [("registered", "c")] * 2
    assert program.app.watching.tally.errors == 1
    assert "not today" in caplog.text


async def test_a_stream_goes_over_tls_as_well(start: Start, tmp_path: Path) -> None:
    program = await start(tls_cert=make_certificate(tmp_path, "test"))
    trusted = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    url = f"https://127.0.0.1:{program.https_port}"
    async with (
        ClientSession(url, connector=TCPConnector(ssl=trusted)) as http,
        watching(http) as stream,
    ):
        for number in range(50):
            await program.register("a", port=number + 1)
        assert [block.json["instance"]["port"] for block in await stream.take(50)] == list(
            range(1, 51)
        )


async def _wait_whole(program: Program) -> int:
    async with program.http.get("/v1/instances?wait=10m") as response:
        return response.status


async def _until_gone(program: Program) -> None:
    watching_ = program.app.watching
    await until(lambda: not watching_.tally.streams and not watching_.seats.taken)


def _address(program: Program) -> tuple[str, int]:
    host, _, port = program.url.removeprefix("http://").rpartition(":")
    return host, int(port)
