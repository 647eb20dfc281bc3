"""The agents' document, example by example: by its curl commands, and over ZeroMQ."""

import asyncio
import json
import re
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import zmq
import zmq.asyncio

from dnsregistry.api.dialects.dialect import CannotServe
from dnsregistry.servers.sockets import ListenError
from dnsregistry.settings import SettingsError, load
from tests.conftest import Start
from tests.dialects.conftest import choose_entry
from tests.dialects.sockets import is_free
from tests.machine import require
from tests.program import PATIENCE, Program

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
MY_AGENT = {
    "action": "register_agent",
    "agent_id": "MyAgent",
    "host": "localhost",
    "port": 5000,
    "health_check_port": 6000,
    "agent_type": "service",
    "capabilities": ["feature1", "feature2"],
    "metadata": {"version": "1.0.0"},
}
GET = {"action": "get_agent_endpoint", "agent_name": "MyAgent"}

Ask = Callable[[object], Awaitable[Any]]


@pytest.fixture
async def program(start: Start) -> Program:
    """The program at the document's ports, where they are free."""
    health = 8100 if is_free(8100) else 0
    return await start(dialects=choose_entry("agents"), agents_health_port=health)


@pytest.fixture
async def over_zmq(program: Program) -> AsyncIterator[Ask]:
    """A REQ socket, as the document's clients have."""
    with zmq.asyncio.Context() as context, context.socket(zmq.REQ) as req:
        req.linger = 0
        req.connect(f"tcp://localhost:{program.dialects['agents']}")

        async def ask(request: object) -> Any:
            async with asyncio.timeout(PATIENCE):
                await req.send_json(request)
                return await req.recv_json()

        yield ask


@pytest.fixture
def over_http(program: Program) -> Ask:
    async def ask(request: object) -> Any:
        url = f"http://127.0.0.1:{program.dialects['agents']}"
        async with program.http.post(url, json=request) as response:
            assert response.content_type == "application/json"
            return await response.json()

    return ask


@pytest.fixture(params=["zmq", "http"])
def ask(request: pytest.FixtureRequest) -> Ask:
    asked: Ask = request.getfixturevalue(f"over_{request.param}")
    return asked


async def test_an_agent_is_registered_found_and_listed(ask: Ask, program: Program) -> None:
    assert await ask(MY_AGENT) == {"status": "success"}
    answer = await ask(GET)
    assert answer == {
        "status": "success",
        "host": "localhost",
        "port": 5000,
        "health_check_port": 6000,
        "agent_type": "service",
        "capabilities": ["feature1", "feature2"],
        "metadata": {"version": "1.0.0"},
        "last_registered": answer["last_registered"],
    }
    assert TIME.fullmatch(answer["last_registered"])
    for name in ("AnotherAgent", "ThirdAgent"):
        await ask({**MY_AGENT, "agent_id": name})
    answer = await ask({"action": "list_agents"})
    assert set(answer) == {"status", "agents"}
    assert answer["status"] == "success"
    assert sorted(answer["agents"]) == ["AnotherAgent", "MyAgent", "ThirdAgent"]


async def test_an_agent_is_in_dns(ask: Ask, program: Program) -> None:
    await ask(MY_AGENT)
    reply = await program.ask("_myagent._tcp.registry.local", "SRV")
    assert reply.rdatas[0].split()[2] == "5000"
    assert (await program.ask("MyAgent.registry.local")).rdatas == ["127.0.0.1"]
    assert (await program.ask("service.myagent.registry.local")).rdatas == ["127.0.0.1"]
    assert (await program.ask("feature1.cap.registry.local")).rdatas == ["127.0.0.1"]
    reply = await program.ask("_health._tcp.myagent.registry.local", "SRV")
    assert reply.rdatas[0].split()[2] == "6000"


async def test_the_last_registration_wins_and_never_ends(ask: Ask, start: Start) -> None:
    await ask(MY_AGENT)
    await ask({**MY_AGENT, "host": "10.0.0.9", "port": 5001, "capabilities": []})
    answer = await ask(GET)
    assert (answer["host"], answer["port"], answer["capabilities"]) == ("10.0.0.9", 5001, [])


async def test_a_year_later_an_agent_is_still_there(over_http: Ask, program: Program) -> None:
    await over_http(MY_AGENT)
    registered = (await over_http(GET))["last_registered"]
    program.clock.advance(366 * 86400)
    assert (await over_http(GET))["last_registered"] == registered
    assert (await program.ask("myagent.registry.local")).rdatas == ["127.0.0.1"]


async def _curl(*arguments: str) -> Any:
    command = [require("curl"), "-sS", "--noproxy", "*", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE)
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(out)


async def test_the_documents_curl_commands_work_as_they_are(program: Program) -> None:
    url = f"http://localhost:{program.dialects['agents']}"
    post = ("-X", "POST", url, "-H", "Content-Type: application/json", "-d")
    register = """{
    "action": "register_agent",
    "agent_id": "TestAgent",
    "host": "localhost",
    "port": 5000,
    "health_check_port": 6000,
    "agent_type": "service",
    "capabilities": ["test"],
    "metadata": {}
  }"""
    assert await _curl(*post, register) == {"status": "success"}
    get = """{
    "action": "get_agent_endpoint",
    "agent_name": "TestAgent"
  }"""
    answer = await _curl(*post, get)
    assert (answer["status"], answer["host"], answer["capabilities"]) == (
        "success",
        "localhost",
        ["test"],
    )
    answer = await _curl(*post, '{"action": "list_agents"}')
    assert answer == {"status": "success", "agents": ["TestAgent"]}
    answer = await _curl(f"http://localhost:{program.dialects['agents-health']}/health")
    assert answer == {
        "status": "ok",
        "message": "ServiceRegistry is healthy",
        "timestamp": answer["timestamp"],
    }
    assert TIME.fullmatch(answer["timestamp"])


async def test_what_dns_cannot_carry_is_told_as_it_was_said_and_is_not_in_dns(
    ask: Ask, program: Program
) -> None:
    said = {"agent_type": "LLM Service", "capabilities": ["text generation", "chat", "x" * 63]}
    assert await ask({**MY_AGENT, **said}) == {"status": "success"}
    answer = await ask(GET)
    assert {name: answer[name] for name in said} == said
    assert answer["metadata"] == {"version": "1.0.0"}
    assert (await program.ask("chat.cap.registry.local")).rdatas == ["127.0.0.1"]
    async with program.http.get("/v1/instances/MyAgent") as response:
        instance = await response.json()
    assert (instance["tags"], instance["capabilities"]) == ([], ["chat"])


async def test_an_agent_says_little_of_itself(ask: Ask) -> None:
    least = {"action": "register_agent", "agent_id": "MyAgent", "host": "10.0.0.1", "port": "5000"}
    assert await ask(least) == {"status": "success"}
    answer = await ask(GET)
    del answer["last_registered"]
    assert answer == {
        "status": "success",
        "host": "10.0.0.1",
        "port": 5000,
        "health_check_port": 5000,
        "agent_type": "service",
        "capabilities": [],
        "metadata": {},
    }


async def test_what_is_registered_one_level_down_is_taken_too(ask: Ask) -> None:
    inner = {name: value for name, value in MY_AGENT.items() if name != "action"}
    request = {"action": "register_agent", "registration_data": inner}
    assert await ask(request) == {"status": "success"}
    assert (await ask(GET))["port"] == 5000


@pytest.mark.parametrize("action", ["health", "health_check", "ping"])
async def test_the_registry_is_asked_for_its_health_as_any_agent(ask: Ask, action: str) -> None:
    answer = await ask({"action": action})
    assert (answer["status"], answer["message"]) == ("ok", "ServiceRegistry is healthy")


async def test_what_others_registered_is_an_agent_by_its_id_or_its_service(
    over_zmq: Ask, program: Program
) -> None:
    await program.register("Web-1", service="web", tags=["http"], weight=0)
    await program.register("web-2", service="web", address="10.0.0.2", weight=10)
    await program.register("web-3", service="web", address="10.0.0.3", priority=7)
    answer = await over_zmq({"action": "list_agents"})
    assert answer["agents"] == ["Web-1", "web-2", "web-3"]
    answer = await over_zmq({**GET, "agent_name": "web-1"})
    assert (answer["host"], answer["agent_type"]) == ("10.0.0.1", "http")
    answer = await over_zmq({**GET, "agent_name": "Web"})
    assert answer["host"] == "10.0.0.2"
    await program.set_status("web-2", "maintenance")
    assert (await over_zmq({**GET, "agent_name": "web"}))["host"] == "10.0.0.1"
    await program.set_status("Web-1", "draining")
    assert (await over_zmq({**GET, "agent_name": "web"}))["host"] == "10.0.0.3"
    assert (await over_zmq({**GET, "agent_name": "Web-1"}))["status"] == "error"
    assert (await over_zmq({"action": "list_agents"}))["agents"] == ["web-3"]


@pytest.mark.parametrize(
    ("request_", "message", "status"),
    [
        ({}, "action: is missing", 422),
        ({"action": None}, "action: is missing", 422),
        ({"action": "drop"}, "Unknown action: drop; there are register_agent", 400),
        ({"action": ["list_agents"]}, "Unknown action: ['list_agents']", 400),
        ({"action": "get_agent_endpoint"}, "agent_name: is missing", 422),
        ({"action": "get_agent_endpoint", "agent_name": 5}, "agent_name: must be text", 422),
        ({**GET, "agent_name": "Nobody"}, "Agent Nobody not found", 404),
        ({"action": "register_agent"}, "agent_id: is missing", 422),
        ({**MY_AGENT, "host": 7}, "host: must be text", 422),
        ({**MY_AGENT, "host": "not a host"}, "host: 'not a host' is no address", 422),
        ({**MY_AGENT, "port": "http"}, "port: must be a whole number", 422),
        ({**MY_AGENT, "port": 0}, "port: 0 is not between 1 and 65535", 422),
        ({**MY_AGENT, "port": True}, "port: must be a whole number", 422),
        ({**MY_AGENT, "health_check_port": 70000}, "health_check_port: 70000 is not", 422),
        ({**MY_AGENT, "agent_id": "two words"}, "agent_id: 'two words' may hold only", 422),
        ({**MY_AGENT, "agent_id": "a.b"}, "agent_id: 'a.b' holds a dot", 422),
        ({**MY_AGENT, "capabilities": "all"}, "capabilities: must be a list", 422),
        ({**MY_AGENT, "capabilities": [str(n) for n in range(70)]}, "capabilities: at most", 422),
        ({**MY_AGENT, "metadata": []}, "metadata: must be an object", 422),
        ({**MY_AGENT, "metadata": {"agent_said": 1}}, "metadata.agent_said: is a name of", 422),
        ({"action": "register_agent", "registration_data": [1]}, "", 422),
    ],
)
async def test_what_is_wrong_is_told_in_the_documents_form_both_ways(
    over_zmq: Ask, program: Program, request_: object, message: str, status: int
) -> None:
    answer = await over_zmq(request_)
    assert set(answer) == {"status", "message"}
    assert answer["status"] == "error"
    assert answer["message"].startswith(message)
    url = f"http://127.0.0.1:{program.dialects['agents']}/"
    async with program.http.post(url, json=request_) as response:
        assert response.status == status
        assert await response.json() == answer
    assert (await over_zmq({"action": "list_agents"}))["agents"] == []


def test_the_documents_variables_are_settings_while_the_dialect_is_on() -> None:
    variables = {"SERVICE_REGISTRY_PORT": "7102", "SERVICE_REGISTRY_HEALTH_PORT": "8102"}
    settings, _ = load({"dialects": "agents"}, variables, None)
    assert [str(place) for place in settings.places] == ["agents:7102"]
    assert settings.agents_health_port == 8102
    variables["SERVICE_REGISTRY_BACKEND"] = "memory"
    assert load({"dialects": "agents"}, variables, None)[0].store == "memory://"
    with pytest.raises(SettingsError, match=r"SERVICE_REGISTRY_BACKEND=etcd: is neither memory"):
        load({"dialects": "agents"}, {"SERVICE_REGISTRY_BACKEND": "etcd"}, None)


def test_the_redis_backend_is_the_store_of_its_url() -> None:
    from dnsregistry.api.dialects.agents.declaration import read_store

    backend = {"SERVICE_REGISTRY_BACKEND": "redis"}
    assert read_store(backend) == "redis://localhost:6379/0"
    url = {"SERVICE_REGISTRY_REDIS_URL": "redis://redis:6379/3"}
    assert read_store({**backend, **url}) == "redis://redis:6379/3"


async def test_without_zeromq_the_start_ends_with_the_extras_name(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "dnsregistry.api.dialects.agents.declaration.find_spec"
    monkeypatch.setattr(module, lambda name: None)
    with pytest.raises(ListenError, match=r"pip install 'dnsregistry\[zmq\]'") as caught:
        await start(dialects="agents:0", agents_health_port=0)
    assert not isinstance(caught.value, CannotServe)
