"""Conditional requests: tags, and writes that expect a revision."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from dnsregistry.api.context import Api
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]
MakeApi = Callable[..., Api]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
ONE = "/v1/instances/a"
LISTS = ("/v1/instances", "/v1/instances?tag=v1", "/v1/services", "/v1/services/web")


async def _tag(client: ClientSession, path: str, *, method: str = "GET") -> str:
    async with client.request(method, path) as response:
        assert response.status == 200
        assert response.headers["Cache-Control"] == "no-cache"
        tag = response.headers["ETag"]
        assert tag.startswith('W/"')
        return tag


async def _is_known(client: ClientSession, path: str, tag: str, *, method: str = "GET") -> bool:
    async with client.request(method, path, headers={"If-None-Match": tag}) as response:
        if response.status == 304:
            assert await response.read() == b""
            assert response.headers["Cache-Control"] == "no-cache"
            assert tag == "*" or response.headers["ETag"].removeprefix("W/") in tag
        return response.status == 304


async def test_a_tag_changes_with_each_change_and_with_no_heartbeat(
    ask: Ask, client: ClientSession, clock: SimpleNamespace
) -> None:
    await ask("PUT", ONE, LEAST)
    tags = [await _tag(client, ONE)]
    clock.now += 1
    await ask("POST", f"{ONE}/heartbeat")
    await ask("PUT", ONE, LEAST)
    await ask("PUT", "/v1/instances/b", LEAST)
    assert await _tag(client, ONE) == tags[0]
    assert await _is_known(client, ONE, tags[0])
    for change in ({"port": 81}, {"metadata": {"k": 1}}, {"tags": ["v1"]}, {}):
        await ask("PUT", ONE, {**LEAST, **change})
        tags.append(await _tag(client, ONE))
    await ask("PUT", f"{ONE}/status", {"status": "draining"})
    tags.append(await _tag(client, ONE, method="HEAD"))
    await ask("DELETE", ONE)
    await ask("PUT", ONE, LEAST)
    tags.append(await _tag(client, ONE))
    assert len(set(tags)) == len(tags)
    for tag in tags[:-1]:
        assert not await _is_known(client, ONE, tag)


@pytest.mark.parametrize("path", [ONE, *LISTS])
async def test_who_holds_what_a_tag_names_is_told_so(
    ask: Ask, client: ClientSession, path: str
) -> None:
    await ask("PUT", ONE, {**LEAST, "tags": ["v1"]})
    tag = await _tag(client, path)
    assert await _tag(client, path, method="HEAD") == tag
    for held in (tag, tag.removeprefix("W/"), f'"x", {tag}', f'{tag},W/"y"', "*"):
        for method in ("GET", "HEAD"):
            assert await _is_known(client, path, held, method=method)
    for held in ('"x"', '""', 'W/"1"', '"x", "y"'):
        assert not await _is_known(client, path, held)
    for held in ("x", tag[2:-1], '"x" "y"', '*, "x"', '"x', "w/" + tag[2:], ""):
        status, body = await ask("GET", path, headers={"If-None-Match": held})
        assert (status, body["type"], body["field"]) == (400, "invalid-header", "If-None-Match")


@pytest.mark.parametrize("path", LISTS)
async def test_the_tag_of_a_list_changes_with_what_is_on_it(
    ask: Ask, client: ClientSession, clock: SimpleNamespace, path: str
) -> None:
    fields = {**LEAST, "tags": ["v1"]}
    await ask("PUT", ONE, fields)
    tags = [await _tag(client, path)]
    await ask("PUT", "/v1/instances/b", {**fields, "ttl": 20})
    tags.append(await _tag(client, path))
    clock.now += 15
    await ask("POST", f"{ONE}/heartbeat")
    assert await _is_known(client, path, tags[-1])
    clock.now += 5
    # Past its deadline and not swept yet: no revision tells of it.
    tags.append(await _tag(client, path))
    await ask("PUT", "/v1/instances/c", fields)
    tags.append(await _tag(client, path))
    await ask("PUT", f"{ONE}/status", {"status": "draining"})
    tags.append(await _tag(client, path))
    assert all(tag != after for tag, after in pairwise(tags))


async def test_the_tag_of_a_list_stays_while_others_change(ask: Ask, client: ClientSession) -> None:
    await ask("PUT", ONE, LEAST)
    paths = ("/v1/instances?service=web", "/v1/services/web", "/v1/services?prefix=w")
    tags = [await _tag(client, path) for path in paths]
    await ask("PUT", "/v1/instances/b", {**LEAST, "service": "db"})
    assert [await _tag(client, path) for path in paths] == tags


async def test_no_tag_of_an_earlier_run_is_taken_for_one_of_this(
    make_api: MakeApi, serve: Serve
) -> None:
    """A store without memory counts from the start: its numbers mean other things each time."""
    tags: list[list[str]] = []
    for port in (80, 81):
        registry = Registry()
        api = make_api(registry=registry)
        async with serve(api) as url, ClientSession(url) as client:
            async with client.put(ONE, json={**LEAST, "port": port}) as response:
                assert (await response.json())["revision"] == 1
            if tags:
                for path, tag in zip((ONE, *LISTS), tags[0], strict=True):
                    assert not await _is_known(client, path, tag)
                headers = {"If-Match": tags[0][0]}
                async with client.delete(ONE, headers=headers) as response:
                    assert response.status == 412
            tags.append([await _tag(client, path) for path in (ONE, *LISTS)])


async def test_a_write_is_made_of_the_revision_that_it_expects(
    ask: Ask, client: ClientSession
) -> None:
    _, body = await ask("PUT", ONE, LEAST)
    for number in range(5):
        tag, revision = await _tag(client, ONE), body["revision"]
        forms = (tag, tag.removeprefix("W/"), f'"{revision}"', f'"x", W/"{revision}"', "*")
        headers = {"If-Match": forms[number]}
        status, body = await ask("PUT", ONE, {**LEAST, "port": 1000 + number}, headers=headers)
        assert (status, body["port"]) == (200, 1000 + number)
    headers = {"If-Match": await _tag(client, ONE)}
    status, body = await ask("PUT", f"{ONE}/status", {"status": "draining"}, headers=headers)
    assert (status, body["status"]) == (200, "draining")
    assert (await ask("DELETE", ONE, headers=headers))[0] == 412
    headers = {"If-Match": await _tag(client, ONE)}
    assert (await ask("DELETE", ONE, headers=headers))[0] == 204


async def test_a_write_that_expects_something_else_is_refused_with_the_revision_that_is(
    ask: Ask, client: ClientSession
) -> None:
    await ask("PUT", ONE, LEAST)
    old = await _tag(client, ONE)
    _, held = await ask("PUT", ONE, {**LEAST, "port": 81})
    revision = held["revision"]
    for headers in (
        {"If-Match": old},
        {"If-Match": f'"{revision - 1}"'},
        {"If-Match": f'"{revision}-other"'},
        {"If-Match": f'"0{"9" * 30}"'},
        {"If-Match": '"anything", ""'},
    ):
        for method, path, given in (
            ("PUT", ONE, {**LEAST, "port": 82}),
            ("PUT", ONE, {**LEAST, "port": 81}),
            ("PUT", f"{ONE}/status", {"status": "draining"}),
            ("DELETE", ONE, None),
        ):
            status, body = await ask(method, path, given, headers=headers)
            assert (status, body["type"]) == (412, "precondition-failed")
            assert body["revision"] == revision
            assert str(revision) in body["detail"]
    assert await ask("GET", ONE) == (200, held)


async def test_a_registration_can_be_made_to_replace_nothing(ask: Ask) -> None:
    headers = {"If-None-Match": "*"}
    status, first = await ask("PUT", ONE, LEAST, headers=headers)
    assert status == 201
    status, body = await ask("PUT", "/v1/instances/A", LEAST, headers=headers)
    assert (status, body["type"], body["revision"]) == (412, "precondition-failed", 1)
    assert await ask("GET", ONE) == (200, first)


async def test_of_many_that_would_create_one_does(ask: Ask) -> None:
    headers = {"If-None-Match": "*"}
    answers = await asyncio.gather(
        *(ask("PUT", ONE, {**LEAST, "port": 80 + n}, headers=headers) for n in range(20))
    )
    statuses = sorted(status for status, _ in answers)
    assert statuses == [201, *[412] * 19]


async def test_what_is_not_there_meets_no_expectation(ask: Ask) -> None:
    for value in ("*", '"1"'):
        headers = {"If-Match": value}
        status, body = await ask("PUT", ONE, LEAST, headers=headers)
        assert (status, body["type"], body["revision"]) == (412, "precondition-failed", None)
        for method, path, given in (
            ("PUT", f"{ONE}/status", {"status": "draining"}),
            ("DELETE", ONE, None),
        ):
            status, body = await ask(method, path, given, headers=headers)
            assert (status, body["type"]) == (404, "unknown-instance")


@pytest.mark.parametrize(
    ("method", "path", "headers", "field"),
    [
        ("PUT", ONE, {"If-Match": "7"}, "If-Match"),
        ("PUT", ONE, {"If-Match": ""}, "If-Match"),
        ("PUT", ONE, {"If-Match": '"7" "8"'}, "If-Match"),
        ("PUT", ONE, {"If-Match": '"7"' + " ," * 2000 + "7"}, "If-Match"),
        ("PUT", ONE, {"If-None-Match": '"7"'}, "If-None-Match"),
        ("PUT", ONE, {"If-None-Match": "*", "If-Match": '"7"'}, "If-None-Match"),
        ("PUT", f"{ONE}/status", {"If-None-Match": "*"}, "If-None-Match"),
        ("DELETE", ONE, {"If-None-Match": "*"}, "If-None-Match"),
        ("POST", "/v1/instances", {"If-None-Match": "*"}, "If-None-Match"),
        ("POST", "/v1/instances", {"If-Match": '"7"'}, "If-Match"),
        ("POST", f"{ONE}/heartbeat", {"If-Match": '"7"'}, "If-Match"),
        ("POST", f"{ONE}/heartbeat", {"If-None-Match": "*"}, "If-None-Match"),
        ("POST", "/v1/heartbeats", {"If-Match": '"7"'}, "If-Match"),
    ],
)
async def test_a_condition_that_cannot_be_kept_is_refused_by_its_name(
    ask: Ask, method: str, path: str, headers: dict[str, str], field: str
) -> None:
    await ask("PUT", ONE, LEAST)
    given = {"status": "draining"} if path.endswith("status") else {**LEAST, "port": 82}
    status, body = await ask(method, path, given, headers=headers)
    assert (status, body["type"], body["field"]) == (400, "invalid-header", field)
    status, body = await ask("GET", "/v1/instances")
    assert [(one["id"], one["port"]) for one in body["instances"]] == [("a", 80)]


async def test_two_headers_of_one_name_are_one_list(ask: Ask, client: ClientSession) -> None:
    await ask("PUT", ONE, LEAST)
    headers = [("If-Match", '"7"'), ("If-Match", '"1"')]
    assert (await ask("DELETE", ONE, headers=headers))[0] == 204


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", ONE), ("PUT", ONE), ("DELETE", ONE), ("PUT", f"{ONE}/status")],
)
async def test_a_parameter_of_a_request_that_takes_none_is_named(
    ask: Ask, method: str, path: str
) -> None:
    await ask("PUT", ONE, LEAST)
    status, body = await ask(method, f"{path}?ttl=5", {"status": "draining"})
    assert (status, body["type"], body["field"]) == (400, "invalid-query", "ttl")
    assert (await ask("GET", ONE))[0] == 200
