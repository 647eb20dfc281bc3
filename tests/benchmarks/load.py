"""The DNS load: a small C program, compiled at its first use in a run.

dnsperf sends and receives one packet a call, takes as long for it as the fastest of these servers,
and so cannot keep one busy from a single core. This one does, and looks at every reply.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.ours import LOOPBACK
from tests.benchmarks.process import Process
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.tools import require

WINDOW = 100
"""Questions on their way at once, as of dnsperf: they fit in every server's socket buffer, so that
none need be lost, and keep a server busy."""
PATIENCE = 2.0
"""Seconds until a question is lost."""
_SOURCE = Path(__file__).with_name("load.c")


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of a load; times in microseconds."""

    sent: int
    received: int
    lost: int
    strays: int
    """Replies that nobody waits for."""
    wrong: int
    """Replies whose question is not the one that was asked."""
    truncated: int
    empty: int
    """Replies without answer records."""
    seconds: float
    p50: float
    p99: float
    p999: float
    longest: float
    rcodes: tuple[int, ...]

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.received / self.seconds

    def check(self, rcode: int, who: str) -> None:
        """Raise BenchmarkError unless every question had one right reply, all of this rcode."""
        faults = {
            "lost": self.lost,
            "stray": self.strays,
            "of another question": self.wrong,
            "truncated": self.truncated,
            "of another rcode": self.received - self.rcodes[rcode],
            "without answer": self.empty if rcode == 0 else 0,
        }
        said = ", ".join(f"{count} {fault}" for fault, count in faults.items() if count)
        if said:
            raise BenchmarkError(f"{who}: of {self.sent} replies {said}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a load cost the server."""

    sent: Sent
    cpu_seconds: float

    @property
    def cpu_per_query(self) -> float:
        """Microseconds."""
        return self.cpu_seconds / self.sent.received * 1e6


class Load:
    """Sends queries from one core."""

    def __init__(self, folder: Path, core: str) -> None:
        self._core = core
        self._program = folder / "load"
        if not self._program.exists():
            command = [require("gcc"), "-O2", "-Wall", "-o", str(self._program), str(_SOURCE)]
            subprocess.run(command, check=True)

    def send(
        self,
        port: int,
        queries: QueryFile,
        *,
        first: int = 0,
        count: int | None = None,
        seconds: float = 0,
        window: int = WINDOW,
        sockets: int = 1,
        rate: float = 0,
        patience: float = PATIENCE,
    ) -> Sent:
        """Ask `count` questions from the `first`: once, or for the seconds over and over.

        `window` is for each socket; `rate` is questions a second, 0 for as many as come through.
        Raises BenchmarkError where none is answered.
        """
        number = queries.count - first if count is None else count
        numbers = (first, number, seconds, window, sockets, rate, patience)
        command = [require("taskset"), "-c", self._core, self._program, LOOPBACK, port]
        done = subprocess.run(
            [*map(str, command), str(queries.path), *map(str, numbers)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BenchmarkError(done.stderr.strip())
        told = json.loads(done.stdout)
        sent = Sent(**told | {"rcodes": tuple(told["rcodes"])})
        if not sent.received:
            raise BenchmarkError(f"no reply to any of {sent.sent} questions at port {port}")
        return sent

    def warm(self, port: int, queries: QueryFile, **how: int) -> None:
        """Ask everything three times: as after the first minute of a server's life."""
        for _ in range(3):
            self.send(port, queries, **how)

    def cost(self, process: Process, port: int, queries: QueryFile, **how: float) -> Cost:
        """What `send` costs the process, all its threads and descendants."""
        before = process.cpu_seconds()
        sent = self.send(port, queries, **how)  # type: ignore[arg-type]
        return Cost(sent, process.cpu_seconds() - before)
