"""The core at scale: `python -m tests.benchmarks.scale`.

Memory, loading by arrays, heartbeats and registrations among 1,000 to 1,000,000 instances, and the
end of 100,000 leases in one second. DNS is asked at a steady rate beside all that takes long.
"""

import argparse
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from statistics import median

from tests.benchmarks import queries
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.ours import LOOPBACK, Ours, exchange, ours
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.table import Table

ARRAY = 100_000
"""Instances in one POST: about 12 MiB."""
BULK = 1000
"""Ids in one request of heartbeats."""
SINGLES = 2000
RATE = 1000
"""DNS questions a second beside the work: seldom enough to cost little, often enough for a p99."""
WINDOW = 200
STANDING = 100
"""Services that DNS is asked for; their leases do not end."""
TTL = 600
SHORT_TTL = 20
"""Of the leases that end together: time enough to register them and to renew all once more."""


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sizes", default="1000,100000,1000000", help="numbers of instances")
    parser.add_argument("--ending", type=int, default=100_000, help="leases that end together")


def measure(options: Options) -> Table:
    """One column for each number of instances, and the mass expiry under them."""
    sizes = [int(size) for size in options.extra.sizes.split(",")]
    table = Table("scale", ("instances", *[f"{size:,}" for size in sizes]))
    load = Load(options.folder, options.load_core)
    questions = _write_questions(options)
    columns = [_measure_size(options, load, questions, size) for size in sizes]
    for name in columns[0]:
        table.add(name, *[column[name] for column in columns])
    table.notes += [_measure_end(options, load, questions, options.extra.ending)]
    table.notes += [
        f"Ids as of pods, services of ten, IPv4; arrays of up to {ARRAY:,}, {BULK:,} ids in a"
        f" request of heartbeats; {RATE:,} questions a second, none lost, p99 of the median"
        " second; the server on a core of its own."
    ]
    return table


def make_instance(number: int, ttl: float | None) -> dict[str, object]:
    """The instance of this number, with an id such as pods have."""
    service = f"service-{number // 10}"
    return {
        "id": f"{service}-{number * 2654435761 % 2**32:08x}",
        "service": service,
        "address": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        "port": 8080,
        "ttl": ttl,
    }


def _make_standing() -> list[dict[str, object]]:
    names = [f"standing-{number // 10}" for number in range(STANDING * 10)]
    return [
        make_instance(2**24 - 1 - number, None) | {"service": name}
        for number, name in enumerate(names)
    ]


def _write_questions(options: Options) -> QueryFile:
    names = [(f"_standing-{number}._tcp.registry.local", "SRV") for number in range(STANDING)]
    return queries.write(options.folder / "standing", map(queries.make_query, names))


@dataclass(slots=True)
class Beside:
    """DNS that was asked beside something; times in microseconds."""

    sent: list[Sent] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Milliseconds, of the median second."""
        return median(sent.p99 for sent in self.sent) / 1000

    @property
    def longest(self) -> float:
        """Milliseconds."""
        return max(sent.longest for sent in self.sent) / 1000


@contextmanager
def asking(server: Ours, load: Load, questions: QueryFile) -> Iterator[Beside]:
    """Ask while the block lasts, a second at a time."""
    beside, over = Beside(), threading.Event()
    faults: list[BenchmarkError] = []

    def ask() -> None:
        try:
            while not over.is_set() or not beside.sent:
                sent = load.send(server.dns_port, questions, seconds=1, window=WINDOW, rate=RATE)
                sent.check(0, "DNS beside the work")
                beside.sent.append(sent)
        except BenchmarkError as fault:
            faults.append(fault)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield beside
    finally:
        over.set()
        thread.join()
    if faults:
        raise faults[0]


def _measure_size(
    options: Options, load: Load, questions: QueryFile, size: int
) -> dict[str, float | int]:
    name = f"of-{size}"
    with (
        ours(options.folder, cores=options.server_core, name=name, store="memory://") as server,
        closing(server.connect()) as connection,
    ):
        exchange(connection, "POST", "/v1/instances", _make_standing())
        before, cpu = server.process.memory().resident, server.process.cpu_seconds()
        seconds = 0.0
        options.say(f"{size:,}: registering …")
        with asking(server, load, questions) as loading:
            for body in _make_arrays(size, TTL):
                began = time.perf_counter()
                _post(connection, "/v1/instances", body, 201)
                seconds += time.perf_counter() - began
        cpu = server.process.cpu_seconds() - cpu
        options.say(f"{size:,}: renewing …")
        bulk = list(_make_bulks(size))
        with asking(server, load, questions) as renewing:
            rate, per_cpu = _renew(server, connection, bulk, options.seconds)
        held = server.process.memory().resident - before
        return {
            "octets of memory an instance": round(held / size),
            "seconds to load": seconds,
            "CPU µs an instance": cpu / size * 1e6,
            "DNS p99 meanwhile, ms": loading.p99,
            "longest, ms": loading.longest,
            "renewals a second, 1,000 a request": round(rate),
            "renewals a CPU second": round(per_cpu),
            "DNS p99 beside them, ms": renewing.p99,
            "CPU µs a heartbeat alone": _cost(server, connection, size, "POST", "/heartbeat"),
            "CPU µs a registration alone": _cost(server, connection, size, "PUT", ""),
        }


def _make_arrays(size: int, ttl: float) -> Iterator[bytes]:
    instances = (make_instance(number, ttl) for number in range(size))
    while array := list(islice(instances, ARRAY)):
        yield json.dumps(array).encode()


def _make_bulks(size: int) -> Iterator[bytes]:
    ids = (make_instance(number, None)["id"] for number in range(size))
    while some := list(islice(ids, BULK)):
        yield json.dumps({"ids": some}).encode()


def _post(connection: http.client.HTTPConnection, path: str, body: bytes, status: int) -> bytes:
    connection.request("POST", path, body)
    response = connection.getresponse()
    answer = response.read()
    if response.status != status:
        raise BenchmarkError(f"POST {path} was answered {response.status}: {answer[:200]!r}")
    return answer


def _renew(
    server: Ours, connection: http.client.HTTPConnection, bulks: list[bytes], seconds: float
) -> tuple[float, float]:
    """Renewals a second, and a second of the server's CPU time."""
    cpu, began, renewed = server.process.cpu_seconds(), time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        for body in bulks[:1000]:
            answer = json.loads(_post(connection, "/v1/heartbeats", body, 200))
            if answer["unknown"]:
                raise BenchmarkError(f"{len(answer['unknown'])} leases are not there")
            renewed += answer["renewed"]
    return renewed / passed, renewed / (server.process.cpu_seconds() - cpu)


def _cost(
    server: Ours, connection: http.client.HTTPConnection, size: int, method: str, path: str
) -> float:
    """CPU microseconds of the server for each of many single requests, one after the other."""
    numbers = [step * 7919 % size for step in range(SINGLES)]
    cpu = server.process.cpu_seconds()
    for number in numbers:
        instance = make_instance(number, TTL)
        body = None if path else instance | {"port": 8081}
        exchange(connection, method, f"/v1/instances/{instance['id']}{path}", body)
    return (server.process.cpu_seconds() - cpu) / SINGLES * 1e6


def _measure_end(options: Options, load: Load, questions: QueryFile, count: int) -> str:
    """Have many leases end in one second; a sentence of what came of it."""
    with (
        ours(options.folder, cores=options.server_core, name="end", store="memory://") as server,
        closing(server.connect()) as connection,
    ):
        exchange(connection, "POST", "/v1/instances", _make_standing())
        options.say(f"{count:,} leases end together: registering …")
        for body in _make_arrays(count, SHORT_TTL):
            _post(connection, "/v1/instances", body, 201)
        first = _read_deadline(connection, count, _make_bulks(count))
        last = _read_end(connection, count - 1)
        options.say(f"{count:,} leases end within {last - first:.2f} s: waiting …")
        time.sleep(max(0.0, first - time.time() - 0.5))
        with asking(server, load, questions) as ending:
            late = _ask_until_swept(server, connection, count, last)
    return (
        f"{count:,} leases that end within {last - first:.2f} s: the sweep is"
        f" through {late.swept:.2f} s after the last deadline, DNS p99 meanwhile {ending.p99:.1f}"
        f" ms, longest {ending.longest:.1f} ms; of {late.asked:,} questions for ended leases"
        f" {late.answered} were answered with one."
    )


def _read_deadline(
    connection: http.client.HTTPConnection, count: int, bulks: Iterator[bytes]
) -> float:
    """Renew all leases at once; the first deadline of them."""
    for place, body in enumerate(bulks):
        _post(connection, "/v1/heartbeats", body, 200)
        if place == 0:
            first = _read_end(connection, 0)
    return first


def _read_end(connection: http.client.HTTPConnection, number: int) -> float:
    instance = make_instance(number, None)
    told = exchange(connection, "GET", f"/v1/instances/{instance['id']}")
    return datetime.fromisoformat(told["expires_at"]).timestamp()


@dataclass(slots=True)
class Late:
    """What was seen after the last deadline."""

    asked: int = 0
    answered: int = 0
    swept: float = 0.0


def _ask_until_swept(
    server: Ours, connection: http.client.HTTPConnection, count: int, last: float
) -> Late:
    """Ask for ended leases until the registry holds none of them."""
    late = Late()
    # Times are told to the millisecond, cut.
    time.sleep(max(0.0, last + 0.001 - time.time()))
    with closing(_connect_udp(server.dns_port)) as sock:
        held = count
        while held:
            for _ in range(20):
                number = (late.asked * 7919) % (count // 10)
                sock.send(queries.make_query((f"_service-{number}._tcp.registry.local", "SRV")))
                late.asked += 1
                late.answered += int.from_bytes(sock.recv(4096)[6:8]) > 0
            held = exchange(connection, "GET", "/v1/stats")["registry"]["instances"]
            held -= STANDING * 10
            late.swept = time.time() - last
            if late.swept > 60:
                raise BenchmarkError(f"{held} leases are there a minute after their end")
    return late


def _connect_udp(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(5)
    sock.connect((LOOPBACK, port))
    return sock


if __name__ == "__main__":
    main()
