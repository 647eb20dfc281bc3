"""Unchanged programs find a service by its name: in a network of its own, with port 53."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest

from tests.endtoend.machine import API, Machine
from tests.machine import require
from tests.program import PATIENCE

BACKEND_PORT = 8080
HOST = "user-service.registry.local"


@pytest.fixture
async def backend(machine: Machine) -> AsyncIterator[None]:
    """An HTTP server in the machine, registered with curl."""
    code = (
        "import http.server as h\n"
        "class Hello(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        "        self.send_response(200); self.end_headers()\n"
        "        self.wfile.write(b'hello from ' + self.headers['Host'].encode())\n"
        f"server = h.HTTPServer(('127.0.0.1', {BACKEND_PORT}), Hello)\n"
        "print('ready', flush=True)\n"
        "server.serve_forever()\n"
    )
    process = await machine.spawn(sys.executable, "-c", code)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert await process.stdout.readline() == b"ready\n"
        body = f'{{"service": "user-service", "address": "127.0.0.1", "port": {BACKEND_PORT}}}'
        curl = [require("curl"), "-fsS", "-X", "POST", "-H", "Content-Type: application/json"]
        await machine.run(*curl, "-d", body, f"{API}/v1/instances")
        yield
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.usefixtures("backend")
async def test_getent_finds_a_registered_service(machine: Machine) -> None:
    out = await machine.run(require("getent"), "ahosts", HOST)
    assert {line.split()[0] for line in out.splitlines()} == {"127.0.0.1"}


@pytest.mark.usefixtures("backend")
async def test_curl_reaches_a_registered_service_by_its_name(machine: Machine) -> None:
    out = await machine.run(require("curl"), "-fsS", f"http://{HOST}:{BACKEND_PORT}/")
    assert out == f"hello from {HOST}:{BACKEND_PORT}"


@pytest.mark.usefixtures("backend")
async def test_a_programs_own_resolver_call_finds_it(machine: Machine) -> None:
    code = f"import socket; print(socket.getaddrinfo('{HOST}', 80, type=socket.SOCK_STREAM))"
    assert "('127.0.0.1', 80)" in await machine.run(sys.executable, "-c", code)


async def test_a_name_that_nobody_registered_is_not_found(machine: Machine) -> None:
    process = await machine.spawn(require("getent"), "ahosts", "nobody.registry.local")
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    # 2: "One or more supplied key could not be found in the database" (getent(1)).
    assert (process.returncode, out) == (2, b"")
