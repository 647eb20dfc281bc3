"""The document of base-url, example by example, over its own port."""

import re
from typing import Any

import pytest

from tests.dialects.conftest import Speak
from tests.dialects.spoken import SECONDS, UUID, Spoken, check_shape

NOW = re.compile(SECONDS)
ID = re.compile(UUID)
USERS = {"service_name": "users", "base_url": "http://localhost:8000"}
INSTANCE = {"instance_id": ID, **USERS, "registered_at": NOW, "last_heartbeat": NOW}


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("base-url")


async def _register(spoken: Spoken, **changes: object) -> Any:
    status, answer = await spoken.ask("POST", "/register", {**USERS, **changes})
    assert status == 200, answer
    return answer


async def test_register_answers_as_the_document_says_and_is_in_dns(spoken: Spoken) -> None:
    check_shape(await _register(spoken), INSTANCE)
    assert await spoken.srv("users") == [("127.0.0.1", 8000)]


async def test_each_registration_is_an_instance_of_its_own(spoken: Spoken) -> None:
    first, second = await _register(spoken), await _register(spoken)
    assert first["instance_id"] != second["instance_id"]
    _, answer = await spoken.ask("GET", "/services/users")
    assert answer["count"] == 2
    assert await spoken.srv("users") == [("127.0.0.1", 8000)]


async def test_a_heartbeat_keeps_an_instance_alive(spoken: Spoken) -> None:
    instance = await _register(spoken)
    for _ in range(3):
        spoken.program.clock.advance(15)
        path = f"/heartbeat/{instance['instance_id']}"
        status, answer = await spoken.ask("POST", path)
        assert status == 200
        shape = {"status": "ok", "instance_id": instance["instance_id"], "last_heartbeat": NOW}
        check_shape(answer, shape)
    _, answer = await spoken.ask("GET", "/services/users")
    [shown] = answer["instances"]
    assert shown["registered_at"] == instance["registered_at"]
    assert shown["last_heartbeat"] > instance["last_heartbeat"]


async def test_without_a_heartbeat_for_thirty_seconds_it_is_gone_everywhere(
    spoken: Spoken,
) -> None:
    instance = await _register(spoken)
    spoken.program.clock.advance(29.9)
    assert await spoken.srv("users") == [("127.0.0.1", 8000)]
    spoken.program.clock.advance(0.1)
    assert await spoken.srv("users") == []
    _, answer = await spoken.ask("GET", "/services/users")
    assert answer == {"service_name": "users", "instances": [], "count": 0}
    status, answer = await spoken.ask("POST", f"/heartbeat/{instance['instance_id']}")
    assert status == 404
    check_shape(answer, {"detail": str})


async def test_deregistering_takes_the_instance_out(spoken: Spoken) -> None:
    instance = await _register(spoken)
    path = f"/deregister/{instance['instance_id']}"
    status, answer = await spoken.ask("DELETE", path)
    assert status == 200
    assert answer == {"status": "deregistered", "instance_id": instance["instance_id"]}
    assert await spoken.srv("users") == []
    status, answer = await spoken.ask("DELETE", path)
    assert status == 404
    check_shape(answer, {"detail": str})


async def test_a_service_is_listed_with_its_instances(spoken: Spoken) -> None:
    await _register(spoken)
    status, answer = await spoken.ask("GET", "/services/users")
    assert status == 200
    check_shape(answer, {"service_name": "users", "instances": [INSTANCE], "count": 1})


async def test_all_services_are_listed(spoken: Spoken) -> None:
    await _register(spoken)
    await _register(spoken, service_name="timelines", base_url="https://10.0.0.7/api/")
    status, answer = await spoken.ask("GET", "/services")
    assert status == 200
    other = {**INSTANCE, "service_name": "timelines", "base_url": "https://10.0.0.7/api/"}
    services = {"timelines": [other], "users": [INSTANCE]}
    check_shape(answer, {"services": services, "count": 2, "total_instances": 2})
    assert await spoken.srv("timelines") == [("10.0.0.7", 443)]


async def test_what_is_not_healthy_is_not_listed(spoken: Spoken) -> None:
    instance = await _register(spoken)
    await spoken.program.set_status(instance["instance_id"], "maintenance")
    _, answer = await spoken.ask("GET", "/services/users")
    assert answer["count"] == 0
    _, answer = await spoken.ask("GET", "/services")
    assert answer == {"services": {}, "count": 0, "total_instances": 0}


async def test_the_status_tells_the_registry(spoken: Spoken) -> None:
    await _register(spoken)
    status, answer = await spoken.ask("GET", "/status")
    assert status == 200
    totals = {"total_services": 1, "total_instances": 1}
    times = {"heartbeat_timeout": 30, "cleanup_interval": 10, "timestamp": NOW}
    check_shape(answer, {"status": "running", **totals, **times})


async def test_the_variables_of_the_document_set_it(speak: Speak) -> None:
    variables = {"HEARTBEAT_TIMEOUT": "6", "CLEANUP_INTERVAL": "2.5"}
    spoken = await speak("base-url", environment=variables)
    await _register(spoken)
    _, answer = await spoken.ask("GET", "/status")
    assert (answer["heartbeat_timeout"], answer["cleanup_interval"]) == (6, 2.5)
    spoken.program.clock.advance(6)
    assert await spoken.srv("users") == []


@pytest.mark.parametrize(
    ("url", "address", "port"),
    [
        ("http://localhost:8000", "127.0.0.1", 8000), ("http://LOCALHOST", "127.0.0.1", 80),
        ("https://192.0.2.7", "192.0.2.7", 443), ("http://[2001:db8::7]:81/x?y", "2001:db8::7", 81),
        ("HTTP://api.example.org:3000/", "api.example.org", 3000),
    ],
)  # fmt: skip
async def test_a_base_url_leads_to_its_host_and_port(
    spoken: Spoken, url: str, address: str, port: int
) -> None:
    instance = await _register(spoken, base_url=url)
    assert instance["base_url"] == url
    path = f"/v1/instances/{instance['instance_id']}"
    async with spoken.program.http.get(path) as response:
        native = await response.json()
    assert (native["address"], native["port"]) == (address, port)


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "ftp://localhost:1", "http://", "http://a b/", "http://h:port/",
     "http://h:0/", "http://h:99999/", "http://user:secret@h/", "http://[::1/", "http://-/",
     "http://0.0.0.0:1/", "http://h\n:1/", "http://h/" + "x" * 2048, "//h:1", 7, None, ["http://h:1"]],
)  # fmt: skip
async def test_what_is_no_base_url_is_422_and_named(spoken: Spoken, url: object) -> None:
    status, answer = await spoken.ask("POST", "/register", {**USERS, "base_url": url})
    assert status == 422
    check_shape(answer, {"detail": [{"type": str, "loc": ["body", "base_url"], "msg": str}]})
    assert len(spoken.program.app.registry.catalogue) == 0


@pytest.mark.parametrize("name", ["", "a b", "a.b", "ns1", "-a", "ü", "x" * 63, 1, None])
async def test_what_is_no_service_name_is_422_and_named(spoken: Spoken, name: object) -> None:
    status, answer = await spoken.ask("POST", "/register", {**USERS, "service_name": name})
    assert status == 422
    check_shape(answer, {"detail": [{"type": str, "loc": ["body", "service_name"], "msg": str}]})


async def test_every_missing_field_is_named(spoken: Spoken) -> None:
    status, answer = await spoken.ask("POST", "/register", {})
    assert status == 422
    assert [fault["loc"] for fault in answer["detail"]] == [
        ["body", "service_name"],
        ["body", "base_url"],
    ]
