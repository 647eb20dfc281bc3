"""Real Redis or Valkey servers, on loopback and free ports, to be started, frozen and killed."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from tests.machine import give_up
from tests.program import LOOPBACK, PATIENCE

_PROGRAMS = ("redis-server", "valkey-server")


def find_server() -> str:
    """The path of a server of the machine."""
    found = [path for name in _PROGRAMS if (path := shutil.which(name))]
    if not found:
        give_up(f"none of the programs {', '.join(_PROGRAMS)} is installed")
    return found[0]


class RedisServer:
    """One server. Its port stays the same, its data lie in a folder; both survive a restart."""

    def __init__(self, folder: Path, *options: str, host: str = LOOPBACK) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host = host
        self.port = find_free_port()
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *options: str, within: Sequence[str] = ()) -> None:
        """Start it and wait until it answers; `within` is a command to run it by."""
        self.launch(*options, within=within)
        self.wait_answering()

    def launch(self, *options: str, within: Sequence[str] = ()) -> None:
        given = ["--port", str(self.port), "--bind", self.host, "--dir", str(self.folder)]
        given += ["--save", "", "--daemonize", "no", "--loglevel", "warning"]
        with (self.folder / "log").open("ab") as out:
            self._process = subprocess.Popen(
                [*within, find_server(), *given, *self._options, *options],
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def wait_answering(self) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "log").read_text()
            try:
                self.command("PING")
                return
            except redis.ConnectionError:
                assert time.monotonic() < until
                time.sleep(0.01)

    def command(self, *words: object) -> Any:
        with redis.Redis(host=self.host, port=self.port, socket_timeout=PATIENCE) as client:
            return client.execute_command(*words)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, if it is there."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def find_free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port
