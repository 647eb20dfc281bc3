"""A machine of its own: a network and a mount namespace with the server in it."""

import asyncio
import os
import shlex
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.endtoend.process import command, environment
from tests.machine import give_up, require
from tests.program import PATIENCE

API = "http://127.0.0.1:8053"


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


@asynccontextmanager
async def make_machine(folder: Path) -> AsyncIterator[Machine]:
    """A machine while the context lasts; what the server writes is in the folder."""
    await _check_namespaces()
    nsenter = [require("nsenter"), "--net", "--mount"]
    if os.geteuid() != 0:
        nsenter += ["--user", "--preserve-credentials"]
    inside = await asyncio.create_subprocess_exec(
        *(require("unshare"), *_namespaces(), "sh", "-c", _setup(folder)),
        stdout=PIPE,
        stderr=PIPE,
        env=environment({}),
    )
    try:
        async with asyncio.timeout(PATIENCE):
            while not os.path.exists(folder / "ready"):  # noqa: ASYNC240
                assert inside.returncode is None, await inside.communicate()
                await asyncio.sleep(0.02)
        yield Machine(inside, [*nsenter, f"--target={inside.pid}"])
    finally:
        if inside.returncode is None:
            inside.terminate()
        async with asyncio.timeout(PATIENCE):
            await inside.communicate()
