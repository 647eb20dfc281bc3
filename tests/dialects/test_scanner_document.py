"""The scanner's document, example by example, over real sockets."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import pytest

from dnsregistry.settings import SettingsError, load
from tests.conftest import Start
from tests.dialects.conftest import choose_entry
from tests.dialects.sockets import Line, is_free
from tests.program import PATIENCE, Clock, Program
from tests.scan.peers import Peers, identify

NETWORK = "127.78.1"
RANGE = f"{NETWORK}.0/27"
COORDINATOR = f"coordinator_{NETWORK}.10_8080"
SCRAPPER = f"scrapper_{NETWORK}.15_8080"
METADATA = {"host": f"{NETWORK}.10", "port": 8080, "total_clients": 5}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    """The document's coordinator and scrapper, at its SCAN_PORT where that is free."""
    started = Peers(NETWORK)
    if all(is_free(8080, f"{NETWORK}.{host}") for host in (10, 15)):
        started.port = 8080
    await started.start(10, identify("coordinator", COORDINATOR, metadata=METADATA))
    await started.start(15, identify("scrapper", SCRAPPER))
    yield started
    await started.close()


@pytest.fixture
async def program(start: Start, peers: Peers) -> Program:
    """A registry as the document starts it, after its first round."""
    environment = {"NETWORK_RANGE": RANGE, "SCAN_PORT": str(peers.port)}
    program = await start(None, environment, dialects=choose_entry("scanner"), scan_rate=1000)
    async with asyncio.timeout(PATIENCE):
        while len(program.app.registry.catalogue) < 2:  # noqa: ASYNC110 - the scan has no event
            await asyncio.sleep(0.01)
    return program


async def _ask(program: Program, query: object, end: bytes = b"\n") -> Any:
    line = await Line.open(program.dialects["scanner"])
    answer = await line.ask(query, end=end)
    await line.close()
    return answer


def _check(service: dict[str, Any], peers: Peers, host: int, kind: str, metadata: object) -> None:
    assert service == {
        "service_id": f"{kind}_{NETWORK}.{host}_8080",
        "type": kind,
        "ip": f"{NETWORK}.{host}",
        "port": peers.port,
        "last_seen": service["last_seen"],
        "metadata": metadata,
    }
    assert TIME.fullmatch(service["last_seen"])


@pytest.mark.parametrize("end", [b"\n", b"", b"\r\n"])
async def test_list_all_lists_what_the_scan_found(
    program: Program, peers: Peers, end: bytes
) -> None:
    answer = await _ask(program, {"query_type": "list_all"}, end)
    assert set(answer) == {"services", "count"}
    assert answer["count"] == 2
    coordinator, scrapper = answer["services"]
    _check(coordinator, peers, 10, "coordinator", METADATA)
    _check(scrapper, peers, 15, "scrapper", {})


async def test_find_by_type_lists_one_type(program: Program, peers: Peers) -> None:
    query = {"query_type": "find_by_type", "service_type": "coordinator"}
    answer = await _ask(program, query)
    assert answer["count"] == 1
    _check(answer["services"][0], peers, 10, "coordinator", METADATA)
    query["service_type"] = "gateway"
    assert await _ask(program, query) == {"services": [], "count": 0}


async def test_find_by_id_finds_one(program: Program, peers: Peers) -> None:
    query = {"query_type": "find_by_id", "service_id": COORDINATOR}
    answer = await _ask(program, query)
    assert (answer["found"], answer["count"]) == (True, 1)
    assert answer["services"] == [answer["service"]]
    _check(answer["service"], peers, 10, "coordinator", METADATA)
    query["service_id"] = "nobody"
    assert await _ask(program, query) == {"found": False, "services": [], "count": 0}


async def test_the_same_bodies_go_by_post(program: Program) -> None:
    url = f"http://127.0.0.1:{program.dialects['scanner']}/"
    for query in (
        {"query_type": "list_all"},
        {"query_type": "find_by_type", "service_type": "scrapper"},
        {"query_type": "find_by_id", "service_id": SCRAPPER},
    ):
        async with program.http.post(url, json=query) as response:
            assert response.status == 200
            assert response.content_type == "application/json"
            posted = await response.json()
        assert posted == await _ask(program, query)


async def test_what_was_found_is_in_dns(program: Program, peers: Peers) -> None:
    reply = await program.ask("_coordinator._tcp.registry.local", "SRV")
    assert reply.rdatas[0].split()[2] == str(peers.port)
    assert (await program.ask("scrapper.registry.local")).rdatas == [f"{NETWORK}.15"]


async def test_the_command_line_prints_the_same_answers(program: Program) -> None:
    async def run(*arguments: str) -> Any:
        variables = {**os.environ, "REGISTRY_PORT": str(program.dialects["scanner"])}
        command = [sys.executable, "-m", "dnsregistry", "legacy", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=variables)
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        assert process.returncode == 0
        return json.loads(out)

    assert await run("list") == await _ask(program, {"query_type": "list_all"})
    query = {"query_type": "find_by_type", "service_type": "coordinator"}
    assert await run("type", "coordinator") == await _ask(program, query)
    assert (await run("type", "scrapper"))["services"][0]["service_id"] == SCRAPPER
    assert (await run("id", COORDINATOR))["service"]["service_id"] == COORDINATOR


async def test_what_others_registered_is_listed_too_with_what_the_document_left_for_later(
    start: Start,
) -> None:
    clock = Clock()
    program = await start(clock, dialects="scanner:0")
    await program.register("Web-1", service="web", ports={"admin": 9000}, weight=5, ttl=30)
    await program.register("web-2", service="web", address="backend.example", ttl=None)
    await program.register("web-3", service="web")
    await program.set_status("web-3", "draining")
    answer = await _ask(program, {"query_type": "find_by_type", "service_type": "Web"})
    common = {"type": "web", "port": 8080, "last_seen": "2027-01-15T08:00:00", "metadata": {}}
    later = {"ports": {"admin": 9000}, "weight": 5}
    assert answer == {
        "services": [
            {"service_id": "Web-1", "ip": "10.0.0.1", **common, **later},
            {"service_id": "web-2", "ip": "backend.example", **common},
        ],
        "count": 2,
    }
    clock.advance(30)
    assert (await _ask(program, {"query_type": "list_all"}))["count"] == 1
    answer = await _ask(program, {"query_type": "find_by_id", "service_id": "Web-1"})
    assert answer["found"] is False


def test_the_documents_variables_are_settings_while_the_dialect_is_on() -> None:
    variables = {"NETWORK_RANGE": "192.168.1.0/24", "SCAN_PORT": "8081", "REGISTRY_PORT": "5354"}
    settings, _ = load({"dialects": "scanner"}, variables, None)
    assert [str(network) for network in settings.scan_ranges] == ["192.168.1.0/24"]
    assert settings.scan_port == (8081,)
    assert [str(place) for place in settings.places] == ["scanner:5354"]
    settings, _ = load({}, variables, None)
    assert settings.scan_ranges == ()
    with pytest.raises(SettingsError, match=r"^NETWORK_RANGE=10.0.0.0/8: .* larger than a /16"):
        load({"dialects": "scanner"}, {"NETWORK_RANGE": "10.0.0.0/8"}, None)


def test_a_variable_that_two_documents_read_says_what_to_set_instead() -> None:
    both = {"dialects": "scanner,modularity"}
    with pytest.raises(SettingsError, match="REGISTRY_PORT=7000 means the port of") as caught:
        load(both, {"REGISTRY_PORT": "7000"}, None)
    assert "scanner:" in str(caught.value)
    assert "modularity:" in str(caught.value)
    settings, _ = load({"dialects": "scanner:1,modularity:2"}, {"REGISTRY_PORT": "7000"}, None)
    assert [str(place) for place in settings.places] == ["scanner:1", "modularity:2"]
