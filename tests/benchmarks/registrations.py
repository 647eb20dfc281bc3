"""Durable registrations a second: ours in the file, in memory, and etcd's HTTP gateway.

Each of the clients has a connection of its own and registers a new instance as soon as it has the
answer to the last. In etcd an instance is a key; one that expires has a lease of its own as well,
which is a request more. Both sync each answer to the same disk.

    python -m tests.benchmarks.registrations
"""

import argparse
import base64
import json
import os
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median, quantiles

from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.house import SERVICES, make_instance
from tests.benchmarks.ours import LOOPBACK, ours
from tests.benchmarks.process import Process, running
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.benchmarks.tools import require

CLIENTS = 32
TTL = 3600
"""Seconds: none ends while the rest is measured; `scale` measures ends."""
_OCTETS = 65536
_SYNCS = 200


@dataclass(frozen=True, slots=True)
class Measured:
    """What one load came to; times in milliseconds, CPU in microseconds a registration."""

    rate: float
    p50: float
    p99: float
    cpu: float


class Conversation:
    """One client: registers one instance after another, in one or more requests each."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self._numbers = numbers

    def begin(self) -> bytes:
        """The first request of the next registration."""
        raise NotImplementedError

    def go_on(self, _answer: bytes) -> bytes | None:
        """The next request of the same registration, None where it is done."""
        return None


class OurClient(Conversation):
    """POST of an instance."""

    def begin(self) -> bytes:
        return _post("/v1/instances", _describe(next(self._numbers)))


class EtcdClient(Conversation):
    """A put of a key."""

    lease: str | None = None

    def begin(self) -> bytes:
        number = next(self._numbers)
        put = {"key": _encode(f"/services/{number}"), "value": _encode(_describe(number))}
        return _post("/v3/kv/put", json.dumps(put | ({"lease": self.lease} if self.lease else {})))


class LeasingClient(EtcdClient):
    """The grant of a lease, then a put of a key under it."""

    def begin(self) -> bytes:
        self.lease = None
        return _post("/v3/lease/grant", json.dumps({"TTL": TTL}))

    def go_on(self, answer: bytes) -> bytes | None:
        if self.lease is not None:
            return None
        self.lease = json.loads(answer)["ID"]
        return super().begin()


def measure(options: Options) -> Table:
    """Alternate between the servers, all of which run from the first round to the last."""
    clients: int = options.extra.clients
    numbers = count()
    with ExitStack() as opened:
        start = partial(ours, options.folder, cores=options.server_core)
        kept = opened.enter_context(start(name="sqlite"))
        held = opened.enter_context(start(name="memory", store="memory://"))
        etcd, port = opened.enter_context(_etcd(options))
        os.sched_setaffinity(0, {int(options.load_core)})
        load = partial(_load, clients, options.seconds)
        results = alternate(
            options.rounds,
            {
                "SQLite, synced": lambda _: load(OurClient, numbers, kept.process, kept.http_port),
                "memory": lambda _: load(OurClient, numbers, held.process, held.http_port),
                "etcd, put": lambda _: load(EtcdClient, numbers, etcd, port),
                "etcd, lease and put": lambda _: load(LeasingClient, numbers, etcd, port),
            },
        )
    rates = {name: Figure.of(one.rate for one in found) for name, found in results.items()}
    columns = ("store", "registrations/s", "over etcd, put", "p50 ms", "p99 ms", "CPU µs each")
    table = Table("registrations", columns)
    for name, found in results.items():
        table.add(
            name,
            rates[name],
            rates[name].over(rates["etcd, put"]),
            Figure.of(one.p50 for one in found),
            Figure.of(one.p99 for one in found),
            Figure.of(one.cpu for one in found),
        )
    table.notes.append(
        f"{clients} clients, {options.rounds} rounds of {options.seconds:g} s, servers on one core,"
        f" load on another; a sync of 4 KiB takes {_sync_time(options.folder) * 1e6:.0f} µs here."
    )
    return table


def _load(
    clients: int,
    seconds: float,
    make: Callable[[Iterator[int]], Conversation],
    numbers: Iterator[int],
    process: Process,
    port: int,
) -> Measured:
    with ExitStack() as opened:
        poll = opened.enter_context(select.epoll())
        sockets: dict[int, tuple[socket.socket, Conversation]] = {}
        for _ in range(clients):
            sock = opened.enter_context(socket.create_connection((LOOPBACK, port)))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            poll.register(sock, select.EPOLLIN)
            sockets[sock.fileno()] = sock, make(numbers)
        cpu, began, taken = process.cpu_seconds(), time.perf_counter(), []
        since: dict[int, float] = {}
        for number, (sock, client) in sockets.items():
            since[number] = time.perf_counter()
            sock.sendall(client.begin())
        while (now := time.perf_counter()) < began + seconds:
            for number, _ in poll.poll(1.0):
                sock, client = sockets[number]
                request = client.go_on(_receive(sock))
                if request is None:
                    now = time.perf_counter()
                    taken.append(now - since[number])
                    since[number] = now
                    request = client.begin()
                sock.sendall(request)
        elapsed = now - began
        used = process.cpu_seconds() - cpu
    if len(taken) < clients:
        raise BenchmarkError(f"{process.name} answered {len(taken)} registrations in {seconds} s")
    return Measured(
        rate=len(taken) / elapsed,
        p50=median(taken) * 1e3,
        p99=quantiles(taken, n=100)[98] * 1e3,
        cpu=used / len(taken) * 1e6,
    )


def _receive(sock: socket.socket) -> bytes:
    """The body of an answer, all of which comes at once. Raises BenchmarkError for a refusal."""
    answer = sock.recv(_OCTETS)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
        raise BenchmarkError(f"a registration was answered {answer[:200]!r}")
    return body


@contextmanager
def _etcd(options: Options) -> Iterator[tuple[Process, int]]:
    """etcd with one node on free ports."""
    port, peer_port = _free_ports()
    client, peer = f"http://{LOOPBACK}:{port}", f"http://{LOOPBACK}:{peer_port}"
    command = [
        *(require("etcd"), "--data-dir", str(options.folder / "etcd"), "--log-level", "error"),
        *("--listen-client-urls", client, "--advertise-client-urls", client),
        *("--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer),
        *("--initial-cluster", f"default={peer}"),
    ]
    folder, core = options.folder, options.server_core
    with running("etcd", command, cores=core, folder=folder) as process:
        process.wait_until(lambda: _is_open(port))
        yield process, port


def _free_ports() -> tuple[int, int]:
    with socket.create_server((LOOPBACK, 0)) as one, socket.create_server((LOOPBACK, 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), 0.1) as sock:
            sock.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            return b'"health":"true"' in sock.recv(_OCTETS)
    except OSError:
        return False


def _sync_time(folder: Path) -> float:
    """The median of a write and a sync, in seconds."""
    taken = []
    with (folder / "sync").open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    return median(taken)


def _describe(number: int) -> str:
    return json.dumps(make_instance(number, SERVICES) | {"ttl": TTL})


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _post(path: str, body: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: {LOOPBACK}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--clients", type=int, default=CLIENTS, help=f"default {CLIENTS}")


if __name__ == "__main__":
    run(str(__doc__), measure, _add_arguments)
