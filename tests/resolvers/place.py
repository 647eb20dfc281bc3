"""Where a program runs: on the machine itself, or in a namespace with addresses of its own."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.machine import give_up, require
from tests.program import PATIENCE


@dataclass(frozen=True, slots=True)
class Place:
    """Runs programs; `prefix` is the command that takes them there."""

    prefix: tuple[str, ...] = ()

    async def start(
        self, *command: str | Path, output: IO[bytes] | int
    ) -> asyncio.subprocess.Process:
        """Start a program with nothing to read and everything it says in `output`."""
        return await asyncio.create_subprocess_exec(
            *self.prefix,
            *map(str, command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(),
        )

    async def run(self, *command: str | Path, check: bool = True) -> str:
        """What a program prints until it ends."""
        process = await self.start(*command, output=asyncio.subprocess.PIPE)
        try:
            async with asyncio.timeout(PATIENCE):
                output, _ = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        text = output.decode()
        assert not check or process.returncode == 0, f"{command}: {process.returncode}: {text}"
        return text


MACHINE = Place()


@contextlib.asynccontextmanager
async def open_namespace(
    *address: str, mounts: Sequence[tuple[Path, str]] = ()
) -> AsyncIterator[Place]:
    """A network without a way out, where the addresses are the loopback interface's.

    A mount is a file and the path that it takes, for the programs in there alone. What holds the
    namespace open ends with its standard input, so also with the test run.
    """
    as_root = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    setup = ["ip link set lo up"]
    setup += [f"ip address add {one} dev lo" for one in address]
    setup += [f"mount --bind '{source}' '{target}'" for source, target in mounts]
    script = " && ".join([*setup, "echo open", "exec cat"])
    holder = await asyncio.create_subprocess_exec(
        *(require("unshare"), *as_root, "--net", "--mount", "sh", "-c", script),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    assert holder.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE):
            if await holder.stdout.readline() != b"open\n":
                reason = (await holder.stderr.read()).decode().strip()
                give_up(f"the system allows no namespace: {reason}")
        user = () if not as_root else ("--user", "--preserve-credentials")
        enter = (require("nsenter"), f"--target={holder.pid}", *user, "--net", "--mount")
        yield Place((*enter, f"--wd={Path.cwd()}", "--"))
    finally:
        holder.stdin.close()
        async with asyncio.timeout(PATIENCE):
            await holder.communicate()


def _environment() -> dict[str, str]:
    """The test's own, so that coverage and the path to the code stay, in a plain language."""
    return {**os.environ, "LC_ALL": "C"}
