"""The document of modularity, example by example, over its own port."""

import re
from typing import Any

import pytest

from tests.dialects.conftest import Speak
from tests.dialects.spoken import SECONDS, Spoken, check_shape

HELLO = {
    "id": "hello-service",
    "name": "Hello Service",
    "version": "1.0.0",
    "capabilities": ["greet", "farewell"],
    "location": "http://localhost:3000",
    "mode": "http",
}
LISTED = {
    "id": "hello-service",
    "name": "Hello Service",
    "status": "healthy",
    "capabilities": ["greet", "farewell"],
    "location": "http://localhost:3000",
}
ERROR = {"error": str}


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("modularity")


async def _register(spoken: Spoken, **changes: object) -> Any:
    status, answer = await spoken.ask("POST", "/api/register", {**HELLO, **changes})
    assert status == 200, answer
    return answer


async def test_register_answers_as_the_document_says_and_is_in_dns(spoken: Spoken) -> None:
    answer = await _register(spoken)
    assert answer == {"status": "registered", "service_id": "hello-service"}
    assert await spoken.srv("hello-service") == [("127.0.0.1", 3000)]
    for name in ("greet.cap", "farewell.cap", "greet.hello-service"):
        found = await spoken.program.ask(f"{name}.registry.local", "A")
        assert found.rdatas == ["127.0.0.1"]
    found = await spoken.program.ask("_greet._tcp.cap.registry.local", "SRV")
    assert len(found.rdatas) == 1


async def test_services_are_listed(spoken: Spoken) -> None:
    assert await spoken.ask("GET", "/api/services") == (200, {"services": []})
    await _register(spoken)
    status, answer = await spoken.ask("GET", "/api/services")
    assert status == 200
    check_shape(answer, {"services": [LISTED]})


async def test_one_service_is_told_with_all_that_is_known(spoken: Spoken) -> None:
    await _register(spoken)
    status, answer = await spoken.ask("GET", "/api/services/hello-service")
    assert status == 200
    more = {"version": "1.0.0", "mode": "http", "registered_at": re.compile(SECONDS)}
    check_shape(answer, {**LISTED, **more})


async def test_a_capability_leads_to_its_provider(spoken: Spoken) -> None:
    await _register(spoken)
    for name in ("greet", "farewell", "GREET"):
        status, answer = await spoken.ask("GET", f"/api/capabilities/{name}")
        assert status == 200
        check_shape(answer, {**LISTED, "mode": "http"})


async def test_a_capability_of_several_is_spread_over_the_healthy_ones(spoken: Spoken) -> None:
    for number in range(4):
        await _register(spoken, id=f"hello-{number}")
    await spoken.program.set_status("hello-3", "maintenance")
    answers = [await spoken.ask("GET", "/api/capabilities/greet") for _ in range(60)]
    assert {answer["id"] for _, answer in answers} == {"hello-0", "hello-1", "hello-2"}


async def test_a_capability_without_a_healthy_provider_is_404(spoken: Spoken) -> None:
    await _register(spoken)
    await spoken.program.set_status("hello-service", "maintenance")
    for name in ("greet", "sing"):
        status, answer = await spoken.ask("GET", f"/api/capabilities/{name}")
        assert status == 404
        check_shape(answer, ERROR)
    _, answer = await spoken.ask("GET", "/api/services")
    check_shape(answer, {"services": [{**LISTED, "status": "unhealthy"}]})


async def test_deleting_a_service_takes_it_out(spoken: Spoken) -> None:
    await _register(spoken)
    status, answer = await spoken.ask("DELETE", "/api/services/hello-service")
    assert status == 200
    assert answer == {"status": "unregistered", "service_id": "hello-service"}
    assert await spoken.srv("hello-service") == []
    for method in ("DELETE", "GET"):
        status, answer = await spoken.ask(method, "/api/services/hello-service")
        assert status == 404
        check_shape(answer, ERROR)


async def test_no_heartbeat_is_needed(spoken: Spoken) -> None:
    await _register(spoken)
    spoken.program.clock.advance(86_400 * 400)
    assert await spoken.srv("hello-service") == [("127.0.0.1", 3000)]


async def test_the_last_registration_of_an_id_wins(spoken: Spoken) -> None:
    await _register(spoken)
    await _register(spoken, location="http://10.0.0.5:81/base", capabilities=[], name=None)
    _, answer = await spoken.ask("GET", "/api/services/hello-service")
    assert answer["location"] == "http://10.0.0.5:81/base"
    assert (answer["capabilities"], answer["name"]) == ([], "hello-service")
    assert await spoken.srv("hello-service") == [("10.0.0.5", 81)]


async def test_what_has_a_default_may_be_left_out(spoken: Spoken) -> None:
    body = {"id": "bare", "location": "http://localhost:3000"}
    assert (await spoken.ask("POST", "/api/register", body))[0] == 200
    _, answer = await spoken.ask("GET", "/api/services/bare")
    told = (answer["name"], answer["mode"], answer["status"], answer["capabilities"])
    assert told == ("bare", "http", "healthy", [])


async def test_health_is_as_the_document_says(spoken: Spoken) -> None:
    status, answer = await spoken.ask("GET", "/health")
    assert status == 200
    timestamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
    shape = {"status": "healthy", "service": "modularity-registry", "timestamp": timestamp}
    check_shape(answer, shape)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": 1}, "id"), ({"id": ""}, "id"), ({"id": "a b"}, "id"), ({"id": "a.b"}, "id"),
        ({"id": None}, "id"), ({"name": 1}, "name"), ({"version": 1.0}, "version"),
        ({"capabilities": "greet"}, "capabilities"), ({"capabilities": [1]}, "capabilities"),
        ({"capabilities": ["a b"]}, "capabilities"), ({"location": 5}, "location"),
        ({"location": "file:///etc/passwd"}, "location"), ({"location": "localhost"}, "location"),
        ({"location": "http://h:99999"}, "location"), ({"mode": []}, "mode"),
        ({"name": "x" * 20_000}, "metadata"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_400_and_named(
    spoken: Spoken, change: dict[str, object], field: str
) -> None:
    status, answer = await spoken.ask("POST", "/api/register", {**HELLO, **change})
    assert status == 400
    check_shape(answer, ERROR)
    assert field in answer["error"]
    assert len(spoken.program.app.registry.catalogue) == 0


@pytest.mark.parametrize("field", ["id", "location"])
async def test_a_missing_field_is_400_and_named(spoken: Spoken, field: str) -> None:
    body = {name: value for name, value in HELLO.items() if name != field}
    assert await spoken.ask("POST", "/api/register", body) == (
        400,
        {"error": f"{field}: is missing"},
    )


async def test_the_variables_of_the_document_set_it(
    speak: Speak, capsys: pytest.CaptureFixture[str]
) -> None:
    variables = {"REGISTRY_DEBUG": "true", "HEALTH_CHECK_INTERVAL": "7"}
    spoken = await speak("modularity", environment=variables)
    assert spoken.program.settings.modularity_interval == 7
    await spoken.ask("GET", "/health")
    out = capsys.readouterr()
    assert "path=/health" in out.out + out.err
