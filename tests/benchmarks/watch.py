"""Watchers of everything beside DNS: `python -m tests.benchmarks.watch`.

Questions come at a steady rate, changes too. Watchers read all of it over a connection each, in a
process that gives way to the questions on the load's core; one more never reads at all.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks import house, queries
from tests.benchmarks.churn import HttpChurn, changing
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.ours import LOOPBACK, ROOT, Ours, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.benchmarks.tools import require

WINDOW = 200
MOST_P99 = 5000.0
"""Microseconds that DNS may take meanwhile."""
_MEGA = 1e6
_PRIORITY = 5
_CUT_SECONDS = 60.0
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Seen:
    """What a round came to; memory in octets."""

    dns: Sent
    changes: float
    events: float
    resets: int
    cpu: float
    before: int
    after: int


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments, rounds=3, seconds=10)


def measure(options: Options) -> Table:
    """Without watchers and with them, in turns, under the same changes and questions."""
    columns = (
        "watchers",
        "changes a second",
        "events a second",
        "resets",
        "server's core %",
        "MB before",
        "MB after",
        "DNS p50 µs",
        "DNS p99 µs",
    )
    given = options.extra
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most); {given.questions:,.0f}"
        " questions a second, none lost; each watcher saw every change once, in order, or a reset."
        f" One more that never reads was cut each time (WATCH_PATIENCE={given.patience:g})."
    )
    table = Table("watch", columns, notes=[told])
    if given.real_time:
        _go_first()
        table.notes.append("The server and the questions went before all others (SCHED_FIFO).")
    load = Load(options.folder, options.load_core)
    questions = queries.write(
        options.folder / "questions",
        map(queries.make_query, house.make_questions(given.services)),
    )
    settings = {
        "watch_streams": given.watchers + 10,
        "watch_streams_per_client": given.watchers + 10,
        "watch_patience": given.patience,
    }
    with ours(options.folder, cores=options.server_core, **settings) as server:
        server.register_all(house.make_instances(given.services, ttl=3600))
        load.warm(server.dns_port, questions)
        churn = HttpChurn(server, given.services, house.INSTANCES)
        try:
            seen = alternate(
                options.rounds,
                {
                    count: lambda _, count=count: _watch(  # type: ignore[misc]
                        server, load, questions, churn, count, options
                    )
                    for count in (0, given.watchers)
                },
            )
        finally:
            churn.close()
    for count, rounds in seen.items():
        table.add(
            count,
            Figure.of(round_.changes for round_ in rounds),
            Figure.of(round_.events for round_ in rounds) if count else "",
            sum(round_.resets for round_ in rounds),
            Figure.of(round_.cpu * 100 for round_ in rounds),
            Figure.of(round_.before / _MEGA for round_ in rounds),
            Figure.of(round_.after / _MEGA for round_ in rounds),
            Figure.of(round_.dns.p50 for round_ in rounds),
            Figure.of(round_.dns.p99 for round_ in rounds),
        )
        slow = [round_.dns.p99 for round_ in rounds if round_.dns.p99 > MOST_P99]
        if slow and not given.any_latency:
            table.faults.append(f"DNS took {max(slow):,.0f} µs at p99 beside {count} watchers")
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--changes", type=float, default=100, help="a second")
    parser.add_argument("--questions", type=float, default=2000, help="a second")
    parser.add_argument("--patience", type=float, default=3, help="as WATCH_PATIENCE, seconds")
    parser.add_argument("--services", type=int, default=house.SERVICES)
    parser.add_argument(
        "--real-time", action="store_true", help="go before all others on these cores (as root)"
    )
    parser.add_argument(
        "--any-latency", action="store_true", help="do not fail where DNS takes longer than 5 ms"
    )


def _watch(
    server: Ours,
    load: Load,
    questions: QueryFile,
    churn: HttpChurn,
    count: int,
    options: Options,
) -> Seen:
    given = options.extra
    options.say(f"{count} watchers …")
    before, first = server.process.memory().resident, _revision(server)
    cut = _count_cut(server)
    with _watchers(server, count, first, options) as watchers:
        sleeper = _open_sleeper(server) if count else None
        made, used, began = churn.made, server.process.cpu_seconds(), time.monotonic()
        with changing([churn], given.changes):
            sent = load.send(
                server.dns_port,
                questions,
                seconds=options.seconds,
                window=WINDOW,
                rate=given.questions,
            )
        changes, last = churn.made - made, _revision(server)
        if last != first + changes:
            raise BenchmarkError(f"{changes} changes moved the revision by {last - first}")
        told = _finish(watchers, last) if watchers else {"events": 0, "resets": 0}
        seconds = time.monotonic() - began
        cpu = (server.process.cpu_seconds() - used) / seconds
        after = server.process.memory().resident
        if sleeper is not None:
            with sleeper:
                _check_cut(server, cut, churn)
    if not told["resets"] and told["events"] != changes * count:
        raise BenchmarkError(f"{count} watchers of {changes} changes saw {told['events']} events")
    sent.check(0, f"DNS beside {count} watchers")
    rate = 1 / options.seconds
    return Seen(sent, changes * rate, told["events"] * rate, told["resets"], cpu, before, after)


def _go_first() -> None:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except PermissionError:
        raise BenchmarkError("--real-time is for root") from None


@contextmanager
def _watchers(
    server: Ours, count: int, since: int, options: Options
) -> Iterator["subprocess.Popen[str] | None"]:
    if not count:
        yield None
        return
    command = [
        require("chrt"),
        "-o",
        "0",
        "nice",
        "-n",
        "19",
        require("taskset"),
        "-c",
        options.load_core,
        sys.executable,
    ]
    command += ["-m", "tests.benchmarks.watchers", str(server.http_port), str(count), str(since)]
    popen = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with popen:
        try:
            if popen.stdout is None or popen.stdout.readline() != "open\n":
                raise BenchmarkError("the watchers were not let in")
            yield popen
        finally:
            popen.kill()


def _finish(watchers: "subprocess.Popen[str]", last: int) -> dict[str, int]:
    out, _ = watchers.communicate(f"{last}\n")
    told: dict[str, int] = json.loads(out)
    for fault in ("faults", "behind", "closed"):
        if told[fault]:
            raise BenchmarkError(f"of the watchers' events {told[fault]} {fault}")
    return told


def _open_sleeper(server: Ours) -> socket.socket:
    """A watcher that never reads."""
    sleeper = socket.socket()
    # Left to itself the kernel takes some megabytes for it.
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    sleeper.connect((LOOPBACK, server.http_port))
    sleeper.sendall(b"GET /v1/watch HTTP/1.1\r\nHost: benchmark\r\n\r\n")
    return sleeper


def _check_cut(server: Ours, before: int, churn: HttpChurn) -> None:
    """What the system keeps for it is filled, and then its time runs out."""
    deadline = time.monotonic() + _CUT_SECONDS
    while _count_cut(server) == before:
        if time.monotonic() > deadline:
            raise BenchmarkError("a watcher that never reads is not cut")
        for _ in range(_STEPS):
            churn.step()


def _count_cut(server: Ours) -> int:
    connection = server.connect()
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    [line] = [line for line in text.splitlines() if line.startswith("dnsregistry_watch_cut_total")]
    return round(float(line.split()[1]))


def _revision(server: Ours) -> int:
    return int(server.request("GET", "/v1/stats")["registry"]["revision"])


if __name__ == "__main__":
    main()
