"""Unchanged programs find a service by its name: in a network of its own, with port 53."""

import asyncio
import os
import shlex
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.endtoend.process import command, environment
from tests.machine import give_up, require
from tests.program import PATIENCE

BACKEND_PORT = 8080
API = "http://127.0.0.1:8053"
HOST = "user-service.registry.local"


class Machine:
    """A network and a mount namespace, in which `serve` answers on port 53."""

    def __init__(self, inside: Process, nsenter: list[str]) -> None:
        self._inside = inside
        self._nsenter = nsenter

    async def run(self, *arguments: str) -> str:
        """Run a program in it; returns what it prints. It must end well."""
        process = await self.spawn(*arguments)
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode == 0, (arguments, out, err)
        return out.decode()

    async def spawn(self, *arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._nsenter, *arguments, stdout=PIPE, stderr=PIPE, env=environment({})
        )


def _namespaces() -> list[str]:
    """How to make namespaces; who is not root becomes it inside."""
    own = ["--net", "--mount"]
    return own if os.geteuid() == 0 else ["--user", "--map-root-user", *own]


async def _check_namespaces() -> None:
    process = await asyncio.create_subprocess_exec(
        require("unshare"), *_namespaces(), "true", stderr=PIPE
    )
    _, err = await process.communicate()
    if process.returncode:
        give_up(f"the kernel refuses namespaces: {err.decode().strip()}")


def _setup(folder: Path) -> str:
    """The shell lines that make the machine out of fresh namespaces, then run the server."""
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    # Many desktops hand names under .local to multicast DNS alone.
    (folder / "nsswitch.conf").write_text("hosts: files dns\n")
    mounts = [
        f"mount --bind {shlex.quote(str(folder / name))} /etc/{name}"
        for name in ("resolv.conf", "nsswitch.conf")
        if Path("/etc", name).exists()
    ]
    serve = [command(), "serve", "--dns-port", "53", "--ready-file", str(folder / "ready")]
    lines = ["set -e", f"{require('ip')} link set lo up", *mounts, f"exec {shlex.join(serve)}"]
    return "\n".join(lines)


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    await _check_namespaces()
    nsenter = [require("nsenter"), "--net", "--mount"]
    if os.geteuid() != 0:
        nsenter += ["--user", "--preserve-credentials"]
    inside = await asyncio.create_subprocess_exec(
        *(require("unshare"), *_namespaces(), "sh", "-c", _setup(tmp_path)),
        stdout=PIPE,
        stderr=PIPE,
        env=environment({}),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not os.path.exists(tmp_path / "ready"):  # noqa: ASYNC240
                assert inside.returncode is None, await inside.communicate()
                await asyncio.sleep(0.02)
        yield Machine(inside, [*nsenter, f"--target={inside.pid}"])
    finally:
        if inside.returncode is None:
            inside.terminate()
        async with asyncio.timeout(PATIENCE):
            await inside.communicate()


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
