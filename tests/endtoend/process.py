"""`dnsregistry serve` as a process, and what it says."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.program import PATIENCE, Dns

_TROUBLE = (
    "Traceback",
    "ResourceWarning",
    "never awaited",
    "Task was destroyed",
    "never retrieved",
)

_WARNINGS = "default::ResourceWarning"


@dataclass(frozen=True, slots=True)
class Finished:
    """How a process ended, and what it wrote."""

    code: int
    out: str
    err: str


def command() -> str:
    """The console script that was installed with the package."""
    return str(Path(sys.executable).with_name("dnsregistry"))


def environment(variables: Mapping[str, str | None]) -> dict[str, str]:
    """A clean environment in which Python tells of what it would keep to itself.

    A variable of None is left out, that of the store too.
    """
    told = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "PYTHONWARNINGS": _WARNINGS,
        "DNSREGISTRY_STORE": "memory://",
        **variables,
    }
    return {name: value for name, value in told.items() if value is not None}


async def run(*arguments: str, variables: Mapping[str, str | None] | None = None) -> Finished:
    """Run `dnsregistry serve`, which is expected to end on its own."""
    served = await Served.start(*arguments, variables=variables or {})
    try:
        return await _finish(served.process)
    finally:
        await served.kill()


class Served:
    """A running `dnsregistry serve`; `dns` asks it and `url` is its API."""

    def __init__(self, process: Process) -> None:
        self.process = process

    @classmethod
    async def start(
        cls, *arguments: str, variables: Mapping[str, str | None], within: Sequence[str] = ()
    ) -> "Served":
        """Start it with these arguments; `within` is a command that becomes it."""
        return cls(await _spawn([*within, command(), "serve", *arguments], variables))

    async def wait_ready(self, path: Path) -> None:
        """Wait for the ready file and read where the program listens."""
        async with asyncio.timeout(PATIENCE):
            while (told := _read(path)) is None:
                assert self.process.returncode is None, await _finish(self.process)
                await asyncio.sleep(0.02)
        assert told["pid"] == self.process.pid
        self.told: dict[str, Any] = told
        self.dns = Dns(told["dns"][0]["port"])
        self.http_port: int = told["http"]["port"]
        self.https_port: int = told["https"]["port"] if told["https"] else 0
        self.dot_port: int = told["dot"][0]["port"] if told["dot"] else 0
        self.url = f"http://{told['http']['host']}:{self.http_port}"

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> Finished:
        """Send the signal and wait for the end."""
        self.process.send_signal(number)
        return await self.wait_end()

    async def wait_end(self) -> Finished:
        """How it ended."""
        return await _finish(self.process)

    async def kill(self) -> None:
        """End it whatever it does, if it is still there."""
        if hasattr(self, "dns"):
            await self.dns.close()
        if self.process.returncode is None:
            self.process.kill()
            await self.process.communicate()


def _read(path: Path) -> Any:
    """The ready file's content; None while it is not there."""
    return json.loads(path.read_text()) if path.exists() else None


async def _spawn(arguments: Sequence[str], variables: Mapping[str, str | None]) -> Process:
    return await asyncio.create_subprocess_exec(
        *arguments, stdout=PIPE, stderr=PIPE, env=environment(variables)
    )


async def _finish(process: Process) -> Finished:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    finished = Finished(process.returncode, out.decode(), err.decode())
    assert not any(word in finished.err for word in _TROUBLE), finished.err
    return finished
