"""A web page of another origin changes nothing, whatever its visitor's browser can reach."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from dnsregistry.api.application import build_application
from dnsregistry.api.connection import Runner
from dnsregistry.api.context import Api
from dnsregistry.api.origin import check_origin
from dnsregistry.api.problems import Problem
from dnsregistry.api.routes.dns import list_routes
from dnsregistry.registry.registry import Registry

Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = '{"service": "web", "address": "10.0.0.1", "port": 80}'
ADDRESSES = ["127.0.0.1", "127.0.0.1:8053", "[::1]", "[2001:db8::1]:443", "localhost"]
NAMES = ["registry.test", "10.0.0.1.evil.test", "localhost.evil.test:80", "1", "10.0.0.1.", "::1"]


@pytest.mark.parametrize("host", [*ADDRESSES, "localhost:8053"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_page_of_this_server_under_its_address_may_change_things(host: str, scheme: str) -> None:
    check_origin(host, f"{scheme}://{host}")
    check_origin(host, f"{scheme}://{host}", "same-origin")


@pytest.mark.parametrize("host", [*NAMES, "[10.0.0.1]", "[::1", "a@127.0.0.1", "127.0.0.1:x", ""])
def test_a_page_under_a_name_may_not_even_here(host: str) -> None:
    with pytest.raises(Problem, match="IP address or localhost"):
        check_origin(host, f"http://{host}")


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1",
        "http://127.0.0.1:80531",
        "http://127.0.0.1:8053/",
        "HTTP://127.0.0.1:8053",
        "http://localhost:8053",
        "http://evil.test",
        "http://evil.test:8053",
        "file://",
        "null",
        "",
    ],
)
def test_a_page_of_another_origin_may_not(origin: str) -> None:
    with pytest.raises(Problem, match="must be http:// or https:// and the Host"):
        check_origin("127.0.0.1:8053", origin)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Same-Origin", "", "x"])
def test_what_the_browser_calls_foreign_is_refused_with_any_origin(site: str) -> None:
    for origin in (None, "http://127.0.0.1"):
        with pytest.raises(Problem, match="Sec-Fetch-Site"):
            check_origin("127.0.0.1", origin, site)


@pytest.mark.parametrize("host", [*ADDRESSES, *NAMES, ""])
@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_without_an_origin_any_host_will_do(host: str, site: str) -> None:
    check_origin(host, None, site)


FOREIGN = [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/instances"),
        ("PUT", "/v1/instances/a"),
        ("DELETE", "/v1/instances/a"),
        ("PUT", "/v1/instances/a/status"),
        ("POST", "/v1/instances/a/heartbeat"),
        ("POST", "/v1/heartbeats"),
    ],
)
async def test_every_change_is_refused_to_a_foreign_page(
    client: ClientSession, registry: Registry, method: str, path: str, headers: dict[str, str]
) -> None:
    async with client.put("/v1/instances/a", data=LEAST) as response:
        assert response.status == 201
    async with client.request(method, path, data=LEAST, headers=headers) as response:
        body = await response.json(content_type="application/problem+json")
    assert (response.status, body["status"], body["type"]) == (403, 403, "cross-origin")
    assert body["detail"].startswith(next(iter(headers)))
    assert (len(registry.catalogue), registry.feed.revision) == (1, 1)


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/v1/instances", "/v1/services", "/v1/stats", "/health"])
async def test_reading_is_open(client: ClientSession, path: str, headers: dict[str, str]) -> None:
    for method in ("GET", "HEAD"):
        async with client.request(method, path, headers=headers) as response:
            assert response.status == 200


async def test_a_page_of_this_server_registers(client: ClientSession, registry: Registry) -> None:
    async with client.get("/health") as response:
        origin = str(response.url.origin())
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    async with client.post("/v1/instances", data=LEAST, headers=headers) as response:
        assert response.status == 201
    headers["Host"] = "rebound.test"
    headers["Origin"] = "http://rebound.test"
    async with client.post("/v1/instances", data=LEAST, headers=headers) as response:
        assert response.status == 403
    assert len(registry.catalogue) == 1


@pytest.fixture
async def beside(api: Api) -> AsyncIterator[URL]:
    """The API with a route of another beside it."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="answered")

    runner = Runner(build_application(api, list_routes("/dns-query", answer, answer)))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield URL(f"http://{host}:{port}")
    await runner.cleanup()


@pytest.mark.parametrize("headers", FOREIGN)
async def test_routes_beside_the_api_are_open(beside: URL, headers: dict[str, str]) -> None:
    async with (
        ClientSession(beside) as session,
        session.post("/dns-query", headers=headers) as response,
    ):
        assert (response.status, await response.text()) == (200, "answered")
