"""Services with their counts, and the program's own routes."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from yarl import URL

from dnsregistry.api import looks
from dnsregistry.api.context import Api, Readiness, ReadyState

Ask = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}


async def test_services_come_in_order_with_their_counts(ask: Ask, clock: SimpleNamespace) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    await ask("PUT", "/v1/instances/b", {**LEAST, "status": "draining"})
    await ask("PUT", "/v1/instances/c", {**LEAST, "service": "Api", "ttl": 5})
    await ask("PUT", "/v1/instances/d", {**LEAST, "ttl": 5})
    api, web = (
        {"name": "api", "instances": 1, "healthy": 1},
        {"name": "web", "instances": 3, "healthy": 2},
    )
    frame = {"next_cursor": None, "revision": 4}
    assert await ask("GET", "/v1/services") == (200, {"services": [api, web], **frame})
    clock.now += 5
    left = {"name": "web", "instances": 2, "healthy": 1}
    assert await ask("GET", "/v1/services") == (200, {"services": [left], **frame})


async def test_services_come_in_pages(ask: Ask) -> None:
    for name in ("a", "b_1", "c"):
        await ask("POST", "/v1/instances", {**LEAST, "service": name})
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        _, body = await ask("GET", f"/v1/services?limit=1&cursor={cursor}")
        [service] = body["services"]
        seen.append(service["name"])
        cursor = body["next_cursor"]
    assert seen == ["a", "b_1", "c"]


@pytest.mark.parametrize("query", ["cursor=aTE", "service=a", "limit=0", "sort=instances"])
@pytest.mark.parametrize("path", ["/v1/services", "/v1/services/web"])
async def test_a_wrong_parameter_of_a_service_list_is_named(
    ask: Ask, path: str, query: str
) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    status, body = await ask("GET", f"{path}?{query}")
    assert (status, body["type"], body["field"]) == (400, "invalid-query", query.split("=")[0])


async def test_a_service_comes_with_its_instances(ask: Ask) -> None:
    _, first = await ask("PUT", "/v1/instances/a", LEAST)
    _, second = await ask("PUT", "/v1/instances/b", {**LEAST, "status": "maintenance"})
    await ask("PUT", "/v1/instances/c", {**LEAST, "service": "db"})
    counts = {"name": "web", "count": 2, "healthy": 1, "revision": 3}
    assert await ask("GET", "/v1/services/WEB") == (
        200,
        {**counts, "instances": [first, second], "next_cursor": None},
    )
    _, page = await ask("GET", "/v1/services/web?limit=1")
    assert page["instances"] == [first]
    _, page = await ask("GET", f"/v1/services/web?limit=1&cursor={page['next_cursor']}")
    assert page == {**counts, "instances": [second], "next_cursor": None}


async def test_a_service_without_a_live_instance_is_unknown(
    ask: Ask, clock: SimpleNamespace
) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 30
    for name in ("web", "nobody", "%FF"):
        status, body = await ask("GET", f"/v1/services/{name}")
        assert (status, body["type"]) == (404, "unknown-service")


async def test_a_service_beyond_the_budget_is_counted_by_the_catalogue(
    ask: Ask, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MOST_LOOKED", 1)
    for name, service in (("a", "few"), ("b", "many"), ("c", "many")):
        await ask("PUT", f"/v1/instances/{name}", {**LEAST, "service": service})
    clock.now += 30
    _, body = await ask("GET", "/v1/services")
    assert body["services"] == [{"name": "many", "instances": 2, "healthy": 2}]


async def test_health_is_ok_and_names_the_version(ask: Ask) -> None:
    assert await ask("GET", "/health") == (200, {"status": "ok", "version": "1.2.3"})


@pytest.mark.parametrize(
    ("readiness", "expected"),
    [
        (Readiness(ReadyState.STARTING), (503, {"status": "starting"})),
        (Readiness(ReadyState.READY), (200, {"status": "ready"})),
        (
            Readiness(ReadyState.DEGRADED, ("store away",)),
            (200, {"status": "degraded", "reasons": ["store away"]}),
        ),
    ],
)
async def test_readiness_is_told(
    make_api: Callable[..., Api], serve: Serve, readiness: Readiness, expected: tuple[int, object]
) -> None:
    async with (
        serve(make_api(readiness=lambda: readiness)) as url,
        ClientSession(url) as client,
        client.get("/ready") as response,
    ):
        assert (response.status, await response.json()) == expected


async def test_stats_are_those_of_the_program_and_of_the_api(ask: Ask) -> None:
    await ask("GET", "/nothing")
    assert await ask("GET", "/v1/stats") == (
        200,
        {"instances": 0, "http": {"requests": 1, "internal_errors": 0}},
    )


async def _names(ask: Ask, query: str) -> list[str]:
    names: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        status, body = await ask("GET", f"/v1/services?{query}&limit=1&cursor={cursor}")
        assert status == 200
        names += [service["name"] for service in body["services"]]
        cursor = body["next_cursor"]
    return names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["api", "user-a", "user-b", "web"]),
        ("sort=name", ["api", "user-a", "user-b", "web"]),
        ("sort=-name", ["web", "user-b", "user-a", "api"]),
        ("prefix=USER-", ["user-a", "user-b"]),
        ("prefix=user-&sort=-name", ["user-b", "user-a"]),
        ("prefix=user-a", ["user-a"]),
        ("prefix=user-aa", []),
        ("prefix=z", []),
        ("prefix=%C3%A9", []),
        ("tag=v1", ["user-b", "web"]),
        ("tag=greet", []),
        ("health=draining", ["user-b", "web"]),
        ("health=healthy", ["api", "user-a", "web"]),
        ("tag=v1&health=draining", ["user-b"]),
        ("tag=v1&health=draining&prefix=w", []),
    ],
)
async def test_services_are_those_with_an_instance_that_is_asked_for(
    ask: Ask, query: str, names: list[str]
) -> None:
    given: dict[str, dict[str, object]] = {
        "a": {"service": "web", "tags": ["V1"]},
        "b": {"service": "web", "status": "draining"},
        "c": {"service": "user-b", "status": "draining", "tags": ["v1"]},
        "d": {"service": "user-a", "capabilities": ["greet", "v1"]},
        "e": {"service": "api"},
    }
    for name, fields in given.items():
        await ask("PUT", f"/v1/instances/{name}", {**LEAST, **fields})
    assert await _names(ask, query) == names


async def test_the_counts_of_a_service_are_of_all_its_instances(ask: Ask) -> None:
    await ask("PUT", "/v1/instances/a", {**LEAST, "tags": ["v1"]})
    await ask("PUT", "/v1/instances/b", LEAST)
    _, body = await ask("GET", "/v1/services?tag=v1")
    assert body["services"] == [{"name": "web", "instances": 2, "healthy": 2}]
    _, body = await ask("GET", "/v1/services/web?tag=v1&sort=-registered_at&address=10.0.0.0/24")
    assert (body["count"], [one["id"] for one in body["instances"]]) == (2, ["a"])


@pytest.mark.parametrize("query", ["service=web", "name=web", "meta.a=1", "capability=a"])
async def test_a_filter_that_services_do_not_have_is_refused(ask: Ask, query: str) -> None:
    status, body = await ask("GET", f"/v1/services?{query}")
    assert (status, body["type"], body["field"]) == (400, "invalid-query", query.split("=")[0])
