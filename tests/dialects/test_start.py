"""Dialects as a part of the program: bound, told, and started with it."""

import socket

import pytest

from dnsregistry.api.dialects.known import USUAL_PORTS
from dnsregistry.servers.sockets import ListenError
from dnsregistry.settings import SettingsError, load
from tests.conftest import Start
from tests.program import LOOPBACK


async def test_a_dialect_listens_on_a_free_port_and_that_is_told(start: Start) -> None:
    program = await start(dialects="base-url:0")
    assert set(program.dialects) == {"base-url"}
    url = f"http://127.0.0.1:{program.dialects['base-url']}/status"
    async with program.http.get(url) as response:
        assert response.status == 200


async def test_all_dialects_listen_at_their_documents_own_ports(start: Start) -> None:
    for port in (*USUAL_PORTS.values(), 8100):
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            pytest.skip(f"port {port} is somebody else's on this machine")
    program = await start(dialects="all", agents_health_port=8100)
    assert program.dialects == {**USUAL_PORTS, "agents-health": 8100}
    for url, body in (
        ("http://localhost:5353", {"query_type": "list_all"}),
        ("http://localhost:5000/api/services", None),
        ("http://localhost:7100", {"action": "list_agents"}),
        ("http://localhost:8100/health", None),
        ("http://localhost:3100/services", None),
        ("http://localhost:8006/services", None),
    ):
        method = "GET" if body is None else "POST"
        async with program.http.request(method, url, json=body) as response:
            assert response.status == 200


async def test_a_taken_port_ends_the_start_and_names_the_dialect(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ListenError, match=r"DIALECTS, base-url: .* another program listens"):
            await start(dialects=f"base-url:{port}")


def test_a_variable_of_a_document_is_a_setting_while_its_dialect_is_on() -> None:
    variables = {"HEARTBEAT_TIMEOUT": "7"}
    assert load({"dialects": "base-url"}, variables, None)[0].base_url_ttl == 7
    assert load({}, variables, None)[0].base_url_ttl == 30
    own_way = {"dialects": "base-url", "base_url_ttl": "9"}
    assert load(own_way, variables, None)[0].base_url_ttl == 9


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^HEARTBEAT_TIMEOUT=soon: "):
        load({"dialects": "base-url"}, {"HEARTBEAT_TIMEOUT": "soon"}, None)


def test_a_dialect_open_to_others_must_be_meant() -> None:
    with pytest.raises(SettingsError, match="INSECURE=true"):
        load({"dialects": "base-url:0.0.0.0:8006"}, {}, None)
    load({"dialects": "base-url:0.0.0.0:8006", "insecure": True}, {}, None)
