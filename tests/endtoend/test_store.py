"""The store in a process of its own: a disk that fills up, and a start that is refused."""

import asyncio
import os
import shlex
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.endtoend.process import Served, command, environment, run
from tests.machine import give_up, require
from tests.program import PATIENCE

BLOB = "x" * 8000


class SmallDisk:
    """A server whose store is on a file system of its own, of a few hundred kilobytes."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served = served
        self.folder = folder

    async def grow(self) -> None:
        """Make room."""
        enter = [require("nsenter"), f"--target={self.served.process.pid}", "--mount"]
        if os.geteuid() != 0:
            enter += ["--user", "--preserve-credentials"]
        mount = [require("mount"), "-o", "remount,size=64m", str(self.folder)]
        process = await asyncio.create_subprocess_exec(*enter, *mount, stderr=PIPE)
        _, err = await process.communicate()
        assert process.returncode == 0, err


@pytest.fixture
async def small_disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    own = ["--mount"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--mount"]
    unshare = [require("unshare"), *own]
    probe = await asyncio.create_subprocess_exec(*unshare, "true", stderr=PIPE)
    _, err = await probe.communicate()
    if probe.returncode:
        give_up(f"the kernel refuses namespaces: {err.decode().strip()}")
    folder, ready = tmp_path / "disk", tmp_path / "ready"
    os.mkdir(folder)
    serve = [command(), "serve", "--dns-port=0", "--http-port=0", f"--ready-file={ready}"]
    serve.append(f"--store=sqlite:///{folder}/registry.db")
    mount = [require("mount"), "-t", "tmpfs", "-o", "size=400k", "none", str(folder)]
    process = await asyncio.create_subprocess_exec(
        *(*unshare, "sh", "-c", f"{shlex.join(mount)} && exec {shlex.join(serve)}"),
        stdout=PIPE,
        stderr=PIPE,
        env=environment({}),
    )
    served = Served(process)
    try:
        await served.wait_ready(ready)
        yield SmallDisk(served, folder)
    finally:
        await served.kill()


async def _register(session: ClientSession, name: str) -> int:
    body = {"service": "web", "address": "10.0.0.1", "port": 80, "metadata": {"blob": BLOB}}
    async with session.put(f"/v1/instances/{name}", json=body) as response:
        answer = await response.json()
        if response.status == 503:
            assert response.headers["Retry-After"] == "1"
            assert response.headers["Content-Type"] == "application/problem+json"
            assert answer["type"] == "store-away"
            assert "the disk is full" in answer["detail"]
        return response.status


async def test_a_full_disk_refuses_registrations_and_nothing_else(small_disk: SmallDisk) -> None:
    served, held = small_disk.served, []
    async with ClientSession(served.url) as session:
        for number in range(200):
            status = await _register(session, f"i{number}")
            if status == 503:
                break
            assert status == 201
            held.append(f"i{number}")
        assert 1 < len(held) < 100
        for name in held:
            reply = await served.dns.ask(f"{name}.i.registry.local", "A")
            assert reply.rdatas == ["10.0.0.1"]
        assert (await served.dns.ask(f"i{len(held)}.i.registry.local", "A")).rcode == "NXDOMAIN"
        async with session.post("/v1/heartbeats", json={"ids": held}) as response:
            assert (await response.json())["renewed"] == len(held)
        async with session.get("/ready") as response:
            ready = await response.json()
            assert (response.status, ready["status"]) == (200, "degraded")
            assert "the store takes no change since 20" in ready["reasons"][0]
        await small_disk.grow()
        async with asyncio.timeout(PATIENCE):
            while (status := await _register(session, "after")) != 201:
                assert status == 503
                await asyncio.sleep(0.05)
        async with session.get("/ready") as response:
            assert (await response.json()) == {"status": "ready"}
    finished = await served.stop()
    assert finished.code == 0
    assert finished.err.count("the store takes no change;") == 1
    assert finished.err.count("the store takes changes again") == 1


async def test_a_store_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    path.write_text("no database" * 500)
    ports = ("--dns-port=0", "--http-port=0")
    finished = await run(*ports, f"--store=sqlite:///{path}")
    assert finished.code == 1
    assert [line for line in finished.err.splitlines() if "Error" in line] == [
        f"Error: the store {path} cannot be used: it is no SQLite database (file is not a database)"
    ]
