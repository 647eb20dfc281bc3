"""Who may do what: every route of the router with every kind of caller, and what the logs hold."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError
from aiohttp.web import AbstractResource
from structlog.testing import capture_logs

from tests.conftest import Start
from tests.program import PATIENCE, Program

SECRET = "an-owners-secret-of-the-tests"
WRONG = "another-secret-of-the-tests"
CALLERS: Mapping[str, Mapping[str, str]] = {
    "nobody": {},
    "reader": {"token": "reader"},
    "other": {"token": "other"},
    "writer": {"token": "writer"},
    "admin": {"token": "chief"},
    "owner": {"token": "writer", "secret": SECRET},
    "wrong owner": {"token": "writer", "secret": WRONG},
}
ORDER = tuple(CALLERS)
BODY = {"service": "user-service", "address": "10.0.0.1", "port": 81}

#                  nobody reader other writer admin owner wrong
ALL = (0, 0, 0, 0, 0, 0, 0)
"""Whatever the answer is, nobody is turned away."""
READ = (401, 0, 403, 403, 0, 403, 403)
WRITE = (401, 403, 403, 0, 0, 0, 0)
OWNED = (401, 403, 403, 403, 0, 0, 403)

ROUTES: Mapping[tuple[str, str], tuple[int, ...]] = {
    ("POST", "/v1/instances/{id}/heartbeat"): OWNED,
    ("POST", "/v1/instances"): OWNED,
    ("GET", "/v1/instances"): READ,
    ("PUT", "/v1/instances/{id}"): OWNED,
    ("GET", "/v1/instances/{id}"): READ,
    ("DELETE", "/v1/instances/{id}"): OWNED,
    ("PUT", "/v1/instances/{id}/status"): OWNED,
    # Each of its ids is judged alone: see the test of that.
    ("POST", "/v1/heartbeats"): (401, 403, 0, 0, 0, 0, 0),
    ("GET", "/v1/services"): READ,
    ("GET", "/v1/services/{name}"): READ,
    ("GET", "/v1/instances/{id}/checks"): READ,
    ("GET", "/v1/services/{name}/health"): READ,
    ("DELETE", "/v1/services/{name}/guard"): WRITE,
    ("GET", "/v1/watch"): READ,
    ("GET", "/v1/dns/explain"): READ,
    ("GET", "/v1/stats"): READ,
    ("GET", "/health"): ALL,
    ("GET", "/ready"): ALL,
    ("GET", "/metrics"): READ,
    ("GET", "/openapi.json"): ALL,
    ("GET", "/docs"): ALL,
    ("GET", "/docs/{file}"): ALL,
    ("GET", "/"): ALL,
    ("GET", "/dashboard/{file}"): ALL,
    ("GET", "/dashboard/views/{file}"): ALL,
    ("GET", "/dashboard/vendor/{file}"): ALL,
    ("GET", "/dns-query"): ALL,
    ("POST", "/dns-query"): ALL,
}
BODIES: Mapping[tuple[str, str], object] = {
    ("POST", "/v1/instances"): {**BODY, "id": "i1"},
    ("PUT", "/v1/instances/{id}"): BODY,
    ("PUT", "/v1/instances/{id}/status"): {"status": "draining"},
    ("POST", "/v1/heartbeats"): {"ids": ["i1"]},
}


@pytest.fixture
async def guarded(start: Start, tokens: Mapping[str, str], tokens_file: Path) -> Program:
    return await start(tokens_file=tokens_file, audit="all")


def _headers(tokens: Mapping[str, str], caller: str) -> dict[str, str]:
    given = CALLERS[caller]
    headers = {}
    if "token" in given:
        headers["Authorization"] = f"Bearer {tokens[given['token']]}"
    if "secret" in given:
        headers["X-Registry-Owner"] = given["secret"]
    return headers


async def _put(program: Program, tokens: Mapping[str, str], **fields: object) -> None:
    body = {**BODY, "port": 80, "owner_secret": SECRET, **fields}
    headers = _headers(tokens, "admin")
    async with program.http.put("/v1/instances/i1", json=body, headers=headers) as response:
        assert response.status in (200, 201), await response.text()


def _list_routes(program: Program) -> set[tuple[str, str]]:
    return {
        (method, resource.canonical)
        for method, resource in program.app.routes
        if isinstance(resource, AbstractResource)
    }


def _expect(method: str, path: str) -> tuple[int, ...]:
    return ROUTES["GET" if method == "HEAD" else method, path]


async def test_every_route_is_open_to_those_whom_the_table_names(
    guarded: Program, tokens: Mapping[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    routes = _list_routes(guarded)
    missing = {(m, p) for m, p in routes if ("GET" if m == "HEAD" else m, p) not in ROUTES}
    assert not missing, "each route says here who may call it"
    heard: list[str] = []
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        for method, path in sorted(routes):
            for caller, status in zip(ORDER, _expect(method, path), strict=True):
                await _put(guarded, tokens)
                url = path.format(id="i1", name="user-service", file="docs.js")
                body, headers = BODIES.get((method, path)), _headers(tokens, caller)
                async with guarded.http.request(
                    method, url, json=body, headers=headers
                ) as response:
                    # Watching has no end.
                    ends = path != "/v1/watch" or response.status != 200
                    heard.append(await response.text() if ends else "")
                    case = (method, path, caller, heard[-1])
                    if status:
                        assert response.status == status, case
                    else:
                        assert response.status not in (401, 403), case
                        assert response.status < 500, case
                    if response.status == 401:
                        assert response.headers["WWW-Authenticate"].startswith("Bearer"), case
    told = "\n".join((*map(str, logs), caplog.text, *heard))
    for hidden in (*tokens.values(), SECRET, WRONG):
        assert hidden not in told
    assert any(line["event"] == "register" for line in logs)


async def _ask(
    program: Program, tokens: Mapping[str, str], caller: str, method: str, url: str, body: object
) -> tuple[int, Any]:
    headers = _headers(tokens, caller)
    async with program.http.request(method, url, json=body, headers=headers) as response:
        return response.status, await response.json()


async def test_what_is_missing_is_told(guarded: Program, tokens: Mapping[str, str]) -> None:
    await _put(guarded, tokens)
    ask = guarded, tokens
    status, problem = await _ask(*ask, "nobody", "GET", "/v1/instances", None)
    assert (status, problem["type"]) == (401, "unauthenticated")
    status, problem = await _ask(*ask, "writer", "GET", "/v1/instances", None)
    assert (problem["type"], problem["detail"]) == ("missing-scope", "the scope read is missing")
    status, problem = await _ask(*ask, "other", "PUT", "/v1/instances/i2", BODY)
    assert problem["field"] == "service"
    assert problem["detail"] == "service: the scope write:user-service is missing"
    status, problem = await _ask(*ask, "writer", "DELETE", "/v1/instances/i1", None)
    assert (problem["type"], SECRET in str(problem)) == ("not-owner", False)


async def test_moving_an_instance_between_services_needs_both(
    guarded: Program, tokens: Mapping[str, str]
) -> None:
    await _put(guarded, tokens, owner_secret=None)
    moved = {**BODY, "service": "other-service"}
    for caller in ("writer", "other"):
        status, problem = await _ask(guarded, tokens, caller, "PUT", "/v1/instances/i1", moved)
        assert (status, problem["type"]) == (403, "missing-scope"), caller
    assert (await _ask(guarded, tokens, "admin", "PUT", "/v1/instances/i1", moved))[0] == 200


async def test_an_array_with_one_element_that_is_not_allowed_leaves_nothing(
    guarded: Program, tokens: Mapping[str, str]
) -> None:
    await _put(guarded, tokens)
    rest = [{**BODY, "id": f"n{number}"} for number in range(3)]
    for bad in ({**BODY, "id": "x", "service": "db"}, {**BODY, "id": "i1"}):
        status, problem = await _ask(
            guarded, tokens, "writer", "POST", "/v1/instances", [*rest, bad]
        )
        assert status == 403, problem
    assert guarded.app.registry.catalogue.find("n0") is None
    assert (await _ask(guarded, tokens, "writer", "POST", "/v1/instances", rest))[0] == 201


async def test_of_many_heartbeats_those_that_are_not_allowed_are_named(
    guarded: Program, tokens: Mapping[str, str]
) -> None:
    await _put(guarded, tokens)
    assert (await _ask(guarded, tokens, "writer", "PUT", "/v1/instances/i2", BODY))[0] == 201
    ids = {"ids": ["i2", "i1", "i3"]}
    _, told = await _ask(guarded, tokens, "writer", "POST", "/v1/heartbeats", ids)
    assert told == {"renewed": 1, "unknown": ["i3"], "forbidden": ["i1"]}
    _, told = await _ask(guarded, tokens, "other", "POST", "/v1/heartbeats", ids)
    assert told == {"renewed": 0, "unknown": ["i3"], "forbidden": ["i2", "i1"]}
    _, told = await _ask(guarded, tokens, "owner", "POST", "/v1/heartbeats", ids)
    assert told == {"renewed": 2, "unknown": ["i3"]}


async def test_a_wrong_token_is_nobodys(guarded: Program, tokens: Mapping[str, str]) -> None:
    right = tokens["reader"]
    wrong = f"{right[:-1]}{'A' if right[-1] != 'A' else 'B'}"
    for header in (
        *(f"Bearer {wrong}", "Bearer", "Bearer ", f"Basic {right}", right, f"Bearer {right}x"),
        *(f"Bearer dr_nobody_{right[-43:]}", "Bearer \u00e9", f"Bearer {right} {right}"),
    ):
        async with guarded.http.get("/v1/stats", headers={"Authorization": header}) as response:
            assert response.status == 401, header
            assert (await response.json())["type"] == "unauthenticated"
    async with guarded.http.get("/v1/stats", headers={"Authorization": f"bearer {right}"}) as good:
        assert good.status == 200
        stats = await good.json()
    assert stats["access"]["tokens"]["known"] == len(tokens)
    # One wrong token had the name of a right one: it alone was worth hashing, beside the right one.
    assert stats["access"]["tokens"]["hashed"] == 2


async def test_a_token_that_is_taken_out_stops_and_a_broken_file_changes_nothing(
    guarded: Program, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    whole = await asyncio.to_thread(tokens_file.read_text)

    async def status() -> int:
        headers = _headers(tokens, "reader")
        async with guarded.http.get("/v1/stats", headers=headers) as response:
            return response.status

    async def ready() -> dict[str, Any]:
        async with guarded.http.get("/ready") as response:
            told: dict[str, Any] = await response.json()
            return told

    assert await status() == 200
    await asyncio.to_thread(tokens_file.write_text, "[[token]]\nname = 1\n")
    async with asyncio.timeout(PATIENCE):
        while (told := await ready())["status"] != "degraded":
            pass
    assert told["reasons"][0].startswith("TOKENS_FILE: ")
    assert "token number 1: name must be" in told["reasons"][0]
    assert await status() == 200
    url, headers = "/v1/watch", _headers(tokens, "reader")
    admins = await guarded.http.get(url, headers=_headers(tokens, "admin"))
    readers = await guarded.http.get(url, headers=headers)
    rest = whole[whole.index("[[token]]", 1) :]
    await asyncio.to_thread(tokens_file.write_text, rest)
    async with asyncio.timeout(PATIENCE):
        while (await ready())["status"] != "ready":
            pass
    assert await status() == 401
    # What the token had begun to read ends with it, what others read goes on.
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(ClientError):
            await readers.read()
    await _put(guarded, tokens)
    async with asyncio.timeout(PATIENCE):
        while b"i1" not in await admins.content.readany():
            pass
    admins.close()
    readers.close()
    assert (await _ask(guarded, tokens, "admin", "GET", "/v1/stats", None))[0] == 200
