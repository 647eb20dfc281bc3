"""Many tcp checks against one local server: are they on time, and does DNS notice?

    python -m tests.benchmarks.checks

The registry has one core; the server that is checked and the questions have the other. A row
without checks tells what DNS takes alone on this machine.
"""

import argparse
import socket
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from random import Random
from typing import Any

from dnsregistry.health.tally import BOUNDS
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.house import INSTANCES, a_name, service_name
from tests.benchmarks.ours import LOOPBACK, Ours, ours
from tests.benchmarks.process import running
from tests.benchmarks.table import Table
from tests.wire import make_query

INTERVAL = 10.0
QUERIES_A_SECOND = 200
REPLY_SECONDS = 5.0
LARGEST_REPLY = 4096
SERVER = """
import socket
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
listener.bind(("0.0.0.0", {port}))
listener.listen(4096)
print("ready", flush=True)
while True:
    listener.accept()[0].close()
"""
"""Takes connections on every loopback address, and nowhere else."""


def main() -> None:
    """Measure and print."""

    def add(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--checks", type=int, default=10_000, help="default 10000")

    run(__doc__ or "", _measure, add, rounds=1, seconds=30.0)


def _measure(options: Options) -> Table:
    count: int = options.extra.checks
    columns = ("checks", "made a second", "lag p99", "late > 1 s", "DNS p50", "DNS p99", "CPU")
    table = Table("checks", columns)
    for title, checked, each_its_own in (
        ("none", 0, True),
        (f"{count} targets", count, True),
        (f"{count} on one target", count, False),
    ):
        for number in range(options.rounds):
            options.say(f"{title}, round {number + 1}")
            table.add(title, *_measure_one(options, checked, each_its_own=each_its_own))
    table.notes.append(
        f"tcp checks every {INTERVAL:g} s, {QUERIES_A_SECOND} DNS questions a second beside them;"
        f" {options.seconds:g} s a row. Lags are bounds of a histogram."
    )
    return table


def _measure_one(
    options: Options, checked: int, *, each_its_own: bool
) -> tuple[str, str, int, str, str, str]:
    services = max(1, (checked or 1000) // INSTANCES)
    with _server(options) as port, ours(options.folder, cores=options.server_core) as registry:
        registry.register_all(_instances(port, checked or 1000, services, each_its_own, checked))
        _wait_for_verdicts(registry, checked)
        before, cpu, begun = _health(registry), registry.process.cpu_seconds(), time.monotonic()
        latencies = _ask(registry.dns_port, services, options.seconds)
        after, used = _health(registry), registry.process.cpu_seconds() - cpu
        seconds = time.monotonic() - begun
    lags = [late - early for early, late in zip(before["lags"], after["lags"], strict=True)]
    made = after["probes"] - before["probes"]
    if after["passed"] - before["passed"] != made:
        raise BenchmarkError(f"{made - after['passed'] + before['passed']} checks failed")
    return (
        f"{made / seconds:.0f}",
        _tell_lag(lags),
        sum(lags[BOUNDS.index(1.0) + 1 :]),
        f"{_quantile(latencies, 0.5) * 1000:.2f} ms",
        f"{_quantile(latencies, 0.99) * 1000:.2f} ms",
        f"{used / seconds:.0%}",
    )


@contextmanager
def _server(options: Options) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
    command = [sys.executable, "-c", SERVER.format(port=port)]
    with running("checked server", command, cores=options.load_core, folder=options.folder) as one:
        one.wait_until(lambda: "ready" in one.log.read_text(encoding="utf-8"))
        yield port


def _instances(
    port: int, count: int, services: int, each_its_own: bool, checked: int
) -> Iterator[dict[str, object]]:
    for number in range(count):
        host = f"127.{1 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        yield {
            "id": f"i-{number:07d}",
            "service": service_name(number % services),
            "address": host if each_its_own else LOOPBACK,
            "port": port,
            "ttl": None,
            "checks": [{"type": "tcp", "interval": INTERVAL}] if checked else [],
        }


def _wait_for_verdicts(registry: Ours, checked: int) -> None:
    """Until every check has been made twice: then they are spread."""
    registry.process.wait_until(lambda: _health(registry)["probes"] >= 2 * checked or _nap())


def _nap() -> bool:
    time.sleep(0.5)
    return False


def _health(registry: Ours) -> Mapping[str, Any]:
    health: Mapping[str, Any] = registry.request("GET", "/v1/stats")["health"]
    return health


def _ask(port: int, services: int, seconds: float) -> Sequence[float]:
    """Seconds to each answer, at a steady rate whatever the answers take."""
    latencies: list[float] = []
    chance = Random(7)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((LOOPBACK, port))
        sock.settimeout(REPLY_SECONDS)
        begun = time.perf_counter()
        for number in range(int(seconds * QUERIES_A_SECOND)):
            due = begun + number / QUERIES_A_SECOND
            time.sleep(max(0.0, due - time.perf_counter()))
            message = make_query(a_name(chance.randrange(services)), "A")
            sent = time.perf_counter()
            sock.send(message)
            reply = sock.recv(LARGEST_REPLY)
            latencies.append(time.perf_counter() - sent)
            if reply[:2] != message[:2] or not int.from_bytes(reply[6:8]):
                raise BenchmarkError(f"DNS did not answer with the instances: {reply.hex()}")
    return latencies


def _tell_lag(lags: Sequence[int]) -> str:
    total = sum(lags)
    if not total:
        return "-"
    counted = accumulate(lags)
    for bound, so_far in zip((*BOUNDS, float("inf")), counted, strict=True):
        if so_far >= 0.99 * total:
            return f"≤ {bound * 1000:g} ms"
    return "-"


def _quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


if __name__ == "__main__":
    main()
