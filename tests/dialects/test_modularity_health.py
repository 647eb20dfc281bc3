"""Services of modularity are asked for their health, and only where that may be asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from dnsregistry.api.dialects.modularity.check import make_check
from dnsregistry.registry.check_admission import MOST_URL, admit_checks, keep_checks
from dnsregistry.registry.errors import InvalidField
from tests.dialects.conftest import Speak
from tests.dialects.spoken import Spoken, check_shape, wait_until
from tests.program import LOOPBACK

INTERVAL = 0.1
_TOLD_ONLY = frozenset({"health", "since", "last"})


class Module:
    """A service with health pages: the status by path, 404 for others; it counts who asks."""

    def __init__(self, **pages: int) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.url = ""

    @asynccontextmanager
    async def serve(self) -> AsyncIterator["Module"]:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        self.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        yield self
        await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        name = request.path.strip("/").replace("/", "_")
        return web.Response(status=self.pages.get(name, 404))


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("modularity", environment={"HEALTH_CHECK_INTERVAL": str(INTERVAL)})


async def _register(spoken: Spoken, location: str, id: str = "hello-service") -> None:
    body = {"id": id, "location": location, "capabilities": ["greet"]}
    status, answer = await spoken.ask("POST", "/api/register", body)
    assert status == 200, answer


def _is_answered(spoken: Spoken, id: str = "hello-service") -> bool:
    lease = spoken.program.app.registry.catalogue.find(id)
    assert lease is not None
    return lease.is_answered(spoken.program.clock.now)


async def test_the_modules_own_page_is_asked_every_interval(spoken: Spoken) -> None:
    async with Module(_module_health=200, health=500).serve() as module:
        await _register(spoken, module.url)
        await wait_until(lambda: len(module.asked) >= 3)
        assert set(module.asked) == {"/_module/health"}
        assert _is_answered(spoken)


async def test_the_usual_page_is_asked_where_a_module_has_none_of_its_own(spoken: Spoken) -> None:
    async with Module(base_health=200).serve() as module:
        await _register(spoken, f"{module.url}/base/")
        await wait_until(lambda: len(module.asked) >= 4)
        assert module.asked[:2] == ["/base/_module/health", "/base/health"]
        assert _is_answered(spoken)


async def test_a_failing_service_leaves_all_answers_and_comes_back(spoken: Spoken) -> None:
    async with Module(_module_health=200).serve() as module:
        await _register(spoken, module.url)
        port = int(module.url.rpartition(":")[2])
        module.pages["_module_health"] = 503
        await wait_until(lambda: not _is_answered(spoken))
        assert await spoken.srv("hello-service") == []
        _, listed = await spoken.ask("GET", "/api/services")
        assert [item["status"] for item in listed["services"]] == ["unhealthy"]
        status, answer = await spoken.ask("GET", "/api/capabilities/greet")
        assert status == 404
        check_shape(answer, {"error": str})
        module.pages["_module_health"] = 200
        await wait_until(lambda: _is_answered(spoken))
        assert await spoken.srv("hello-service") == [(LOOPBACK, port)]
        assert (await spoken.ask("GET", "/api/capabilities/greet"))[0] == 200


async def test_a_service_that_nobody_answers_for_is_unhealthy_and_stays_listed(
    spoken: Spoken,
) -> None:
    async with Module().serve() as module:
        url = module.url
    await _register(spoken, url)
    await wait_until(lambda: not _is_answered(spoken))
    _, answer = await spoken.ask("GET", "/api/services/hello-service")
    assert answer["status"] == "unhealthy"


async def test_a_service_is_healthy_until_its_first_check_an_interval_later(speak: Speak) -> None:
    spoken = await speak("modularity")
    async with Module(_module_health=500).serve() as module:
        await _register(spoken, module.url)
        for _ in range(20):
            await asyncio.sleep(0)
        assert _is_answered(spoken)
        assert module.asked == []


async def test_a_service_that_is_gone_is_asked_no_more(spoken: Spoken) -> None:
    async with Module(_module_health=200).serve() as module:
        await _register(spoken, module.url)
        await wait_until(lambda: len(module.asked) >= 1)
        await spoken.ask("DELETE", "/api/services/hello-service")
        asked = len(module.asked)
        await _register(spoken, module.url, "another")
        await wait_until(lambda: len(module.asked) >= asked + 2)
        assert len(spoken.program.app.checking.ward) == 1


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest", "http://[fe80::1]:80", "http://8.8.8.8", "http://224.0.0.1",
     "http://[::ffff:169.254.169.254]", "http://[64:ff9b::a9fe:a9fe]"],
)  # fmt: skip
async def test_a_location_that_may_not_be_asked_is_refused(spoken: Spoken, location: str) -> None:
    body = {"id": "evil", "location": location}
    status, answer = await spoken.ask("POST", "/api/register", body)
    assert status == 400
    check_shape(answer, {"error": str})
    assert answer["error"].startswith("location: ")


@pytest.mark.parametrize("location", ["http://h/{}", "https://localhost./{}", "http://[::1]/{}"])
def test_the_check_of_any_location_can_be_read_from_a_store_again(location: str) -> None:
    made, refused = 0, set()
    for length in range(MOST_URL - 60, MOST_URL):
        try:
            check = make_check(location.format("a" * length), 30.0)
        except InvalidField as fault:
            refused.add(fault.field)
        else:
            assert admit_checks(keep_checks([check])) == (check,)
            made += 1
    assert made
    assert refused == {"location"}


async def test_a_location_too_long_for_its_health_path_is_refused(spoken: Spoken) -> None:
    body = {"id": "long", "location": f"http://h/{'a' * 2039}"}
    status, answer = await spoken.ask("POST", "/api/register", body)
    assert status == 400
    assert answer["error"].startswith("location: its health path has ")


async def test_the_registrys_own_ports_may_not_be_asked(spoken: Spoken) -> None:
    for url in (spoken.url, spoken.program.url):
        body = {"id": "loop", "location": url}
        status, answer = await spoken.ask("POST", "/api/register", body)
        assert status == 400
        assert "own" in answer["error"]


async def test_the_native_api_tells_the_check_and_takes_what_it_told(spoken: Spoken) -> None:
    async with Module(_module_health=404, health=200).serve() as module:
        await _register(spoken, module.url)
        http = spoken.program.http
        async with http.get("/v1/instances/hello-service") as response:
            told = await response.json()
        [check] = told["checks"]
        assert (check["path"], check["fallback_path"]) == ("/_module/health", "/health")
        assert (check["interval"], check["delay"]) == (INTERVAL, INTERVAL)
        given = {name: value for name, value in check.items() if name not in _TOLD_ONLY}
        port = int(module.url.rpartition(":")[2])
        await spoken.program.register("copy", address=LOOPBACK, port=port, checks=[given])
        copied = spoken.program.app.registry.find("copy", spoken.program.clock.now)
        original = spoken.program.app.registry.find("hello-service", spoken.program.clock.now)
        assert copied.instance.checks == original.instance.checks
        await wait_until(lambda: module.asked.count("/health") >= 4)
        assert _is_answered(spoken, "copy")


@pytest.mark.parametrize(
    ("change", "field"),
    [({"fallback_path": "health"}, "fallback_path"), ({"fallback_path": "/a#b"}, "fallback_path"),
     ({"fallback_path": 1}, "fallback_path"), ({"delay": -1}, "delay"), ({"delay": "1"}, "delay")],
)  # fmt: skip
async def test_a_wrong_fallback_or_delay_is_refused_and_named(
    spoken: Spoken, change: dict[str, object], field: str
) -> None:
    check = {"type": "http", "path": "/health", **change}
    body = {"service": "s", "address": LOOPBACK, "port": 9, "checks": [check]}
    async with spoken.program.http.put("/v1/instances/x", json=body) as response:
        assert response.status == 422
        assert (await response.json())["field"] == f"checks.0.{field}"
