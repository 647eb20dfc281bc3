"""DNS beside Knot and NSD: `python -m tests.benchmarks.dns`.

The same zone, the same questions, the same load, one server at a time on one core and the load on
the other. Before anything is measured every answer of ours is compared with Knot's.
"""

import argparse
import random
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice

from tests.benchmarks import house, queries
from tests.benchmarks.churn import Churn, HttpChurn, UpdateChurn, changing
from tests.benchmarks.command import Options, run
from tests.benchmarks.equality import compare
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Cost, Load
from tests.benchmarks.nameservers import knot, nsd, read_apex, write_zone
from tests.benchmarks.ours import ours
from tests.benchmarks.process import Process
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table

OURS, KNOT, NSD = "dnsregistry", "Knot", "NSD"
SIZES = (1220, 1232, 1400, 1410, 1432, 1452, 1472, 2048, 4000, 4096)
"""EDNS sizes of stubs: each makes other questions, to the octet, of the same 2,000."""
SPELLINGS = len(SIZES)
"""Of each question, upper and lower case mixed: as many lines as by sizes."""
NOERROR, NXDOMAIN = 0, 3
CHANGES = 100
"""Registrations a second: one in a hundred instances."""
REGISTRANTS = 10
"""Connections that they come over: instances do not wait for one another."""
PACE = 10_000
"""Questions a second where the server shall not be busy."""
SAMPLE = 2000
"""Of the questions that come once, how many are compared."""
NO_LIMIT = 100_000_000
"""Responses a second, more than any server here can make."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server under load."""

    process: Process
    port: int
    churns: tuple[Churn, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load."""

    key: str
    text: str
    queries: QueryFile
    rcode: int = NOERROR
    once: bool = False
    """No question twice: each round has its own part of them."""
    limited: bool = False
    """Ours is the one whose rate limit watches the client."""
    changes: float = 0
    rate: float = 0


KEYS = ("mixed", "case", "unknown", "limit", "paced", "churn", "spellings", "sizes")


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments, seconds=4)


def measure(options: Options) -> Table:
    """Start all, compare, then let them take turns."""
    extra = options.extra
    load = Load(options.folder, options.load_core)
    with ExitStack() as stack:
        contenders, limited = _start(options, stack)
        cases = _make_cases(options)
        compared = _compare(options, contenders, cases)
        table = Table(
            "dns",
            ("questions", "server", "CPU µs a query", "times Knot", "queries a second", "lost"),
            notes=[_tell_conditions(options, compared)],
        )
        for case in cases:
            if extra.case and case.key not in extra.case:
                continue
            options.say(f"{case.text} …")
            taking_part = contenders | ({OURS: limited} if case.limited else {})
            if not case.once:
                for contender in taking_part.values():
                    load.warm(contender.port, case.queries)
            measures = {
                name: partial(_load, load, contender, name, case, options)
                for name, contender in taking_part.items()
            }
            try:
                costs = alternate(options.rounds, measures)
            except BenchmarkError as error:
                # The other figures stand, and took minutes.
                table.faults.append(f"{case.text}: {error}")
            else:
                _add_rows(table, case, costs)
                if case.changes:
                    table.notes.append(_tell_changes(contenders, costs))
        return table


def _tell_changes(contenders: dict[str, Contender], costs: dict[str, list[Cost]]) -> str:
    told = []
    for name, contender in contenders.items():
        if contender.churns:
            made = sum(churn.made for churn in contender.churns)
            seconds = sum(cost.sent.seconds for cost in costs[name])
            told.append(f"{name} {made / seconds:.0f}")
    return f"Registrations a second that were taken: {', '.join(told)}."


def _tell_conditions(options: Options, compared: int) -> str:
    told = f"Medians of {options.rounds} alternating rounds (least to most)."
    if compared:
        told += f" {compared:,} answers were compared with Knot's first: no record differs."
    return told


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--case", action="append", choices=KEYS, help="only this; may repeat")
    parser.add_argument("--services", type=int, default=house.SERVICES)
    parser.add_argument(
        "--questions", type=int, default=1_000_000, help="of each kind that comes once"
    )
    parser.add_argument("--no-compare", action="store_true", help="skip the comparison")


def _start(options: Options, stack: ExitStack) -> tuple[dict[str, Contender], Contender]:
    """All servers, filled; and one of ours whose rate limit watches loopback too."""
    services, folder, core = options.extra.services, options.folder, options.server_core
    instances = partial(house.make_instances, services)
    options.say("starting the servers …")
    first = stack.enter_context(ours(folder, cores=core))
    first.register_all(instances())
    apex = read_apex(first.dns_port)
    zone = write_zone(folder / "zone", apex, services, house.INSTANCES)
    knot_server = stack.enter_context(knot(folder, zone, cores=core))
    nsd_server = stack.enter_context(nsd(folder, zone, cores=core))
    second = stack.enter_context(
        ours(folder, cores=core, name="limited", rate_limit=NO_LIMIT, rate_limit_exempt="")
    )
    second.register_all(instances())
    size = (services, house.INSTANCES)
    https = [HttpChurn(first, *size, lane, REGISTRANTS) for lane in range(REGISTRANTS)]
    for http in https:
        stack.callback(http.close)
    update = UpdateChurn(knot_server.port, *size)
    stack.callback(update.close)
    contenders = {
        OURS: Contender(first.process, first.dns_port, tuple(https)),
        KNOT: Contender(knot_server.process, knot_server.port, (update,)),
        NSD: Contender(nsd_server.process, nsd_server.port),
    }
    return contenders, Contender(second.process, second.dns_port)


def _make_cases(options: Options) -> list[Case]:
    services, count = options.extra.services, options.extra.questions
    questions = house.make_questions(services)
    plain = [queries.make_query(question) for question in questions] * SPELLINGS
    spelt = list(queries.with_random_case(questions, len(questions) * SPELLINGS, seed=1))
    sized = [queries.make_query(question, size) for question in questions for size in SIZES]
    for messages in (plain, spelt, sized):
        random.Random(1).shuffle(messages)
    mixed = queries.write(options.folder / "mixed", plain)
    spellings = queries.write(options.folder / "spellings", spelt)
    sizes = queries.write(options.folder / "sizes", sized)
    anycase = queries.write(
        options.folder / "case", queries.with_random_case(questions, count, seed=2)
    )
    unknown = queries.write(
        options.folder / "unknown", queries.unknown_names(house.ORIGIN, count, seed=3)
    )
    text = f"SRV and A, {len(questions):,} questions that repeat"
    return [
        Case("mixed", text, mixed),
        Case("case", f"SRV and A in random case, {count:,}, none twice", anycase, once=True),
        Case("unknown", f"unknown names, {count:,}, none twice", unknown, NXDOMAIN, once=True),
        Case("limit", "repeating, rate limit watching", mixed, limited=True),
        Case("paced", f"repeating, {PACE:,} a second", mixed, rate=PACE),
        Case("churn", f"repeating, {CHANGES} registrations a second", mixed, changes=CHANGES),
        Case("spellings", f"repeating, {SPELLINGS} spellings each", spellings),
        Case("sizes", f"repeating, {len(SIZES)} EDNS sizes", sizes),
    ]


def _compare(options: Options, contenders: dict[str, Contender], cases: list[Case]) -> int:
    """Ours against Knot: every question that repeats, and a sample of those that come once."""
    if options.extra.no_compare:
        return 0
    options.say("comparing the answers …")
    count = 0
    for case in cases:
        if case.limited or case.rate or case.changes:
            continue
        messages = islice(case.queries.read(), SAMPLE if case.once else None)
        count += compare(contenders[OURS].port, contenders[KNOT].port, messages)
    return count


def _load(
    load: Load, contender: Contender, name: str, case: Case, options: Options, number: int
) -> Cost:
    with changing(contender.churns, case.changes) if case.changes else nullcontext():
        if case.once:
            part = case.queries.count // options.rounds
            cost = load.cost(
                contender.process, contender.port, case.queries, first=number * part, count=part
            )
        else:
            cost = load.cost(
                contender.process,
                contender.port,
                case.queries,
                seconds=options.seconds,
                rate=case.rate,
            )
    cost.sent.check(case.rcode, f"{name}, {case.text}")
    return cost


def _add_rows(table: Table, case: Case, costs: dict[str, list[Cost]]) -> None:
    per_query = {name: Figure.of(cost.cpu_per_query for cost in costs[name]) for name in costs}
    for name, rounds in costs.items():
        table.add(
            case.text,
            name,
            per_query[name],
            per_query[name].over(per_query[KNOT]),
            Figure.of(cost.sent.rate for cost in rounds),
            sum(cost.sent.lost for cost in rounds),
        )


if __name__ == "__main__":
    main()
