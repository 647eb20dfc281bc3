"""What a client is told when something is wrong, whoever found it."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from dnsregistry.api.application import build_application
from dnsregistry.api.connection import Runner
from dnsregistry.api.context import Api
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
LONG = "x" * 200


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"port": "80"}, "port", "must be a whole number"),
        ({"port": True}, "port", "must be a whole number"),
        ({"port": 80.0}, "port", "must be a whole number"),
        ({"port": 0}, "port", "0 is not between 1 and 65535"),
        ({"port": 10**400}, "port", "is not between"),
        ({"service": 7}, "service", "must be text"),
        ({"service": "a.b"}, "service", "holds a dot"),
        ({"address": 7}, "address", "must be text or a list of texts"),
        ({"address": ["10.0.0.1", 7]}, "address.1", "must be text"),
        ({"address": []}, "address", "empty list"),
        ({"address": "0.0.0.0"}, "address", "no address that a client can connect to"),
        ({"ports": []}, "ports", "must be an object"),
        ({"ports": {"http": "80"}}, "ports.http", "must be a whole number"),
        ({"weight": -1}, "weight", "-1 is not between"),
        ({"tags": "a"}, "tags", "must be a list"),
        ({"tags": ["a", None]}, "tags.1", "must be text"),
        ({"metadata": []}, "metadata", "must be an object"),
        ({"version": 1}, "version", "must be text"),
        ({"ttl": "30"}, "ttl", "must be a number"),
        ({"ttl": True}, "ttl", "must be a number"),
        ({"ttl": 10**400}, "ttl", "must be a number"),
        ({"ttl": 0.5}, "ttl", "0.5 is not between"),
        ({"status": "up"}, "status", "must be one of healthy, draining, maintenance"),
        ({"health": "healthy"}, "health", "is not a field here"),
        ({"checks": {}}, "checks", "must be a list"),
        ({"checks": [{"type": "ftp"}]}, "checks.0.type", "must be one of http, https, tcp"),
        ({"checks": [{"type": "tcp", "every": 3}]}, "checks.0.every", "is not a field of"),
        ({LONG: 1}, LONG[:80] + "...", "is not a field here"),
        ({"id": ""}, "id", "is empty"),
        ({"id": "a b"}, "id", "printable ASCII"),
    ],
)
async def test_a_fault_names_the_field_and_the_rule(
    ask: Ask, registry: Registry, change: dict[str, object], field: str, reason: str
) -> None:
    status, body = await ask("POST", "/v1/instances", {**LEAST, **change})
    assert (status, body["type"], body["status"]) == (422, "invalid-field", 422)
    assert body["field"] == field
    assert reason in body["reason"]
    assert body["detail"] == f"{body['field']}: {body['reason']}"
    assert "errors" not in body
    assert len(registry.catalogue) == 0


async def test_several_faults_are_all_told_up_to_a_bound(ask: Ask) -> None:
    _, body = await ask("POST", "/v1/instances", {"address": 7, "port": "80"})
    assert [error["field"] for error in body["errors"]] == ["service", "address", "port"]
    assert {name: body[name] for name in ("field", "reason")} == body["errors"][0]
    _, body = await ask("POST", "/v1/instances", {f"f{n}": n for n in range(1000)})
    assert len(body["errors"]) == 20


def _nest(levels: int) -> dict[str, object]:
    value: dict[str, object] = {"leaf": [[]]}
    for _ in range(levels):
        value = {"inner": value}
    return value


async def test_metadata_is_nested_up_to_a_bound(ask: Ask) -> None:
    assert (await ask("POST", "/v1/instances", {**LEAST, "metadata": _nest(29)}))[0] == 201
    _, body = await ask("POST", "/v1/instances", {**LEAST, "metadata": _nest(40)})
    assert (body["field"], body["reason"]) == ("metadata", "is nested deeper than 32 levels")


async def test_ids_that_would_share_a_host_name_are_refused(ask: Ask) -> None:
    long_id = "an-id-of-more-than-sixteen-octets"
    label = host_label(long_id)
    assert (await ask("PUT", f"/v1/instances/{long_id}", LEAST))[0] == 201
    status, body = await ask("PUT", f"/v1/instances/{label}", LEAST)
    assert (status, body["field"]) == (422, "id")
    assert "would share the host name" in body["reason"]


@pytest.mark.parametrize(
    "path", ["/", "/v2/instances", "/v1/instances/", "/v1/instances/a/b", "/%FF"]
)
async def test_an_unknown_route_is_a_problem(client: ClientSession, path: str) -> None:
    async with client.get(URL(path, encoded=True)) as response:
        assert response.status == 404
        assert response.content_type == "application/problem+json"
        body = await response.json()
    assert body.pop("request_id") == response.headers["X-Request-Id"]
    assert body == {"type": "not-found", "title": "Not Found", "status": 404, "detail": "Not Found"}


async def test_an_unknown_method_is_a_problem_and_the_others_are_named(
    client: ClientSession,
) -> None:
    async with client.patch("/v1/instances/a") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "DELETE,GET,HEAD,PUT"
        assert (await response.json())["type"] == "method-not-allowed"


async def test_an_expectation_that_nobody_knows_is_a_problem(client: ClientSession) -> None:
    async with client.get("/health", headers={"Expect": "wonders"}) as response:
        assert response.status == 417
        told = await response.json()
        assert told["type"] == "expectation-failed"
        assert told["request_id"] == response.headers["X-Request-Id"]


async def test_head_is_get_without_the_body(client: ClientSession) -> None:
    for path, status in (("/health", 200), ("/v1/instances", 200), ("/v1/instances/a", 404)):
        async with client.get(path) as full, client.head(path) as head:
            assert full.status == head.status == status
            assert head.headers["Content-Length"] == full.headers["Content-Length"]
            assert await head.read() == b""


@pytest.mark.parametrize("path", ["/health", "/nothing", "/v1/instances/a"])
async def test_an_answer_is_a_line_of_json_and_names_no_versions(
    client: ClientSession, path: str
) -> None:
    async with client.get(path) as response:
        assert response.headers["Server"] == "dnsregistry"
        assert (await response.read()).endswith(b"}\n")


async def test_a_failure_of_ours_is_logged_once_counted_and_keeps_its_secrets(
    make_api: Callable[..., Api], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    failing = [True]

    def stats() -> dict[str, object]:
        if failing:
            raise ValueError("secret")
        return {}

    async with serve(make_api(stats=stats)) as url, ClientSession(url) as client:
        async with client.get("/v1/stats") as response:
            text = await response.text()
            assert response.status == 500
            assert (await response.json(content_type=None))["type"] == "internal-error"
        failing.clear()
        async with client.get("/v1/stats") as response:
            assert (await response.json())["http"]["internal_errors"] == 1
    [record] = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info
    assert "secret" not in text
    caplog.clear()


async def _talk(url: URL, sent: bytes) -> tuple[bytes, bytes]:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    async with asyncio.timeout(10):
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
        await writer.wait_closed()
    return head, body


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9.9\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n",
        b"POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    ],
    ids=["tls", "version", "line", "header", "length"],
)
async def test_what_is_no_http_gets_a_problem_and_no_line_in_the_log(
    make_api: Callable[..., Api], serve: Serve, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(make_api()) as url:
        head, body = await _talk(url, sent)
    assert head.startswith(b"HTTP/1.")
    assert b" 400 " in head.splitlines()[0]
    assert b"application/problem+json" in head
    assert b'"type":"invalid-http"' in body
    assert b"\r\nServer: dnsregistry\r\n" in head
    told = json.loads(body)["request_id"]
    assert f"\r\nX-Request-Id: {told}\r\n".encode() in head
    # asyncio's own warnings are of a machine that is slow.
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not [record.getMessage() for record in warnings if record.name != "asyncio"]


async def test_a_failure_outside_every_handler_is_a_problem_too(
    client: ClientSession, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise ValueError("secret")

    monkeypatch.setattr(web.UrlDispatcher, "resolve", fail)
    async with client.get("/health") as response:
        assert response.status == 500
        body = await response.json(content_type=None)
    assert body["type"] == "internal-error"
    assert caplog.text.count("Traceback") == 1
    caplog.clear()


async def test_a_redirect_is_not_a_problem(make_api: Callable[..., Api]) -> None:
    application = build_application(make_api())

    async def redirect(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/health")

    application.router.add_get("/old", redirect)
    runner = Runner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with (
        ClientSession() as session,
        session.get(f"http://{host}:{port}/old", allow_redirects=False) as response,
    ):
        assert (response.status, response.headers["Location"]) == (302, "/health")
    await runner.cleanup()
