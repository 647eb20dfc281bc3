"""Dialects at the command line: where they listen is told, and what is wrong in one sentence."""

import aiohttp
import pytest
import zmq
import zmq.asyncio

from dnsregistry.servers.sockets import listen_tcp
from tests.dialects.sockets import Line
from tests.endtoend.conftest import Serve
from tests.endtoend.process import run

FREE_PORTS = ("--dns-port=0", "--http-port=0")
NO_STORE = {"DNSREGISTRY_STORE": None}
"""So that a document's variable says which."""


async def test_where_each_dialect_listens_is_told(serve: Serve) -> None:
    served = await serve("--dialects=base-url:0,ip-port:[::1]:0")
    ports = {name: bound["port"] for name, bound in served.told["dialects"].items()}
    assert served.told["dialects"]["ip-port"]["host"] == "::1"
    url = f"http://127.0.0.1:{ports['base-url']}/status"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert response.status == 200
    lines = (await served.stop()).out.splitlines()
    assert f"base-url 127.0.0.1:{ports['base-url']}" in lines
    assert f"ip-port [::1]:{ports['ip-port']}" in lines


async def test_the_documents_flags_and_variables_say_where(serve: Serve) -> None:
    with listen_tcp("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    flags = ("--dialects=modularity", "--host=localhost", f"--port={port}", "--debug")
    served = await serve(*flags, REGISTRY_PORT="1")
    assert served.told["dialects"] == {"modularity": {"host": "127.0.0.1", "port": port}}
    url = f"http://127.0.0.1:{port}/health"
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        assert (await response.json())["status"] == "healthy"
    assert "path=/health" in (await served.stop()).err
    with listen_tcp("127.0.0.1", 0) as free:
        port = free.getsockname()[1]
    served = await serve("--dialects=ip-port", PORT=str(port))
    assert served.told["dialects"]["ip-port"]["port"] == port


@pytest.mark.parametrize(
    ("flags", "variables", "sentence"),
    [
        (("--port=1",), {}, "--port is a flag of modularity, which is off"),
        (("--dialects=modularity", "--port=x"), {}, "REGISTRY_PORT=x: 'x' is no port number"),
        (("--backend=redis",), {}, "--backend is a flag of agents, which is off"),
        (("--dialects=agents:0", "--backend=etcd"), NO_STORE,
         "SERVICE_REGISTRY_BACKEND=etcd: is neither"),
        (("--dialects=agents:0", "--backend=redis", "--redis-url=redis://127.0.0.1:x"), NO_STORE,
         "SERVICE_REGISTRY_BACKEND=redis://127.0.0.1:x: has no port"),
        (("--dialects=agents:0",), {"SERVICE_REGISTRY_REDIS_PREFIX": "a prefix"},
         "SERVICE_REGISTRY_REDIS_PREFIX=a prefix: "),
        (("--scan-ranges=10.0.0.0/8",), {}, "SCAN_RANGES=10.0.0.0/8: 10.0.0.0/8 is larger than"),
        (("--dialects=tip-port",), {}, "'tip-port' is no dialect; did you mean ip-port?"),
        (("--dialects=modularity",), {"REGISTRY_HOST": "0.0.0.0"}, "say INSECURE=true"),
        (("--dialects=ip-port",), {"ALLOWED_ORIGINS": "x"}, "ALLOWED_ORIGINS=x: 'x' is no origin"),
        (("--dialects=ip-port",), {"MAX_INSTANCES_PER_SERVICE": "0"},
         "MAX_INSTANCES_PER_SERVICE=0: input should be greater"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_one_sentence(
    flags: tuple[str, ...], variables: dict[str, str | None], sentence: str
) -> None:
    finished = await run(*FREE_PORTS, *flags, variables=variables)
    assert finished.code == 1
    last = finished.err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert sentence in last


async def test_agents_and_scanner_are_served_by_one_process_and_it_ends_clean(serve: Serve) -> None:
    flags = ("--dialects=scanner:0,agents:0", "--agents-health-port=0", "--backend=memory")
    served = await serve(*flags, "--scan-ranges=127.0.0.1", "--scan-port=1")
    ports = {name: bound["port"] for name, bound in served.told["dialects"].items()}
    assert set(ports) == {"scanner", "agents", "agents-health"}
    with zmq.asyncio.Context() as context, context.socket(zmq.REQ) as req:
        req.linger = 0
        req.connect(f"tcp://127.0.0.1:{ports['agents']}")
        agent = {"agent_id": "MyAgent", "host": "localhost", "port": 5000}
        await req.send_json({"action": "register_agent", **agent})
        assert await req.recv_json() == {"status": "success"}
    line = await Line.open(ports["scanner"])
    [service] = (await line.ask({"query_type": "list_all"}))["services"]
    assert (service["service_id"], service["type"]) == ("MyAgent", "myagent")
    # Both connections are still open; the stop waits for neither.
    assert f"agents 127.0.0.1:{ports['agents']}" in (await served.stop()).out.splitlines()
    await line.close()
