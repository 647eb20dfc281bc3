"""Two workers on two cores against one: `python -m tests.benchmarks.workers`.

The load has to share the cores with two workers, so answers a second would tell its share too.
What is compared is CPU time: a core answers 1 / (CPU time a query), two cores twice that where the
kernel spreads the questions evenly, and as much less as the busier worker has more than its half.
"""

import argparse
import random
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from dnsregistry.settings import Settings
from tests.benchmarks import house, queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load
from tests.benchmarks.ours import Ours, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table

SOCKETS = 64
"""Client ports for each worker. The kernel chooses the worker by the port: many spread evenly, and
as many questions wait for each of two as for the one."""
WINDOW = 2
"""On each of them."""
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
    services, load = options.extra.services, Load(options.folder, options.load_core)
    messages = list(map(queries.make_query, house.make_questions(services)))
    random.Random(1).shuffle(messages)
    questions = queries.write(options.folder / "questions", messages)
    both = f"{options.server_core},{options.load_core}"
    with ExitStack() as stack:
        servers: dict[int, Ours] = {}
        for workers, cores in ((1, options.server_core), (2, both)):
            options.say(f"{workers} workers: registering …")
            servers[workers] = stack.enter_context(
                ours(options.folder, cores=cores, name=f"workers-{workers}", workers=workers)
            )
            servers[workers].register_all(house.make_instances(services))
            port = servers[workers].dns_port
            load.warm(port, questions, window=WINDOW, sockets=SOCKETS * workers)
        options.say("asking …")
        costs = alternate(
            options.rounds,
            {
                workers: partial(_measure, load, server, questions, options, workers)
                for workers, server in servers.items()
            },
        )
    return _tell(options, costs)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--services", type=int, default=house.SERVICES)


def _send(load: Load, server: Ours, questions: QueryFile, seconds: float, sockets: int) -> int:
    how = {"window": WINDOW, "sockets": sockets}
    sent = load.send(server.dns_port, questions, seconds=seconds, **how)
    sent.check(0, server.process.name)
    return sent.received


def _measure(
    load: Load, server: Ours, questions: QueryFile, options: Options, workers: int, _: int
) -> Cost:
    before = server.process.cpu_seconds_each()
    received = _send(load, server, questions, options.seconds, SOCKETS * workers)
    after = server.process.cpu_seconds_each()
    used = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
    # The rest is the main process, which answers nothing.
    parts = [seconds for pid, seconds in used.items() if pid != server.process.pid]
    total = sum(used.values())
    return Cost(total / received * _MICROSECONDS, max(parts) / sum(parts))


def _tell(options: Options, costs: dict[int, list[Cost]]) -> Table:
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most), {SOCKETS} client"
        " ports for each worker, none lost. Capacity: the busiest worker's core, full."
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
