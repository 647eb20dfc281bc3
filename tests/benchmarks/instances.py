"""What a query costs in larger houses: `python -m tests.benchmarks.instances`.

All houses are asked the same number of distinct questions, about services spread over the whole
of each: those that repeat, and the same in random case, of which none comes twice.
"""

import argparse
import random
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from tests.benchmarks import house, queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load
from tests.benchmarks.ours import Ours, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table

LEAST = 1_000
GROWTH = 10


@dataclass(frozen=True, slots=True)
class House:
    """A filled server and what it is asked."""

    server: Ours
    repeating: QueryFile
    once: QueryFile


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds a query."""

    repeating: float
    once: float


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments, seconds=2)


def measure(options: Options) -> Table:
    """Fill all houses, then let them take turns."""
    load = Load(options.folder, options.load_core)
    with ExitStack() as stack:
        houses: dict[int, House] = {}
        size = LEAST
        while size <= options.extra.most:
            houses[size] = _build(options, stack, size)
            load.warm(houses[size].server.dns_port, houses[size].repeating)
            size *= GROWTH
        options.say("asking …")
        costs = alternate(
            options.rounds,
            {size: partial(_measure, load, built, options) for size, built in houses.items()},
        )
    return _tell(options, costs)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--most", type=int, default=1_000_000, help="instances in the largest")
    parser.add_argument("--questions", type=int, default=500_000, help="in random case")


def _build(options: Options, stack: ExitStack, size: int) -> House:
    options.say(f"registering {size:,} …")
    services, asked = size // house.INSTANCES, LEAST // house.INSTANCES
    server = stack.enter_context(
        ours(options.folder, cores=options.server_core, name=f"house-{size}")
    )
    server.register_all(house.make_instances(services))
    questions = [
        question
        for number in range(0, services, services // asked)
        for question in ((house.srv_name(number), "SRV"), (house.a_name(number), "A"))
    ]
    random.Random(1).shuffle(questions)
    once = queries.with_random_case(questions, options.extra.questions, seed=2)
    return House(
        server,
        queries.write(options.folder / f"repeating-{size}", map(queries.make_query, questions)),
        queries.write(options.folder / f"once-{size}", once),
    )


def _measure(load: Load, built: House, options: Options, number: int) -> Cost:
    process, port = built.server.process, built.server.dns_port
    part = built.once.count // options.rounds
    repeating = load.cost(process, port, built.repeating, seconds=options.seconds)
    once = load.cost(process, port, built.once, first=number * part, count=part)
    for cost in (repeating, once):
        cost.sent.check(0, process.name)
    return Cost(repeating.cpu_per_query, once.cpu_per_query)


def _tell(options: Options, costs: dict[int, list[Cost]]) -> Table:
    columns = ("instances", "CPU µs, repeating", "times", "CPU µs, never asked before", "times ")
    told = f"Medians of {options.rounds} alternating rounds (least to most); times the row above."
    table = Table("instances", columns, notes=[told])
    sizes = list(costs)
    for above, size in zip([sizes[0], *sizes], sizes, strict=False):
        cells: list[Figure] = []
        for kind in ("repeating", "once"):
            figure = Figure.of(getattr(cost, kind) for cost in costs[size])
            before = Figure.of(getattr(cost, kind) for cost in costs[above])
            cells += [figure, figure.over(before)]
        table.add(size, *cells)
    return table


if __name__ == "__main__":
    main()
