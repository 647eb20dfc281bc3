"""How HTTP load moves DNS latency: `python -m tests.benchmarks.crossload`.

Questions come at a steady rate, and beside them HTTP as fast as it is answered. Without workers the
server has one core and the loads the other. A worker may use either: it shares the second one with
the loads, which a machine with three cores would not make it do. So the HTTP load gives way to it.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dnsregistry.settings import Settings
from tests.benchmarks import house, queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.ours import Ours, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.benchmarks.webload import Answered, Kind, WebLoad

KINDS: tuple[Kind, ...] = ("heartbeats", "registrations")
WINDOW = 200
"""Questions on their way at most: a stall of 40 ms is told as it is, and fits in the socket."""
SETTLE_SECONDS = 1
"""That the HTTP load lasts longer than the questions."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a round came to."""

    dns: Sent
    http: Answered | None


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """For each number of workers: quiet, and under each kind of HTTP load, in turns."""
    columns = ("workers", "HTTP load", "requests a second", "p50 µs", "p99 µs", "p99, times quiet")
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most),"
        f" {options.extra.rate:,.0f} questions a second, none lost."
    )
    table = Table("crossload", columns, notes=[told])
    if "workers" in Settings.model_fields:
        _measure_with(options, table, "0", options.server_core, workers=0)
        cores = f"{options.server_core},{options.load_core}"
        _measure_with(options, table, "1", options.extra.worker_cores or cores, workers=1)
    else:
        _measure_with(options, table, "0", options.server_core)
        table.notes.append("This version has no setting WORKERS yet.")
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
        options.folder / f"questions-{label}",
        map(queries.make_query, house.make_questions(services)),
    )
    with ours(options.folder, cores=cores, name=f"workers-{label}", **settings) as server:
        options.say(f"{label} workers: registering …")
        server.register_all(house.make_instances(services, ttl=3600))
        load.warm(server.dns_port, questions)
        options.say(f"{label} workers: asking …")
        ask = partial(_ask, server, load, web, questions, options)
        measures: dict[Kind | None, Callable[[int], Seen]] = {None: partial(ask, None)}
        for kind in KINDS:
            measures[kind] = partial(ask, kind)
        seen = alternate(options.rounds, measures)
    quiet = Figure.of(round_.dns.p99 for round_ in seen[None])
    for beside, rounds in seen.items():
        p99 = Figure.of(round_.dns.p99 for round_ in rounds)
        rates = [round_.http.rate for round_ in rounds if round_.http]
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
    load: Load,
    web: WebLoad,
    questions: QueryFile,
    options: Options,
    kind: Kind | None,
    _: int,
) -> Seen:
    instances, seconds = options.extra.services * house.INSTANCES, options.seconds
    beside = kind and web.start(server.http_port, kind, instances, seconds + SETTLE_SECONDS)
    sent = load.send(
        server.dns_port, questions, seconds=seconds, window=WINDOW, rate=options.extra.rate
    )
    answered = beside.finish() if beside else None
    sent.check(0, f"DNS beside {kind or 'nothing'}")
    if answered is not None:
        answered.check(f"HTTP, {kind}")
    return Seen(sent, answered)


if __name__ == "__main__":
    main()
