"""Dialects at the command line: where they listen is told, and what is wrong in one sentence."""

import aiohttp
import pytest

from dnsregistry.servers.sockets import listen_tcp
from tests.endtoend.conftest import Serve
from tests.endtoend.process import run

FREE_PORTS = ("--dns-port=0", "--http-port=0")


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
        (("--dialects=tip-port",), {}, "'tip-port' is no dialect; did you mean ip-port?"),
        (("--dialects=modularity",), {"REGISTRY_HOST": "0.0.0.0"}, "say INSECURE=true"),
        (("--dialects=ip-port",), {"ALLOWED_ORIGINS": "x"}, "ALLOWED_ORIGINS=x: 'x' is no origin"),
        (("--dialects=ip-port",), {"MAX_INSTANCES_PER_SERVICE": "0"},
         "MAX_INSTANCES_PER_SERVICE=0: input should be greater"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_one_sentence(
    flags: tuple[str, ...], variables: dict[str, str], sentence: str
) -> None:
    finished = await run(*FREE_PORTS, *flags, variables=variables)
    assert finished.code == 1
    last = finished.err.strip().splitlines()[-1]
    assert last.startswith("Error: ")
    assert sentence in last
