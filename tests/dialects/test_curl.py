"""The documents' own lines for curl, as they stand there, run one after the other."""

import asyncio
import json
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from dnsregistry.api.dialects.known import USUAL_PORTS
from tests.dialects.conftest import Speak
from tests.machine import require
from tests.program import PATIENCE

CLIENTS = Path(__file__).parent / "clients"


async def _run(name: str, port: int) -> list[Any]:
    """The JSON that each command prints."""
    require("curl")
    script = (CLIENTS / f"{name}.sh").read_text().replace(str(USUAL_PORTS[name]), str(port))
    silent = 'curl() { command curl --silent --show-error --fail "$@"; }\nset -e\n'
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", silent + script, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return [json.loads(line) for line in out.splitlines()]


async def test_the_lines_of_modularity(speak: Speak) -> None:
    spoken = await speak("modularity")
    registered, listed, provider, found, removed, health = await _run("modularity", spoken.port)
    assert registered == {"status": "registered", "service_id": "hello-service"}
    assert [item["id"] for item in listed["services"]] == ["hello-service"]
    assert provider == {**listed["services"][0], "mode": "http"}
    assert found["version"] == "1.0.0"
    assert removed["service_id"] == "hello-service"
    assert health["service"] == "modularity-registry"


async def test_the_lines_of_ip_port(speak: Speak) -> None:
    spoken = await speak("ip-port")
    registered, beaten, resolved, listed, stats = await _run("ip-port", spoken.port)
    assert registered["instance"]["id"] == beaten["instance"]["id"]
    assert resolved["instances"] == listed["services"]["test-service"]["instances"]
    assert (stats["totalRegistrations"], stats["totalHeartbeats"]) == (1, 1)
    assert await spoken.srv("test-service") == [("127.0.0.1", 4000)]
