"""Two workers on two cores against one: `python -m tests.benchmarks.workers`.

Two cores have no room for a load beside two workers: it would share a core with one of them, and
ask too little of the other, who is then woken for every few questions. So the workers stand still
while the questions are sent, and answer while the load sleeps, each on a core of its own.
What is compared is CPU time: a core answers 1 / (CPU time a query), two cores twice that where the
kernel spreads the questions evenly, and as much less as the busier worker has more than its half.
"""

import argparse
import os
import random
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from pathlib import Path

from dnsregistry.servers.intake import QUERY_OCTETS
from dnsregistry.settings import Settings
from tests.benchmarks import house, queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load
from tests.benchmarks.ours import LOOPBACK, Ours, ours
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table

SOCKETS = 256
"""Client ports for each worker, by which the kernel chooses the worker: as many questions wait for
each of two as for the one."""
WINDOW = 4
"""Questions on each of them in a turn: together a few milliseconds' work, which a socket holds."""
WARM_WINDOW = 2
"""The same while each worker has all answers compiled, which takes longer."""
_NAP = 0.02
"""Seconds between two looks whether the workers have answered all, by their CPU time: the kernel
writes that down with each tick of its clock, or when they sleep."""
_PATIENCE = 10.0
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """What a round came to."""

    cpu_per_query: float
    """Microseconds, of all processes together."""
    busiest: float
    """The busiest worker's part of all workers' CPU time."""

    @property
    def capacity(self) -> float:
        """Queries a second that the workers answer where each has a core: the busiest sets it."""
        return _MICROSECONDS / (self.cpu_per_query * self.busiest)


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """One and two workers, in turns."""
    if "workers" not in Settings.model_fields:
        raise BenchmarkError("this version has no setting WORKERS yet")
    services = options.extra.services
    messages = [
        bytes(2) + message[2:]
        for message in map(queries.make_query, house.make_questions(services))
    ]
    random.Random(1).shuffle(messages)
    load = Load(options.folder, options.load_core)
    file = queries.write(options.folder / "questions", messages)
    both = options.server_core, options.load_core
    with ExitStack() as stack:
        servers: dict[int, Ours] = {}
        for workers in (1, 2):
            options.say(f"{workers} workers: registering …")
            cores = ",".join(both[:workers])
            servers[workers] = server = stack.enter_context(
                ours(options.folder, cores=cores, name=f"workers-{workers}", workers=workers)
            )
            server.register_all(house.make_instances(services))
            found = [pid for pid in server.process.pids() if pid != server.process.pid]
            for pid, core in zip(found, both, strict=False):
                os.sched_setaffinity(pid, {int(core)})
            load.warm(server.dns_port, file, sockets=SOCKETS * workers, window=WARM_WINDOW)
        options.say("asking …")
        costs = alternate(
            options.rounds,
            {
                workers: partial(_measure, server, messages, options, workers)
                for workers, server in servers.items()
            },
        )
    return _tell(options, costs)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--services", type=int, default=house.SERVICES)


def _measure(
    server: Ours, messages: Sequence[bytes], options: Options, workers: int, _: int
) -> Cost:
    found = [pid for pid in server.process.pids() if pid != server.process.pid]
    questions = cycle(messages)
    used, answered = dict.fromkeys(found, 0.0), 0
    until = time.monotonic() + options.seconds
    while time.monotonic() < until:
        with ExitStack() as opened:
            # From other ports each time: of many clients no worker has more than another.
            sockets = [opened.enter_context(_connect(server)) for _ in range(SOCKETS * workers)]
            spent = _turn(found, sockets, questions)
        answered += len(sockets) * WINDOW
        used = {pid: used[pid] + spent[pid] for pid in found}
    total = sum(used.values())
    return Cost(total / answered * _MICROSECONDS, max(used.values()) / total)


def _turn(
    workers: Sequence[int], sockets: Sequence[socket.socket], questions: Iterator[bytes]
) -> dict[int, float]:
    """Send all while the workers stand still, and have them answer; the CPU seconds of each."""
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        for sock in sockets:
            for _ in range(WINDOW):
                sock.send(next(questions))
        before = {pid: _read_cpu(pid) for pid in workers}
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    after, seen = before, None
    while after != seen:
        time.sleep(_NAP)
        seen, after = after, {pid: _read_cpu(pid) for pid in workers}
    for sock in sockets:
        for _ in range(WINDOW):
            reply = sock.recv(QUERY_OCTETS)
            if reply[3] & 0xF or not reply[7]:
                raise BenchmarkError("a question that repeats was answered without a record")
    return {pid: after[pid] - before[pid] for pid in workers}


def _connect(server: Ours) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(_PATIENCE)
    sock.connect((LOOPBACK, server.dns_port))
    return sock


def _read_cpu(pid: int) -> float:
    """Seconds that a process of one thread has had, to the nanosecond."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def _tell(options: Options, costs: dict[int, list[Cost]]) -> Table:
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most), {SOCKETS} client"
        f" ports for each worker, {WINDOW} questions on each at a time, none lost. Capacity: the"
        " busiest worker's core, full."
    )
    columns = ("workers", "CPU µs a query", "busiest worker's part", "capacity a second", "times")
    table = Table("workers", columns, notes=[told])
    capacities = {
        workers: Figure.of(cost.capacity for cost in rounds) for workers, rounds in costs.items()
    }
    for workers, rounds in costs.items():
        table.add(
            workers,
            Figure.of(cost.cpu_per_query for cost in rounds),
            Figure.of(cost.busiest for cost in rounds),
            capacities[workers],
            capacities[workers].over(capacities[1]),
        )
    return table


if __name__ == "__main__":
    main()
