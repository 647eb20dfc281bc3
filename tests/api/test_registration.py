"""Registering, reading, replacing and taking away one instance."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from dnsregistry.api.context import Api
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}


async def test_a_registration_is_answered_with_the_whole_instance(ask: Ask) -> None:
    status, body = await ask("PUT", "/v1/instances/web-1", LEAST)
    assert status == 201
    assert body == {
        "id": "web-1",
        "service": "web",
        "protocol": "tcp",
        "address": "10.0.0.1",
        "port": 80,
        "ports": {},
        "priority": 0,
        "weight": 1,
        "tags": [],
        "capabilities": [],
        "metadata": {},
        "version": None,
        "ttl": 30,
        "status": "healthy",
        "health": "healthy",
        "registered_at": "2023-11-14T22:13:20.000Z",
        "last_heartbeat": "2023-11-14T22:13:20.000Z",
        "expires_at": "2023-11-14T22:13:50.000Z",
        "revision": 1,
        "dns": ["web.registry.test", "web-1.i.registry.test"],
    }
    assert await ask("GET", "/v1/instances/web-1") == (200, body)


async def test_a_registration_without_an_id_is_given_one_and_told_where_it_is(
    client: ClientSession,
) -> None:
    async with client.post("/v1/instances", json=LEAST) as response:
        assert response.status == 201
        assert (await response.json())["id"] == "new-1"
        assert response.headers["Location"] == "/v1/instances/new-1"
    async with client.get(response.headers["Location"]) as response:
        assert response.status == 200


async def test_a_new_id_that_is_taken_is_tried_again(ask: Ask) -> None:
    await ask("PUT", "/v1/instances/NEW-1", LEAST)
    _, body = await ask("POST", "/v1/instances", LEAST)
    assert body["id"] == "new-2"


async def test_a_source_of_ids_that_are_all_taken_ends_in_an_error_and_not_in_a_loop(
    make_api: Callable[..., Api], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        serve(make_api(new_id=lambda: "same")) as url,
        ClientSession(url) as client,
        client.post("/v1/instances", json=LEAST) as first,
        client.post("/v1/instances", json=LEAST) as second,
    ):
        assert (first.status, second.status) == (201, 500)
    assert "were taken" in caplog.text
    caplog.clear()


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("PUT", "/web-1")])
async def test_the_same_id_again_replaces_the_instance(ask: Ask, method: str, path: str) -> None:
    assert (await ask(method, f"/v1/instances{path}", {**LEAST, "id": "web-1"}))[0] == 201
    status, body = await ask(method, f"/v1/instances{path}", {**LEAST, "id": "WEB-1", "port": 81})
    assert (status, body["port"], body["revision"]) == (200, 81, 2)


async def test_an_id_in_the_body_must_be_that_of_the_path(ask: Ask) -> None:
    status, body = await ask("PUT", "/v1/instances/web-1", {**LEAST, "id": "web-2"})
    assert (status, body["type"], body["field"]) == (422, "invalid-field", "id")
    assert (await ask("GET", "/v1/instances/web-1"))[0] == 404


async def test_an_id_in_a_path_is_percent_decoded_and_may_hold_braces(ask: Ask) -> None:
    status, body = await ask("PUT", "/v1/instances/%7Ba%25%7D%3F", LEAST)
    assert (status, body["id"]) == (201, "{a%}?")
    assert (await ask("GET", "/v1/instances/{A%25}%3f"))[0] == 200
    assert (await ask("DELETE", "/v1/instances/%7ba%25}%3F")) == (204, None)


async def test_an_absent_ttl_is_the_default_and_a_null_one_has_no_end(ask: Ask) -> None:
    _, body = await ask("POST", "/v1/instances", {**LEAST, "ttl": None})
    assert (body["ttl"], body["expires_at"]) == (None, None)
    _, body = await ask("POST", "/v1/instances", {**LEAST, "ttl": 2.5})
    assert (body["ttl"], body["expires_at"]) == (2.5, "2023-11-14T22:13:22.500Z")


async def test_several_addresses_are_a_list_and_a_host_name_is_text(ask: Ask) -> None:
    both = ["10.0.0.1", "2001:db8::1"]
    _, body = await ask("POST", "/v1/instances", {**LEAST, "address": both})
    assert body["address"] == both
    _, body = await ask("POST", "/v1/instances", {**LEAST, "address": "Api.Example.org."})
    assert body["address"] == "api.example.org"


async def test_a_lease_past_its_deadline_is_in_no_answer_though_nothing_swept_it(
    ask: Ask, clock: SimpleNamespace, registry: Registry
) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 29.99
    assert (await ask("GET", "/v1/instances/a"))[0] == 200
    clock.now += 0.011
    for method, path, body in (
        ("GET", "/v1/instances/a", None),
        ("DELETE", "/v1/instances/a", None),
        ("PUT", "/v1/instances/a/status", {"status": "draining"}),
        ("POST", "/v1/instances/a/heartbeat", None),
        ("GET", "/v1/services/web", None),
    ):
        assert (await ask(method, path, body))[0] == 404
    assert (await ask("GET", "/v1/instances"))[1]["instances"] == []
    assert (await ask("GET", "/v1/services"))[1]["services"] == []
    assert len(registry.catalogue) == 1


async def test_a_deleted_instance_is_gone(ask: Ask) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    assert await ask("DELETE", "/v1/instances/A") == (204, None)
    status, body = await ask("DELETE", "/v1/instances/a")
    assert (status, body["type"]) == (404, "unknown-instance")


@pytest.mark.parametrize("text", list(Status))
async def test_a_status_is_set_and_does_not_move_the_deadline(
    ask: Ask, clock: SimpleNamespace, text: str
) -> None:
    _, before = await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 10
    status, body = await ask("PUT", "/v1/instances/a/status", {"status": text})
    assert (status, body["status"]) == (200, text)
    assert body["expires_at"] == before["expires_at"]
    assert (await ask("GET", "/v1/instances/a"))[1] == body


@pytest.mark.parametrize(
    "body", [{}, {"status": "up"}, {"status": 1}, {"status": "healthy", "x": 1}]
)
async def test_a_status_that_is_none_is_refused(ask: Ask, body: object) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    status, answer = await ask("PUT", "/v1/instances/a/status", body)
    assert (status, answer["type"]) == (422, "invalid-field")
    assert answer["field"] in {"status", "x"}


_LABELS = st.lists(st.sampled_from(["v1", "Edge", "greet"]), unique=True)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_REGISTRATIONS = st.fixed_dictionaries(
    {
        "service": st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(
            lambda name: name not in {"i", "cap", "ns1"}
        ),
        "address": st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
        | st.ip_addresses(v=6, network="2001:db8::/32").map(str)
        | st.just("api.example.org"),
        "port": st.integers(1, 65535),
        "protocol": st.sampled_from(["tcp", "udp"]),
        "ports": st.dictionaries(st.sampled_from(["http", "grpc"]), st.integers(1, 65535)),
        "priority": st.integers(0, 65535),
        "weight": st.integers(0, 65535),
        "tags": _LABELS,
        "capabilities": _LABELS,
        "metadata": st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), _JSON),
        "version": st.none() | st.text(st.characters(codec="utf-8"), max_size=8),
        "ttl": st.none() | st.floats(1, 31_536_000) | st.integers(1, 31_536_000),
        "status": st.sampled_from([str(status) for status in Status]),
    }
)
_IDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\"'/\\"),
    min_size=1,
    max_size=63,
).filter(lambda text: text not in {".", ".."} and not text.startswith("_"))


@settings(deadline=None, max_examples=60)
@given(registration=_REGISTRATIONS, instance_id=_IDS)
async def test_what_is_registered_is_what_is_read_back(
    make_api: Callable[..., Api], serve: Serve, registration: dict[str, Any], instance_id: str
) -> None:
    async with serve(make_api()) as url, ClientSession(url) as client:
        body = {**registration, "id": instance_id}
        async with client.post("/v1/instances", json=body) as response:
            assert response.status == 201, await response.text()
            location = response.headers["Location"]
        async with client.get(URL(location, encoded=True)) as response:
            answer = await response.json()
    assert {name: answer[name] for name in body} == body
