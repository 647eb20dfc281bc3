"""Lists of instances: filters, orders and pages over HTTP."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from yarl import URL

from dnsregistry.api import frames, looks
from dnsregistry.api.context import Api
from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]
MakeApi = Callable[..., Api]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
FIELDS: dict[str, dict[str, object]] = {
    "b": {"tags": ["greet"], "status": "draining", "address": ["10.0.0.2", "2001:db8::2"]},
    "A": {"tags": ["V1"], "capabilities": ["Greet"], "metadata": {"version": "2", "zone": ""}},
    "c": {"service": "db", "tags": ["v1"], "address": "10.0.1.1", "metadata": {"version": 2}},
    "d": {"service": "db", "capabilities": ["greet"], "address": "api.example.org"},
    "e": {"metadata": {"version": "2", "on": True, "no": None, "at": [2], "a.b": "é=&"}},
}
"""In an order of registration that is not that of ids."""


async def _ids(ask: Ask, query: str) -> list[str]:
    status, body = await ask("GET", f"/v1/instances?{query}")
    assert status == 200
    assert body["next_cursor"] is None
    return [instance["id"] for instance in body["instances"]]


async def _register_all(ask: Ask) -> None:
    for name, fields in FIELDS.items():
        assert (await ask("PUT", f"/v1/instances/{name}", {**LEAST, **fields}))[0] == 201


async def test_an_empty_list_has_the_frame_of_every_list(ask: Ask) -> None:
    assert await ask("GET", "/v1/instances") == (
        200,
        {"instances": [], "next_cursor": None, "revision": 0},
    )


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", "Abcde"),
        ("service=&health=&tag=&capability=&limit=&cursor=&sort=&address=&status=", "Abcde"),
        ("service=WEB", "Abe"),
        ("service=nobody", ""),
        ("health=healthy", "Acde"),
        ("health=draining", "b"),
        ("health=maintenance", ""),
        ("status=draining", "b"),
        ("status=healthy&health=healthy", "Acde"),
        ("status=healthy&health=draining", ""),
        ("tag=V1", "Ac"),
        ("tag=greet", "b"),
        ("capability=GREET", "Ad"),
        ("capability=v1", ""),
        ("service=db&tag=v1", "c"),
        ("service=web&capability=greet", "A"),
        ("service=web&tag=greet&health=draining", "b"),
        ("tag=v1&capability=greet", "A"),
        ("address=10.0.0.1", "Ae"),
        ("address=2001:DB8:0::2", "b"),
        ("address=10.0.0.0/24", "Abe"),
        ("address=10.0.0.0/8", "Abce"),
        ("address=10.0.0.2/32", "b"),
        ("address=2001:db8::/32", "b"),
        ("address=::/0", "b"),
        ("address=API.example.org.", "d"),
        ("address=192.0.2.0/24", ""),
        ("meta.version=2", "Ace"),
        ("meta.version=2&meta.on=true&meta.no=null", "e"),
        ("meta.version=2&service=db", "c"),
        ("meta.zone=", "A"),
        ("meta.at=2", ""),
        (f"meta.a.b={quote('é=&')}", "e"),
        ("meta.nothing=2", ""),
        ("sort=id", "Abcde"),
        ("sort=-id", "edcbA"),
        ("sort=registered_at", "bAcde"),
        ("sort=-registered_at&service=web", "eAb"),
        ("sort=service", "cdAbe"),
        ("sort=-service", "ebAdc"),
        ("sort=service&tag=v1", "cA"),
        ("sort=-service&address=10.0.0.0/8", "ebAc"),
    ],
)
async def test_a_list_holds_what_is_asked_for(ask: Ask, query: str, ids: str) -> None:
    await _register_all(ask)
    assert await _ids(ask, query) == list(ids)


async def test_an_instance_in_a_list_is_the_instance(ask: Ask) -> None:
    _, instance = await ask("PUT", "/v1/instances/a", LEAST)
    _, body = await ask("GET", "/v1/instances")
    assert body == {"instances": [instance], "next_cursor": None, "revision": 1}


async def test_pages_follow_one_another_and_the_last_one_says_so(ask: Ask) -> None:
    await _register_all(ask)
    await ask("PUT", "/v1/instances/a", {**LEAST, "port": 81})
    for query, all_ids in (
        ("", "abcde"),
        ("service=web&", "abe"),
        ("sort=-id&", "edcba"),
        ("sort=registered_at&", "bacde"),
        ("sort=-registered_at&", "edcab"),
        ("sort=service&", "cdabe"),
        ("sort=-service&", "ebadc"),
    ):
        for limit in range(1, 6):
            assert await _read_all(ask, f"{query}limit={limit}") == list(all_ids)


async def _read_all(ask: Ask, query: str) -> list[str]:
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        status, body = await ask("GET", f"/v1/instances?{query}&cursor={cursor}")
        assert status == 200
        seen += [instance["id"] for instance in body["instances"]]
        cursor = body["next_cursor"]
    return seen


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=1001", ["limit"]),
        ("limit=-1", ["limit"]),
        ("limit=ten", ["limit"]),
        ("limit=%D9%A1", ["limit"]),
        (f"limit={'9' * 5000}", ["limit"]),
        ("cursor=7", ["cursor"]),
        ("cursor=%00", ["cursor"]),
        ("cursor=AAAAAAAAYQ", ["cursor"]),
        ("sort=expires_at", ["sort"]),
        ("sort=--id", ["sort"]),
        ("sort=Id", ["sort"]),
        ("status=unhealthy", ["status"]),
        ("address=10.0.0.1/24", ["address"]),
        ("address=10.0.0.0/33", ["address"]),
        ("address=a..b", ["address"]),
        ("meta.a=1&meta.b=2&meta.a=1", ["meta.a"]),
        ("meta=2", ["meta"]),
        ("health=Healthy", ["health"]),
        ("tag=a&tag=b", ["tag"]),
        ("services=web", ["services"]),
        ("tags=a&page=2&tag=b", ["tags", "page"]),
    ],
)
async def test_a_parameter_that_breaks_a_rule_is_named(
    ask: Ask, query: str, fields: list[str]
) -> None:
    status, body = await ask("GET", f"/v1/instances?{query}")
    assert (status, body["type"], body["field"]) == (400, "invalid-query", fields[0])
    assert body["reason"]
    errors = body.get("errors", [{"field": body["field"]}])
    assert [error["field"] for error in errors] == fields


async def test_a_page_looks_at_a_bounded_number_of_leases_and_goes_on(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "MOST_LOOKED", 2)
    await _register_all(ask)
    for query, expected in (
        *(("tag=v1", "Ac"), ("service=web", "Abe"), ("capability=greet", "Ad"), ("meta.x=1", "")),
        *(("sort=-service&tag=v1", "Ac"), ("sort=registered_at&service=web", "bAe")),
    ):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            _, body = await ask("GET", f"/v1/instances?{query}&cursor={cursor}")
            assert len(body["instances"]) <= 2
            seen += [instance["id"] for instance in body["instances"]]
            cursor = body["next_cursor"]
        assert seen == list(expected)


async def _cursor(client: ClientSession, path: str) -> str:
    async with client.get(path) as response:
        cursor: str = (await response.json())["next_cursor"]
        assert cursor
        return cursor


async def test_a_cursor_of_other_filters_is_refused(ask: Ask, client: ClientSession) -> None:
    await _register_all(ask)
    cursor = await _cursor(client, "/v1/instances?service=web&limit=1")
    for path in (
        "/v1/instances?service=web&limit=2",
        "/v1/instances?limit=2&service=web&sort=id",
    ):
        assert (await ask("GET", f"{path}&cursor={cursor}"))[0] == 200
    for path in (
        "/v1/instances?",
        "/v1/instances?service=db&",
        "/v1/instances?service=web&tag=v1&",
        "/v1/instances?service=web&sort=-id&",
        "/v1/instances?service=web&sort=registered_at&",
        "/v1/instances?service=web&meta.=&",
        "/v1/services?",
        "/v1/services/web?",
    ):
        status, body = await ask("GET", f"{path}cursor={cursor}")
        assert (status, body["type"], body["field"]) == (400, "invalid-query", "cursor")
        assert "other filters" in body["reason"]


async def test_a_cursor_of_one_service_is_none_of_another(ask: Ask, client: ClientSession) -> None:
    await _register_all(ask)
    cursor = await _cursor(client, "/v1/services/web?limit=1")
    assert (await ask("GET", f"/v1/services/web?cursor={cursor}"))[0] == 200
    for path in ("/v1/services/db", "/v1/instances"):
        status, body = await ask("GET", f"{path}?cursor={cursor}")
        assert (status, body["field"]) == (400, "cursor")
        assert "other filters" in body["reason"]


def _decode(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


async def test_a_cursor_whose_place_is_of_another_kind_is_refused(
    ask: Ask, client: ClientSession
) -> None:
    await _register_all(ask)
    path = "/v1/instances?sort=registered_at&limit=1"
    octets = _decode(await _cursor(client, path))
    run = octets.rindex(b"/")
    for place in (octets[:run], octets[:run] + b"/g"):
        cursor = urlsafe_b64encode(place).decode().rstrip("=")
        status, body = await ask("GET", f"{path}&cursor={cursor}")
        assert (status, body["field"]) == (400, "cursor")


@pytest.mark.parametrize("sort", ["id", "-id", "service", "-service", "registered_at"])
async def test_a_cursor_goes_on_after_a_restart_or_says_that_it_cannot(
    make_api: MakeApi, serve: Serve, sort: str
) -> None:
    ids = ["c", "a", "d", "b"]
    cursor = None
    for run, order in enumerate((ids, ids[::-1])):
        registry = Registry()
        for name in order:
            registry.grant(admit(id=name, service=f"s{name}", address="10.0.0.1", port=80), 0.0)
        async with (
            serve(make_api(registry=registry)) as url,
            ClientSession(url) as client,
        ):
            path = f"/v1/instances?sort={sort}&limit=2"
            if not run:
                cursor = await _cursor(client, path)
                continue
            async with client.get(f"{path}&cursor={cursor}") as response:
                body = await response.json()
            if sort == "registered_at":
                assert (response.status, body["field"]) == (400, "cursor")
                assert "another run" in body["reason"]
            else:
                rest = "cd" if not sort.startswith("-") else "ba"
                assert [instance["id"] for instance in body["instances"]] == list(rest)
                assert body["next_cursor"] is None


async def test_what_is_past_its_deadline_is_in_no_list(ask: Ask, clock: SimpleNamespace) -> None:
    await ask("PUT", "/v1/instances/a", {**LEAST, "ttl": 5})
    await ask("PUT", "/v1/instances/b", LEAST)
    clock.now += 5
    for query in ("", "service=web", "sort=service", "sort=-registered_at", "address=10.0.0.1"):
        assert await _ids(ask, query) == ["b"]


async def test_a_page_of_any_length_comes_whole_and_with_its_length(
    client: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "PIECE", 7)
    body = [{"service": "web", "address": "10.0.0.1", "port": port} for port in range(1, 40)]
    async with client.post("/v1/instances", json=body) as response:
        octets = await response.read()
        assert int(response.headers["Content-Length"]) == len(octets)
    assert [instance["port"] for instance in json.loads(octets)["instances"]] == [*range(1, 40)]
    async with client.head("/v1/instances") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert int(response.headers["Content-Length"]) > len(octets) // 2
