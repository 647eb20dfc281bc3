"""The agents' document with its own variables for a Redis: several registries are one."""

from typing import Any

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, until
from tests.redisserver import RedisServer

PREFIX = "agents/registry:"
AGENT = {
    "action": "register_agent",
    "agent_id": "MyAgent",
    "host": "localhost",
    "port": 5000,
    "capabilities": ["feature1"],
}


@pytest.fixture
def server(launch: Launch) -> RedisServer:
    return launch("--appendonly", "no")


async def _serve(serve: Serve, server: RedisServer, prefix: str) -> Node:
    return await serve(
        "--dialects=agents:0",
        "--agents-health-port=0",
        DNSREGISTRY_STORE=None,
        SERVICE_REGISTRY_BACKEND="redis",
        SERVICE_REGISTRY_REDIS_URL=f"{server.url}/0",
        SERVICE_REGISTRY_REDIS_PREFIX=prefix,
    )


async def _ask(node: Node, request: object) -> Any:
    port = node.served.told["dialects"]["agents"]["port"]
    async with node.http.post(f"http://127.0.0.1:{port}/", json=request) as response:
        return await response.json()


async def _ids(node: Node) -> list[str]:
    told = await _ask(node, {"action": "list_agents"})
    return list(told["agents"])


async def _finds(node: Node) -> bool:
    return await _ids(node) == ["MyAgent"]


async def test_agents_of_one_prefix_share_a_registry_and_those_of_another_do_not(
    server: RedisServer, serve: Serve
) -> None:
    here, there = await _serve(serve, server, PREFIX), await _serve(serve, server, PREFIX)
    apart = await _serve(serve, server, "others")
    assert await _ask(here, AGENT) == {"status": "success"}
    await until(lambda: _finds(there))
    told = await _ask(there, {"action": "get_agent_endpoint", "agent_name": "MyAgent"})
    assert told["status"] == "success"
    assert (await there.ask("_myagent._tcp", "SRV")).rdatas
    assert await _ids(apart) == []
    keys = {key.decode() for key in server.command("KEYS", "*")}
    assert {key.split("}")[0] for key in keys} == {"{" + PREFIX, "{others"}


async def test_agents_are_there_still_when_all_registries_were_away(
    server: RedisServer, serve: Serve
) -> None:
    before = await _serve(serve, server, PREFIX)
    assert await _ask(before, AGENT) == {"status": "success"}
    await before.served.kill()
    after = await _serve(serve, server, PREFIX)
    assert await _ids(after) == ["MyAgent"]
    assert (await after.stats())["store"]["engine"] == "redis"
