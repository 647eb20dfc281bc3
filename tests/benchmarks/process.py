"""A process on a core of its own, what it uses, and its end."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.tools import require

PATIENCE = 120.0
"""Seconds until a server that is not ready has failed: a million leases load in less."""
_STOP_SECONDS = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")
_FIRST_FIELD = 3
"""Of what stands behind the command's name in /proc/PID/stat."""
_CUTIME, _CSTIME = 16 - _FIRST_FIELD, 17 - _FIRST_FIELD


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process and its descendants hold, in octets."""

    resident: int
    proportional: int
    """Shared pages are divided among those who share them."""


class Process:
    """A started process, in a session of its own."""

    def __init__(self, name: str, popen: "subprocess.Popen[bytes]", log: Path) -> None:
        self.name = name
        self.pid = popen.pid
        self.log = log
        self._popen = popen

    def cpu_seconds(self) -> float:
        """CPU time of all its threads and descendants so far, user and system.

        Descendants that have ended count too.
        """
        return sum(self.cpu_seconds_each().values())

    def cpu_seconds_each(self) -> dict[int, float]:
        """The same for each process, itself first."""
        return {pid: _read_cpu(pid) for pid in self.pids()}

    def memory(self) -> Memory:
        """What it and its descendants hold now."""
        rollups = [_read_rollup(pid) for pid in self.pids()]
        return Memory(
            resident=sum(rollup.get("Rss", 0) for rollup in rollups),
            proportional=sum(rollup.get("Pss", 0) for rollup in rollups),
        )

    def pids(self) -> list[int]:
        """Its own and those of its descendants, itself first."""
        found = [self.pid]
        for pid in found:
            found += _read_children(pid)
        return found

    def pin(self, cores: Iterable[int]) -> None:
        """Keep all its threads, and none of its descendants, to these cores from now on."""
        for thread in Path(f"/proc/{self.pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)

    def wait_until(self, ready: Callable[[], bool], patience: float = PATIENCE) -> None:
        """Wait for `ready`. Raises BenchmarkError where it ends first, or takes too long."""
        deadline = time.monotonic() + patience
        while not ready():
            if self._popen.poll() is not None:
                raise BenchmarkError(f"{self.name} ended at its start: {self._last_words()}")
            if time.monotonic() > deadline:
                raise BenchmarkError(f"{self.name} is not ready after {patience:.0f} s")
            time.sleep(0.001)

    def stop(self) -> None:
        """End it and its descendants; they get time to do so by themselves."""
        pids = self.pids()
        with suppress(ProcessLookupError):
            self._popen.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(_STOP_SECONDS)
        self._kill(pids)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._kill(self.pids())

    def _kill(self, pids: Sequence[int]) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()
        deadline = time.monotonic() + _STOP_SECONDS
        while any(map(_runs, pids)) and time.monotonic() < deadline:
            time.sleep(0.001)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


@contextmanager
def running(
    name: str,
    command: Sequence[str | Path],
    *,
    cores: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Process]:
    """Run the command on the cores (a list as of taskset: `0`, `0,1`) until the end of the block.

    It writes to `NAME.log` in the folder, which is its working folder.
    """
    log = folder / f"{name.replace(' ', '-')}.log"
    with log.open("wb") as out:
        popen = subprocess.Popen(
            [require("taskset"), "-c", cores, *command],
            cwd=folder,
            env=None if environment is None else dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    process = Process(name, popen, log)
    try:
        yield process
    finally:
        process.stop()


def _read_cpu(pid: int) -> float:
    """What it has used itself, and what its ended children had."""
    try:
        # Its CPU clock, as of clock_getcpuclockid(3): what /proc/PID/stat tells, but that tells
        # steps of 10 ms.
        own = time.clock_gettime((~pid << 3) | 2)
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return own + sum(map(int, fields[_CUTIME : _CSTIME + 1])) / _TICKS


def _runs(pid: int) -> bool:
    """Whether it is there and no zombie, which only its new parent can take away."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return not stat.rpartition(") ")[2].startswith(("Z", "X"))


def _read_children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            children += map(int, (task / "children").read_text(encoding="ascii").split())
    return children


def _read_rollup(pid: int) -> dict[str, int]:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return {}
    lines = [line.split() for line in text.splitlines()[1:]]
    return {line[0].rstrip(":"): int(line[1]) * 1024 for line in lines}
