"""Replies of the whole program, with all that it may tell of, are as the document says."""

import asyncio
import base64
from typing import Any

import pytest
from aiohttp import web

import dnsregistry.app
from dnsregistry.api.application import build_application
from tests.api.contract import Contract
from tests.api.test_document import read_document
from tests.conftest import Start
from tests.program import PATIENCE, Program
from tests.wire import make_query

DNS = {"Content-Type": "application/dns-message"}


@pytest.fixture
async def watched(start: Start, monkeypatch: pytest.MonkeyPatch) -> tuple[Program, Contract]:
    """A program with upstreams and a scan, whose replies are checked."""
    contract = Contract(await read_document(await start()))

    def build(*given: Any, **more: Any) -> web.Application:
        application = build_application(*given, **more)
        contract.watch(application)
        return application

    monkeypatch.setattr(dnsregistry.app, "build_application", build)
    program = await start(upstreams="127.0.0.1:9", scan_ranges="127.255.255.254/32")
    return program, contract


async def _ask(program: Program, path: str, method: str = "GET", **more: Any) -> tuple[int, Any]:
    async with program.http.request(method, path, **more) as response:
        return response.status, await response.read()


async def test_checks_are_told_as_documented(watched: tuple[Program, Contract]) -> None:
    program, contract = watched
    target = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    port = target.sockets[0].getsockname()[1]
    kinds: list[dict[str, object]] = [
        {"type": "tcp", "address": f"127.0.0.1:{port}"},
        {"type": "http", "path": "/health", "delay": 60, "port": 9},
        {"type": "https", "url": "https://127.0.0.1:9/", "delay": 60},
        {"type": "grpc", "delay": 60},
        {"type": "dns", "name": "example.org", "delay": 60},
        {"type": "heartbeat", "delay": 60},
    ]
    async with target:
        await program.register("web-1", address="127.0.0.1", checks=kinds)
        async with asyncio.timeout(PATIENCE):
            while (await program.read_stats())["health"]["probes"] == 0:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
        await program.set_status("web-1", "draining")
        for path in (
            "/v1/instances/web-1",
            "/v1/instances/web-1/checks",
            "/v1/services/user-service/health",
        ):
            assert (await _ask(program, path))[0] == 200
        assert await _ask(program, "/v1/services/user-service/guard", "DELETE") == (
            200,
            b'{"lifted":0}\n',
        )
    assert contract.broken == []
    assert {status for _, path, status, _ in contract.seen if "checks" in path} == {200}


async def test_the_program_is_told_as_documented(watched: tuple[Program, Contract]) -> None:
    program, contract = watched
    for path in ("/v1/stats", "/health", "/ready", "/metrics", "/openapi.json", "/docs"):
        assert (await _ask(program, path))[0] == 200
    assert (await _ask(program, "/docs/docs.js"))[0] == 200
    for kind in ("application/openmetrics-text; version=1.0.0", "text/html", "*/*"):
        assert (await _ask(program, "/metrics", headers={"Accept": kind}))[0] == 200
    stats = await program.read_stats()
    assert {"forward", "scan"} <= stats.keys()
    assert contract.broken == []


async def test_dns_over_https_is_answered_as_documented(
    watched: tuple[Program, Contract],
) -> None:
    program, contract = watched
    query = make_query("registry.local", "SOA")
    text = base64.urlsafe_b64encode(query).rstrip(b"=").decode()
    asked: list[tuple[int, dict[str, Any]]] = [
        (200, {"params": {"dns": text}}),
        (400, {"params": {"dns": "!"}}),
        (400, {}),
        (200, {"method": "POST", "data": query, "headers": DNS}),
        (400, {"method": "POST", "data": b"no query", "headers": DNS}),
        (413, {"method": "POST", "data": bytes(70_000), "headers": DNS}),
        (415, {"method": "POST", "data": query}),
    ]
    for status, more in asked:
        assert (await _ask(program, "/dns-query", **more))[0] == status
    assert contract.broken == []
    assert {kind for _, path, _, kind in contract.seen if path == "/dns-query"} == {
        "invalid-dns",
        "body-too-large",
        "unsupported-media-type",
    }


async def test_what_is_not_documented_is_found(watched: tuple[Program, Contract]) -> None:
    """The checks of this folder's tests can fail."""
    program, contract = watched
    instance = await program.register("web-1")
    schema = {"$ref": "#/components/schemas/Instance"}
    contract.validate("whole", schema, instance)
    assert contract.broken == []
    contract.validate("more", schema, {**instance, "colour": "red"})
    contract.validate("less", schema, {**instance, "port": None})
    contract.check_body("POST", "/v1/instances", {"service": "a b", "address": "a", "port": 1})
    contract.check_body("POST", "/v1/nothing", {})
    assert [line.split(":")[0] for line in contract.broken] == [
        "more",
        "less",
        "POST /v1/instances takes",
        "POST /v1/nothing is no operation",
    ]
