"""Reads that wait until what they read changes."""

import asyncio
import time
from typing import Any

import pytest

from tests.cluster.nodes import until
from tests.conftest import Start
from tests.program import PATIENCE, Program

LONG = "10m"
"""Never waited for to its end."""


async def _read(program: Program, path: str) -> tuple[int, int, Any]:
    """Status, revision and body."""
    async with program.http.get(path) as response:
        revision = int(response.headers["X-Registry-Revision"])
        return response.status, revision, await response.json()


async def _begin(program: Program, path: str) -> "asyncio.Task[tuple[int, int, Any]]":
    """A read that waits by now."""
    before = program.app.watching.tally.waiting
    task = asyncio.create_task(_read(program, path))
    await until(lambda: program.app.watching.tally.waiting > before or task.done())
    assert not task.done(), task.result()
    return task


async def _end(task: "asyncio.Task[tuple[int, int, Any]]") -> tuple[int, int, Any]:
    async with asyncio.timeout(PATIENCE):
        return await task


@pytest.mark.parametrize(
    "path", ["/v1/services/web?", "/v1/instances?service=web&", "/v1/services?", "/v1/instances?"]
)
async def test_a_read_waits_for_a_change_after_the_revision(program: Program, path: str) -> None:
    since = (await program.register("a", service="web"))["revision"]
    task = await _begin(program, f"{path}wait={LONG}&since={since}")
    changed = (await program.register("b", service="web"))["revision"]
    status, revision, body = await _end(task)
    assert (status, revision, body["revision"]) == (200, changed, changed)
    # What has changed since then is told at once, and then it is waited again.
    assert (await _read(program, f"{path}wait={LONG}&since={since}"))[2] == body
    task = await _begin(program, f"{path}wait={LONG}&since={revision}")
    await program.remove("a")
    assert (await _end(task))[1] == changed + 1


async def test_without_a_revision_it_waits_for_the_next_change(program: Program) -> None:
    await program.register("a", service="web")
    task = await _begin(program, f"/v1/services/web?wait={LONG}")
    await program.set_status("a", "draining")
    assert (await _end(task))[2]["instances"][0]["status"] == "draining"


async def test_the_end_of_the_time_tells_the_same_again(program: Program) -> None:
    since = (await program.register("a", service="web"))["revision"]
    before = await _read(program, "/v1/services/web")
    began = time.monotonic()
    assert await _read(program, f"/v1/services/web?wait=200ms&since={since}") == before
    assert time.monotonic() - began >= 0.2


async def test_only_the_readers_of_the_service_are_woken(program: Program) -> None:
    since = (await program.register("a", service="web"))["revision"]
    others = [
        await _begin(program, f"/v1/services/{name}?wait={LONG}&since={since}")
        for name in ("api", "db")
    ]
    task = await _begin(program, f"/v1/services/web?wait={LONG}&since={since}")
    await program.register("b", service="web")
    await _end(task)
    assert program.app.watching.tally.waiting == 2
    assert not any(other.done() for other in others)
    for number, name in enumerate(("api", "db")):
        await program.register(f"c{number}", service=name)
    assert [(await _end(other))[0] for other in others] == [200, 200]


async def test_a_service_that_is_not_there_is_waited_for(program: Program) -> None:
    task = await _begin(program, f"/v1/services/New?wait={LONG}")
    await program.register("a", service="new")
    status, revision, body = await _end(task)
    assert (status, body["name"], body["count"]) == (200, "new", 1)
    # It goes: that is a change too, told as what it is, with the revision to go on from.
    task = await _begin(program, f"/v1/services/new?wait={LONG}&since={revision}")
    await program.remove("a")
    status, revision, body = await _end(task)
    assert (status, body["type"]) == (404, "unknown-service")
    task = await _begin(program, f"/v1/services/new?wait={LONG}&since={revision}")
    await program.register("a", service="new")
    assert (await _end(task))[0] == 200


async def test_one_that_never_comes_is_unknown_at_the_end_of_the_time(program: Program) -> None:
    status, _, body = await _read(program, "/v1/services/none?wait=50ms")
    assert (status, body["type"]) == (404, "unknown-service")


async def test_what_nobody_can_know_is_answered_at_once(start: Start) -> None:
    program = await start(watch_history=2)
    old = (await program.register("a", service="web"))["revision"]
    for number in range(4):
        last = await program.register(f"b{number}", service="api")
    for since in (0, old, last["revision"] + 10):
        status, revision, _ = await _read(program, f"/v1/services/web?wait={LONG}&since={since}")
        assert (status, revision) == (200, last["revision"])


async def test_no_change_is_missed_between_two_reads(program: Program) -> None:
    """A chain of reads that wait sees the last of every change, however they fall."""
    revision = (await program.register("a", service="web", port=1))["revision"]
    seen = [1]

    async def follow() -> None:
        since = revision
        while seen[-1] != 60:
            _, since, body = await _read(program, f"/v1/services/web?wait={LONG}&since={since}")
            seen.append(body["instances"][0]["port"])

    task = asyncio.create_task(follow())
    for port in range(2, 61):
        await program.register("a", service="web", port=port)
    async with asyncio.timeout(PATIENCE):
        await task
    assert seen == sorted(set(seen))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("wait=soon", "wait"),
        ("wait=11m", "wait"),
        ("wait=1h", "wait"),
        ("wait=-1", "wait"),
        ("wait=1e3", "wait"),
        ("wait=5 s", "wait"),
        ("wait=٣", "wait"),
        ("wait=1s&since=x", "since"),
        ("since=5", "since"),
    ],
)
async def test_a_wrong_parameter_is_named(program: Program, query: str, field: str) -> None:
    for path in ("/v1/services/web", "/v1/services", "/v1/instances"):
        status, _, body = await _read(program, f"{path}?{query}")
        assert (status, body["type"], body["field"]) == (400, "invalid-query", field)


@pytest.mark.parametrize("wait", ["0", "1ms", "0.001", "0.00001m", "1.5ms"])
async def test_durations_are_read_in_each_of_their_forms(program: Program, wait: str) -> None:
    await program.register("a", service="web")
    assert (await _read(program, f"/v1/services/web?wait={wait}"))[0] == 200


async def test_a_client_that_goes_waits_no_more(program: Program) -> None:
    task = await _begin(program, f"/v1/services/web?wait={LONG}")
    task.cancel()
    watching = program.app.watching
    await until(lambda: not watching.seats.taken and not watching.tally.waiting)
