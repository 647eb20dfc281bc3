"""The document of ip-port, example by example, over its own port."""

import asyncio
import re
from typing import Any

import pytest

from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Grant
from dnsregistry.registry.warrant import ANYONE, Warrant
from tests.dialects.conftest import Speak
from tests.dialects.spoken import SECONDS, UUID, Spoken, check_shape, wait_until
from tests.program import PATIENCE

NOW = re.compile(SECONDS)
ID = re.compile(UUID)
USER = {"name": "user-service", "ip": "127.0.0.1", "port": 3001}
WHOLE = {**USER, "metadata": {"version": "1.0.0", "environment": "development"}}
ERROR = {"error": str, "message": str, "timestamp": NOW}


def _listed(port: int = 3001, status: str = "healthy", **metadata: object) -> dict[str, object]:
    return {
        "id": ID,
        "ip": "127.0.0.1",
        "port": port,
        "status": status,
        "lastHeartbeat": NOW,
        "registeredAt": NOW,
        "metadata": metadata,
    }


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("ip-port")


async def _register(spoken: Spoken, port: int = 3001, name: str = "user-service") -> Any:
    status, answer = await spoken.ask("POST", "/register", {**USER, "name": name, "port": port})
    assert status == 201, answer
    return answer["instance"]


async def test_register_answers_as_the_document_says_and_is_in_dns(spoken: Spoken) -> None:
    status, answer = await spoken.ask("POST", "/register", WHOLE)
    assert status == 201
    instance = {"id": ID, **USER, "status": "healthy", "registeredAt": NOW}
    message = "Service registered successfully"
    check_shape(answer, {"message": message, "instance": instance, "timestamp": NOW})
    assert await spoken.srv("user-service") == [("127.0.0.1", 3001)]


async def test_the_id_is_made_of_name_ip_and_port(spoken: Spoken) -> None:
    first = await _register(spoken)
    spoken.program.clock.advance(3)
    assert await _register(spoken) == first
    assert (await _register(spoken, 3002))["id"] != first["id"]
    assert (await _register(spoken, name="other"))["id"] != first["id"]
    assert (await _register(spoken, name="User-Service"))["id"] == first["id"]


async def test_registering_again_gives_other_metadata(spoken: Spoken) -> None:
    await spoken.ask("POST", "/register", WHOLE)
    await _register(spoken)
    _, answer = await spoken.ask("GET", "/resolve/user-service")
    check_shape(answer["instances"], [_listed()])


async def test_a_heartbeat_keeps_an_instance_alive(spoken: Spoken) -> None:
    await _register(spoken)
    spoken.program.clock.advance(9)
    status, answer = await spoken.ask("POST", "/heartbeat", USER)
    assert status == 200
    instance = {"id": ID, **USER, "status": "healthy", "lastHeartbeat": NOW}
    check_shape(answer, {"message": "Heartbeat updated", "instance": instance, "timestamp": NOW})
    spoken.program.clock.advance(9)
    assert await spoken.srv("user-service") == [("127.0.0.1", 3001)]


async def test_without_a_heartbeat_for_ten_seconds_it_is_gone_everywhere(spoken: Spoken) -> None:
    await _register(spoken)
    spoken.program.clock.advance(10)
    status, answer = await spoken.ask("GET", "/resolve/user-service")
    assert status == 404
    check_shape(answer, ERROR)
    _, listed = await spoken.ask("GET", "/services")
    assert listed["services"] == {}
    assert await spoken.srv("user-service") == []
    status, answer = await spoken.ask("POST", "/heartbeat", USER)
    assert status == 404
    check_shape(answer, ERROR)
    await _register(spoken)
    assert await spoken.srv("user-service") == [("127.0.0.1", 3001)]


async def test_resolve_lists_the_healthy_instances(spoken: Spoken) -> None:
    first = await _register(spoken)
    await _register(spoken, 3002)
    status, answer = await spoken.ask("GET", "/resolve/user-service")
    assert status == 200
    shape = {
        "serviceName": "user-service",
        "instanceCount": 2,
        "instances": [_listed(), _listed(3002)],
        "timestamp": NOW,
    }
    check_shape(answer, shape)
    await spoken.program.set_status(first["id"], "maintenance")
    _, answer = await spoken.ask("GET", "/resolve/user-service")
    check_shape(answer, {**shape, "instanceCount": 1, "instances": [_listed(3002)]})


async def test_a_service_with_no_healthy_instance_resolves_to_none(spoken: Spoken) -> None:
    instance = await _register(spoken)
    await spoken.program.set_status(instance["id"], "maintenance")
    status, answer = await spoken.ask("GET", "/resolve/user-service")
    assert (status, answer["instanceCount"], answer["instances"]) == (200, 0, [])


async def test_services_lists_all_of_them_with_their_totals(spoken: Spoken) -> None:
    for name, port in [("user-service", 1), ("user-service", 2), ("task-service", 3)]:
        await _register(spoken, port, name)
    sick = await _register(spoken, 4, "task-service")
    await spoken.program.set_status(sick["id"], "maintenance")
    await _register(spoken, 5, "notification-service")
    status, answer = await spoken.ask("GET", "/services")
    assert status == 200
    task = {
        "instanceCount": 2,
        "healthyCount": 1,
        "instances": [_listed(3), _listed(4, "unhealthy")],
    }
    user = {"instanceCount": 2, "healthyCount": 2, "instances": [_listed(1), _listed(2)]}
    note = {"instanceCount": 1, "healthyCount": 1, "instances": [_listed(5)]}
    services = {"notification-service": note, "task-service": task, "user-service": user}
    totals = {"totalServices": 3, "totalInstances": 5, "totalHealthyInstances": 4}
    check_shape(answer, {**totals, "services": services, "timestamp": NOW})


async def test_stats_counts_what_came_in_and_what_ran_out(spoken: Spoken) -> None:
    for name in ("user-service", "task-service", "user-service"):
        await _register(spoken, name=name)
    await spoken.ask("POST", "/heartbeat", USER)
    spoken.program.clock.advance(3)
    shape = {
        "totalRegistrations": 3,
        "totalHeartbeats": 1,
        "totalCleanups": 0,
        "activeServices": 2,
        "activeInstances": 2,
        "services": ["task-service", "user-service"],
        "uptime": 3,
        "heartbeatTimeout": "10s",
        "cleanupInterval": "5s",
        "timestamp": NOW,
    }
    status, answer = await spoken.ask("GET", "/stats")
    assert status == 200
    check_shape(answer, shape)
    spoken.program.clock.advance(60)
    await wait_until(lambda: len(spoken.program.app.registry.catalogue) == 0)
    _, answer = await spoken.ask("GET", "/stats")
    gone = {"totalCleanups": 2, "activeServices": 0, "activeInstances": 0, "services": []}
    check_shape(answer, {**shape, **gone, "uptime": 63})


async def test_health_is_as_the_document_says(spoken: Spoken) -> None:
    spoken.program.clock.advance(2.5)
    status, answer = await spoken.ask("GET", "/health")
    assert status == 200
    shape = {"status": "healthy", "service": "service-registry", "version": str, "uptime": 2}
    check_shape(answer, {**shape, "timestamp": NOW})


async def test_deregistering_takes_one_instance_out(spoken: Spoken) -> None:
    await _register(spoken)
    await _register(spoken, 3002)
    path = "/services/user-service/instances?ip=127.0.0.1&port=3001"
    status, answer = await spoken.ask("DELETE", path)
    assert status == 200
    instance = {"id": ID, **USER, "status": "healthy"}
    message = "Service deregistered successfully"
    check_shape(answer, {"message": message, "instance": instance, "timestamp": NOW})
    assert await spoken.srv("user-service") == [("127.0.0.1", 3002)]
    status, answer = await spoken.ask("DELETE", path)
    assert status == 404
    check_shape(answer, ERROR)


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "ip"), ("?ip=127.0.0.1", "port"), ("?port=1", "ip"), ("?ip=a&port=1", "ip"),
     ("?ip=127.0.0.1&port=x", "port"), ("?ip=127.0.0.1&port=70000", "port")],
)  # fmt: skip
async def test_deregistering_names_what_is_wrong_in_its_query(
    spoken: Spoken, query: str, field: str
) -> None:
    await _register(spoken)
    status, answer = await spoken.ask("DELETE", f"/services/user-service/instances{query}")
    assert status == 400
    check_shape(answer, ERROR)
    assert answer["message"].startswith(f"{field}: ")
    assert await spoken.srv("user-service") == [("127.0.0.1", 3001)]


async def test_an_instance_that_others_registered_has_the_same_identity(spoken: Spoken) -> None:
    await spoken.program.register("u-1", address="127.0.0.1", port=3001, ttl=10)
    spoken.program.clock.advance(8)
    status, answer = await spoken.ask("POST", "/heartbeat", USER)
    assert (status, answer["instance"]["id"]) == (200, "u-1")
    spoken.program.clock.advance(8)
    path = "/services/user-service/instances?ip=127.0.0.1&port=3001"
    assert (await spoken.ask("DELETE", path))[0] == 200
    assert await spoken.srv("user-service") == []


async def test_the_eleventh_instance_is_refused_with_the_reason(spoken: Spoken) -> None:
    for port in range(1, 11):
        await _register(spoken, port)
    status, answer = await spoken.ask("POST", "/register", {**USER, "port": 11})
    assert status == 400
    check_shape(answer, ERROR)
    assert "maximum of 10 instances" in answer["message"]
    await _register(spoken, 10)
    await _register(spoken, 11, "another-service")
    await spoken.ask("DELETE", "/services/user-service/instances?ip=127.0.0.1&port=3")
    await _register(spoken, 11)
    spoken.program.clock.advance(10)
    await _register(spoken, 12)


async def test_no_eleventh_slips_in_while_many_register_at_once(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, waiting = spoken.program.app.store, asyncio.Barrier(10)
    grant = store.grant

    async def grant_late(
        instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        # A store whose disk is slow: ten are on their way before the first is through.
        if instance.port != 1:
            async with asyncio.timeout(PATIENCE):
                await waiting.wait()
        return await grant(instance, expected, by=by)

    monkeypatch.setattr(store, "grant", grant_late)
    answers = await asyncio.gather(
        *(spoken.ask("POST", "/register", {**USER, "port": port}) for port in range(2, 42))
    )
    created = {answer["instance"]["port"] for status, answer in answers if status == 201}
    assert len(created) == 10
    assert {status for status, _ in answers} == {201, 400}
    assert (await spoken.ask("POST", "/register", {**USER, "port": 1}))[0] == 400
    assert len(await spoken.srv("user-service")) == 10


async def test_the_variables_of_the_document_set_it(speak: Speak) -> None:
    variables = {
        "HEARTBEAT_TIMEOUT_SECONDS": "4",
        "CLEANUP_INTERVAL_SECONDS": "2",
        "MAX_INSTANCES_PER_SERVICE": "2",
        "ALLOWED_ORIGINS": "https://a.example, http://b.example:8080",
        "NODE_ENV": "production",
    }
    spoken = await speak("ip-port", environment=variables)
    for port in (1, 2):
        await _register(spoken, port)
    assert (await spoken.ask("POST", "/register", {**USER, "port": 3}))[0] == 400
    _, answer = await spoken.ask("GET", "/stats")
    assert (answer["heartbeatTimeout"], answer["cleanupInterval"]) == ("4s", "2s")
    spoken.program.clock.advance(4)
    assert (await spoken.ask("GET", "/resolve/user-service"))[0] == 404
    for origin, allowed in [("https://a.example", True), ("http://localhost:3000", False)]:
        async with spoken.http.get("/health", headers={"Origin": origin}) as response:
            told = response.headers.get("Access-Control-Allow-Origin")
            assert told == (origin if allowed else None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": 5}, "name"), ({"name": ""}, "name"), ({"name": "a b"}, "name"),
        ({"name": None}, "name"), ({"ip": 1}, "ip"), ({"ip": "300.1.1.1"}, "ip"),
        ({"ip": "not-an-ip"}, "ip"), ({"ip": "0.0.0.0"}, "ip"), ({"port": "3001"}, "port"),
        ({"port": True}, "port"), ({"port": 0}, "port"), ({"port": 65536}, "port"),
        ({"port": 1.5}, "port"), ({"metadata": []}, "metadata"), ({"metadata": "x"}, "metadata"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_400_and_named(
    spoken: Spoken, change: dict[str, object], field: str
) -> None:
    status, answer = await spoken.ask("POST", "/register", {**USER, **change})
    assert status == 400
    check_shape(answer, ERROR)
    assert field in answer["message"]
    assert len(spoken.program.app.registry.catalogue) == 0


@pytest.mark.parametrize("path", ["/register", "/heartbeat"])
@pytest.mark.parametrize("field", ["name", "ip", "port"])
async def test_a_missing_field_is_400_and_named(spoken: Spoken, path: str, field: str) -> None:
    body = {name: value for name, value in USER.items() if name != field}
    status, answer = await spoken.ask("POST", path, body)
    assert status == 400
    assert answer["message"] == f"{field}: is missing"


async def test_metadata_may_be_null(spoken: Spoken) -> None:
    status, _ = await spoken.ask("POST", "/register", {**USER, "metadata": None})
    assert status == 201


async def test_ipv6_is_an_ip_address_too(spoken: Spoken) -> None:
    body = {**USER, "ip": "2001:DB8::1"}
    _, answer = await spoken.ask("POST", "/register", body)
    assert answer["instance"]["ip"] == "2001:db8::1"
    assert (await spoken.ask("POST", "/heartbeat", body))[0] == 200
