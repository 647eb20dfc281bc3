"""What a page of a list costs: `python -m tests.benchmarks.lists`.

Of many instances, pages of 100: the first, one in the middle, and lists that an index narrows or
that look for what is not there. DNS is asked at a steady rate beside them.
"""

import argparse
import http.client
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from tests.benchmarks import queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load
from tests.benchmarks.ours import Ours, exchange, ours
from tests.benchmarks.rounds import alternate
from tests.benchmarks.scale import asking, make_instance
from tests.benchmarks.table import Table

LIMIT = 100
SINGLES = 100
"""Requests for one figure."""
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one request: the server's CPU time in microseconds, and how many it told."""

    cpu: float
    told: int


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """One row for each list."""
    size = options.extra.instances
    table = Table("lists", ("list", "told", "CPU µs a request"))
    load = Load(options.folder, options.load_core)
    with (
        ours(options.folder, cores=options.server_core, store="memory://") as server,
        closing(server.connect()) as connection,
    ):
        options.say(f"registering {size:,} …")
        server.register_all(_describe(number) for number in range(size))
        lists = _make_lists(connection, size)
        options.say("reading …")
        costs = alternate(
            options.rounds,
            {name: partial(_read, server, connection, path) for name, path in lists.items()},
        )
        for name, rounds in costs.items():
            table.add(name, rounds[0].told, Figure.of(cost.cpu for cost in rounds))
        tag = _read_tag(connection, lists["first page"])
        known = [
            _read_known(server, connection, lists["first page"], tag) for _ in range(options.rounds)
        ]
        table.add("first page, 304", 0, Figure.of(cost.cpu for cost in known))
        options.say("reading beside DNS …")
        questions = queries.write(
            options.folder / "asked",
            [queries.make_query((f"_service-{n}._tcp.registry.local", "SRV")) for n in range(100)],
        )
        with asking(server, load, questions) as alone:
            time.sleep(options.seconds)
        with asking(server, load, questions) as beside:
            until = time.monotonic() + options.seconds
            while time.monotonic() < until:
                exchange(connection, "GET", lists["what is not there"])
    table.notes = [
        f"{size:,} instances in services of ten, {LIMIT} a page, one request after the other."
        f" While lists look for what is not there, one after the other, DNS p99 is"
        f" {beside.p99:.1f} ms, longest {beside.longest:.1f} ms; alone {alone.p99:.1f} and"
        f" {alone.longest:.1f} ms."
    ]
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instances", type=int, default=100_000)


def _describe(number: int) -> dict[str, object]:
    metadata = {"version": str(number % 3)}
    return make_instance(number, 3600) | {"tags": ["v1"], "metadata": metadata}


def _make_lists(connection: http.client.HTTPConnection, size: int) -> Mapping[str, str]:
    page = f"/v1/instances?limit={LIMIT}"
    sorts = {sort: f"{page}&sort={sort}" for sort in ("id", "registered_at", "service")}
    middles = {
        f"middle page by {sort}": f"{path}&cursor={quote(_find_middle(connection, path, size))}"
        for sort, path in sorts.items()
    }
    return {
        "first page": sorts["id"],
        "first page by service": sorts["service"],
        **middles,
        "one service": f"{page}&service=service-7",
        "a network of 256": f"{page}&address=10.0.1.0/24",
        "a third, by metadata": f"{page}&meta.version=2",
        "what is not there": f"{page}&meta.version=none",
        "services": f"/v1/services?limit={LIMIT}",
    }


def _find_middle(connection: http.client.HTTPConnection, path: str, size: int) -> str:
    """The cursor of the page after half of them."""
    cursor, told = "", 0
    while told < size // 2:
        body = exchange(
            connection, "GET", path.replace(f"limit={LIMIT}", "limit=1000") + f"&cursor={cursor}"
        )
        told += len(body["instances"])
        if body["next_cursor"] is None:
            break
        cursor = body["next_cursor"]
    return cursor


def _read(server: Ours, connection: http.client.HTTPConnection, path: str, _: int) -> Cost:
    cpu = server.process.cpu_seconds()
    for _ in range(SINGLES):
        body = exchange(connection, "GET", path)
    told = len(body["instances"] if "instances" in body else body["services"])
    return Cost((server.process.cpu_seconds() - cpu) / SINGLES * _MICROSECONDS, told)


def _read_tag(connection: http.client.HTTPConnection, path: str) -> str:
    connection.request("HEAD", path)
    response = connection.getresponse()
    response.read()
    return response.headers["ETag"]


def _read_known(server: Ours, connection: http.client.HTTPConnection, path: str, tag: str) -> Cost:
    cpu = server.process.cpu_seconds()
    for _ in range(SINGLES):
        connection.request("GET", path, headers={"If-None-Match": tag})
        response = connection.getresponse()
        response.read()
        if response.status != 304:
            raise BenchmarkError(f"GET {path} was answered {response.status} and not 304")
    return Cost((server.process.cpu_seconds() - cpu) / SINGLES * _MICROSECONDS, 0)


if __name__ == "__main__":
    main()
