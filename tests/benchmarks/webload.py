"""The HTTP load: wrk, which takes a tenth of what the servers here take for a request."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.ours import LOOPBACK
from tests.benchmarks.tools import require

CONNECTIONS = 32
Kind = Literal["heartbeats", "registrations", "changes"]
"""Renewals of what is registered, instances of services that nobody asks for, and another port for
each of those that are asked for."""
_SCRIPT = Path(__file__).with_name("webload.lua")


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a load; times in microseconds."""

    requests: int
    seconds: float
    refused: int
    """Answers other than 2xx and 3xx."""
    failed: int
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    def check(self, who: str) -> None:
        """Raise BenchmarkError unless every request was answered with success."""
        if not self.requests or self.refused or self.failed:
            raise BenchmarkError(
                f"{who}: of {self.requests} requests {self.refused} were refused,"
                f" {self.failed} failed"
            )


class WebLoad:
    """Keeps one server busy over connections that stay open."""

    def __init__(
        self, core: str, connections: int = CONNECTIONS, *, is_elsewhere: bool = False
    ) -> None:
        """With `is_elsewhere` it gives way to all else on its core, as if on another machine."""
        way = ["nice", "-n", "19"] if is_elsewhere else []
        self._command = [*way, require("taskset"), "-c", core, require("wrk"), "-t1"]
        self._command += [f"-c{connections}", "--timeout=10s", "-s", str(_SCRIPT)]

    def send(self, port: int, kind: Kind, instances: int, seconds: float) -> Answered:
        """Renew, register or change the instances in turn, as fast as they are answered."""
        return self.start(port, kind, instances, seconds).finish()

    def start(self, port: int, kind: Kind, instances: int, seconds: float) -> "WebRun":
        """The same beside something else."""
        # wrk takes whole seconds.
        url = f"http://{LOOPBACK}:{port}"
        command = [*self._command, f"-d{max(1, round(seconds))}", url, "--", kind, str(instances)]
        return WebRun(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        )


class WebRun:
    """A load that is going on."""

    def __init__(self, popen: "subprocess.Popen[str]") -> None:
        self._popen = popen

    def finish(self) -> Answered:
        """Wait for its end. Raises BenchmarkError where wrk gave up."""
        out, errors = self._popen.communicate()
        if self._popen.returncode != 0:
            raise BenchmarkError(f"wrk: {errors.strip() or out.strip()}")
        return Answered(**json.loads(out.strip().splitlines()[-1]))
