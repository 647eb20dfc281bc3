"""A server on a port of its own, a clock that is moved by hand, and a short way to ask."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientSession, web
from yarl import URL

from dnsregistry.api.application import build_application, build_tell
from dnsregistry.api.connection import Runner
from dnsregistry.api.context import Api, Readiness, ReadyState
from dnsregistry.api.openapi.description import Description
from dnsregistry.api.openapi.document import build_document
from dnsregistry.api.routes.description import list_routes as list_descriptions
from dnsregistry.api.routes.table import list_routes
from dnsregistry.api.traffic import Traffic
from dnsregistry.api.watching.build import build_watching
from dnsregistry.api.watching.watching import WatchOptions
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.memory import MemoryStore
from tests.api.contract import Contract

START = 1_700_000_000.0

MakeApi = Callable[..., Api]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]
Ask = Callable[..., Awaitable[tuple[int, Any]]]


def _dns_names(instance: Instance) -> tuple[str, ...]:
    return (f"{instance.service}.registry.test", f"{instance.id}.i.registry.test")


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=START)


@pytest.fixture(scope="session")
def make_api() -> MakeApi:
    """An Api of its own registry, with any part replaced."""

    def make(**parts: Any) -> Api:
        numbers = count(1)
        registry = parts.get("registry") or Registry()
        now = parts.get("now", lambda: START)
        given: dict[str, Any] = {
            "watching": build_watching(WatchOptions(), registry, _dns_names),
            "registry": registry,
            "store": MemoryStore(registry, now),
            "now": now,
            "lease_ttl": 30.0,
            "new_id": lambda: f"new-{next(numbers)}",
            "check": lambda instance, now: None,
            "dns_names": _dns_names,
            "stats": lambda: {"instances": 0},
            "readiness": lambda: Readiness(ReadyState.READY),
            "version": "1.2.3",
        }
        return Api(**{**given, **parts})

    return make


@pytest.fixture(scope="session")
def contract(make_api: MakeApi) -> Contract:
    """The document's, for all that is served."""
    routes = (
        *list_routes(make_api(), Traffic()),
        *list_descriptions(Description(dict)),
    )
    return Contract(build_document(routes, "1.2.3"), unread=["/v1/stats"])


@pytest.fixture(autouse=True)
def as_documented(contract: Contract) -> Iterator[None]:
    """All that is served is served as the document says."""
    contract.broken.clear()
    yield
    assert contract.broken == []


@pytest.fixture(scope="session")
def serve(contract: Contract) -> Serve:
    """Serve an Api while the context lasts; no task may be left when it ends."""

    @asynccontextmanager
    async def serving(api: Api) -> AsyncIterator[URL]:
        before = asyncio.all_tasks()
        application = build_application(api)
        contract.watch(application)
        runner = Runner(application, build_tell(api), shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        yield URL(f"http://{host}:{port}")
        await runner.cleanup()
        assert asyncio.all_tasks() - {asyncio.current_task()} <= before

    return serving


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def api(registry: Registry, clock: SimpleNamespace, make_api: MakeApi) -> Api:
    return make_api(registry=registry, now=lambda: clock.now)


@pytest.fixture
async def client(api: Api, serve: Serve) -> AsyncIterator[ClientSession]:
    async with serve(api) as url, ClientSession(url) as session:
        yield session


@pytest.fixture
def ask(client: ClientSession, contract: Contract) -> Ask:
    """Send a request and return the status and the JSON of the answer, None where it has none."""

    async def send(method: str, path: str, body: object = None, **more: Any) -> tuple[int, Any]:
        url = URL(path, encoded=True)
        async with client.request(method, url, json=body, **more) as response:
            if response.status < 300 and body is not None:
                contract.check_body(method, path, body)
            return response.status, await response.json(content_type=None)

    return send


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a peer does is an error of ours, unless the test takes it from the log."""
    yield
    errors = [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]
    assert not [record.getMessage() for record in errors]
