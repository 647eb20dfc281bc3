"""How HTTP load moves DNS latency: `python -m tests.benchmarks.crossload`.

Questions come at a steady rate, and beside them HTTP as fast as it is answered: heartbeats,
registrations of services that nobody asks for, and changes of those that are asked for; the last
come at a steady rate as well. Changes tell another thing: each has answers compiled anew.

Without workers the server has one core and the loads the other. With one the main process has that
core, and the worker may use either: it shares the second one with the loads, which a machine with
three cores would not make it do. So the HTTP load gives way to it. A C program that only sends each
question back has the same place in the rows `echo`: what is more there is the machine's.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial

from tests.benchmarks import house, queries
from tests.benchmarks.churn import Churn, HttpChurn, changing
from tests.benchmarks.command import Options, run
from tests.benchmarks.echo import echo
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.ours import Ours, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.benchmarks.webload import Kind, WebLoad

KINDS: tuple[Kind, ...] = ("heartbeats", "registrations", "changes")
CHANGES = 100
"""A second, at a steady rate: as in the benchmark of DNS."""
PACED = f"{CHANGES} changes a second"
MAIN, WORKER, ECHO = "main process", "worker", "echo"
WINDOW = 200
"""Questions on their way at most: a stall of 40 ms is told as it is, and fits in the socket."""
SETTLE_SECONDS = 1
"""That the HTTP load lasts longer than the questions."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a round came to."""

    dns: Sent
    rates: Sequence[float]
    """Of HTTP requests a second; none where there were none."""


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """For each number of workers: quiet, and under each kind of HTTP load, in turns."""
    columns = ("answered by", "HTTP load", "requests a second", "p50 µs", "p99 µs", "p99 / quiet")
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most),"
        f" {options.extra.rate:,.0f} questions a second, none lost."
    )
    table = Table("crossload", columns, notes=[told])
    cores = options.extra.worker_cores or f"{options.server_core},{options.load_core}"
    _measure_with(options, table, MAIN, options.server_core, workers=0)
    _measure_with(options, table, WORKER, cores, workers=1)
    _measure_with(options, table, ECHO, cores, workers=0)
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=float, default=5000, help="questions a second")
    parser.add_argument("--services", type=int, default=house.SERVICES)
    parser.add_argument("--worker-cores", help="cores with one worker; default: both")


def _measure_with(
    options: Options, table: Table, label: str, cores: str, **settings: object
) -> None:
    services = options.extra.services
    load, web = (
        Load(options.folder, options.load_core),
        WebLoad(options.load_core, is_elsewhere=True),
    )
    questions = queries.write(
        options.folder / "questions",
        map(queries.make_query, house.make_questions(services)),
    )
    with ExitStack() as stack:
        name = label.replace(" ", "-")
        server = stack.enter_context(ours(options.folder, cores=cores, name=name, **settings))
        port = server.dns_port
        if label == ECHO:
            port = stack.enter_context(echo(options.folder, cores=cores))
        server.process.pin([int(options.server_core)])
        options.say(f"{label}: registering …")
        server.register_all(house.make_instances(services, ttl=3600))
        options.say(f"{label}: asking …")
        churn = stack.enter_context(closing(HttpChurn(server, services, house.INSTANCES)))
        ask = partial(_ask, server, port, load, questions, options)
        measures: dict[str | None, Callable[[int], Seen]] = {None: partial(ask, None, _do_nothing)}
        for kind in KINDS:
            measures[kind] = partial(ask, kind, partial(_load, server, web, kind, options))
        measures[PACED] = partial(ask, PACED, partial(_change, churn, options))
        seen = alternate(options.rounds, measures)
    quiet = Figure.of(round_.dns.p99 for round_ in seen[None])
    for beside, rounds in seen.items():
        p99 = Figure.of(round_.dns.p99 for round_ in rounds)
        rates = [rate for round_ in rounds for rate in round_.rates]
        table.add(
            label,
            beside or "none",
            Figure.of(rates) if rates else "",
            Figure.of(round_.dns.p50 for round_ in rounds),
            p99,
            p99.over(quiet),
        )


def _ask(
    server: Ours,
    port: int,
    load: Load,
    questions: QueryFile,
    options: Options,
    beside: str | None,
    http: Callable[[], AbstractContextManager[Sequence[float]]],
    _: int,
) -> Seen:
    # What an earlier round changed is compiled again at the first question: not this round's cost.
    load.warm(port, questions)
    seconds, rate = options.seconds, options.extra.rate
    with http() as rates:
        sent = load.send(port, questions, seconds=seconds, window=WINDOW, rate=rate)
    if port == server.dns_port:
        sent.check(0, f"DNS beside {beside or 'nothing'}")
    return Seen(sent, rates)


@contextmanager
def _do_nothing() -> Iterator[Sequence[float]]:
    yield ()


@contextmanager
def _load(server: Ours, web: WebLoad, kind: Kind, options: Options) -> Iterator[Sequence[float]]:
    """As many requests as are answered; the list has their rate once they are through."""
    rates: list[float] = []
    instances = options.extra.services * house.INSTANCES
    run = web.start(server.http_port, kind, instances, options.seconds + SETTLE_SECONDS)
    yield rates
    answered = run.finish()
    answered.check(f"HTTP, {kind}")
    rates.append(answered.rate)


@contextmanager
def _change(churn: Churn, options: Options) -> Iterator[Sequence[float]]:
    rates: list[float] = []
    made = churn.made
    with changing([churn], CHANGES):
        yield rates
    rates.append((churn.made - made) / options.seconds)


if __name__ == "__main__":
    main()
