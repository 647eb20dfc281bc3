"""Lists of instances: filters and pages."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.api import frames, pages
from dnsregistry.api.query import read_instance_cursor
from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
FIELDS: dict[str, dict[str, object]] = {
    "a": {"tags": ["V1"], "capabilities": ["Greet"]},
    "b": {"tags": ["greet"], "status": "draining"},
    "c": {"service": "db", "tags": ["v1"]},
    "d": {"service": "db", "capabilities": ["greet"]},
    "e": {},
}


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
        ("", "abcde"),
        ("service=&health=&tag=&capability=&limit=&cursor=", "abcde"),
        ("service=WEB", "abe"),
        ("service=nobody", ""),
        ("health=healthy", "acde"),
        ("health=draining", "b"),
        ("health=maintenance", ""),
        ("tag=V1", "ac"),
        ("tag=greet", "b"),
        ("capability=GREET", "ad"),
        ("capability=v1", ""),
        ("service=db&tag=v1", "c"),
        ("service=web&capability=greet", "a"),
        ("service=web&tag=greet&health=draining", "b"),
        ("tag=v1&capability=greet", "a"),
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
    for query in ("", "service=web&"):
        _, first = await ask("GET", f"/v1/instances?{query}limit=2")
        assert [instance["id"] for instance in first["instances"]] == ["a", "b"]
        last = await _ids(ask, f"{query}limit=3&cursor={first['next_cursor']}")
        assert last == (["e"] if query else ["c", "d", "e"])


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
        ("cursor=sweb", ["cursor"]),
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
    monkeypatch.setattr(pages, "MOST_LOOKED", 2)
    await _register_all(ask)
    for query, expected in (("tag=v1", "ac"), ("service=web", "abe"), ("capability=greet", "ad")):
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            _, body = await ask("GET", f"/v1/instances?{query}&cursor={cursor}")
            assert len(body["instances"]) <= 2
            seen += [instance["id"] for instance in body["instances"]]
            cursor = body["next_cursor"]
        assert seen == list(expected)


_STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "end", "page"]), st.integers(0, 7), st.booleans())
)


@settings(deadline=None)
@given(
    before=st.sets(st.integers(0, 7)),
    steps=_STEPS,
    limit=st.integers(1, 3),
    service=st.sampled_from([None, "web"]),
)
def test_paging_misses_nothing_that_stays_and_shows_nothing_twice(
    before: set[int], steps: list[tuple[str, int, bool]], limit: int, service: str | None
) -> None:
    registry = Registry()
    starts: dict[int, int] = {}

    def put(number: int, *, other_port: bool) -> None:
        instance = admit(id=f"n{number}", service="web", address="10.0.0.1", port=80 + other_port)
        starts[number] = registry.grant(instance, 0.0).lease.sequence

    for number in before:
        put(number, other_port=False)
    stays = set(before)
    seen: list[int] = []
    after: int | None = 0
    for step, number, flag in [*steps, *[("page", 0, False)] * 20]:
        if step == "put":
            put(number, other_port=flag)
        elif step == "end" and number in starts:
            registry.revoke(f"n{number}", 0.0)
            del starts[number]
            stays.discard(number)
        elif step == "page" and after is not None:
            page = pages.read_leases(
                registry.catalogue,
                pages.Wanted(service=service),
                after=after,
                limit=limit,
                now=0.0,
            )
            assert len(page.leases) <= limit
            seen += [lease.sequence for lease in page.leases]
            cursor = page.next_cursor
            after = None if cursor is None else read_instance_cursor({"cursor": cursor})
    assert len(seen) == len(set(seen))
    assert {starts[number] for number in stays} <= set(seen)


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
