"""Heartbeats beside FastAPI and Express: `python -m tests.benchmarks.http`.

Each renews one lease a request, over connections that stay open. The others are a dozen lines that
do nothing else (peers/): no DNS, no watchers, no expiry, no store.
"""

import argparse
import http.client
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.benchmarks import house
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.nameservers import free_port
from tests.benchmarks.ours import LOOPBACK, ROOT, ours
from tests.benchmarks.process import Process, running
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.benchmarks.tools import require
from tests.benchmarks.webload import CONNECTIONS, WebLoad

EXPRESS = "express@5"
LEASE = 3600
"""Seconds: longer than a run, and yet a deadline that each heartbeat moves."""
OURS, FASTAPI, EXPRESS_NAME = "dnsregistry", "FastAPI, uvicorn", "Express 5"
_PEERS = Path(__file__).with_name("peers")
_MICROSECONDS = 1e6


@dataclass(frozen=True, slots=True)
class WebServer:
    """One that answers heartbeats."""

    process: Process
    port: int


@dataclass(frozen=True, slots=True)
class Cost:
    """What a load came to."""

    rate: float
    cpu_per_request: float
    """Microseconds."""
    p99: float
    """Microseconds."""


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """Start all three, then let them take turns."""
    load = WebLoad(options.load_core)
    with ExitStack() as stack:
        options.say("starting the servers …")
        server = stack.enter_context(ours(options.folder, cores=options.server_core))
        services = max(1, options.extra.instances // house.INSTANCES)
        server.register_all(house.make_instances(services, ttl=LEASE))
        servers = {
            OURS: WebServer(server.process, server.http_port),
            FASTAPI: stack.enter_context(_fastapi(options)),
            EXPRESS_NAME: stack.enter_context(_express(options)),
        }
        for name, web in servers.items():
            _check_reply(name, web.port)
        options.say("heartbeats …")
        costs = alternate(
            options.rounds,
            {name: partial(_load, load, name, web, options) for name, web in servers.items()},
        )
    return _tell(options, costs)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instances", type=int, default=10_000)


def _load(load: WebLoad, name: str, web: WebServer, options: Options, _: int) -> Cost:
    before = web.process.cpu_seconds()
    answered = load.send(web.port, "heartbeats", options.extra.instances, options.seconds)
    used = web.process.cpu_seconds() - before
    answered.check(name)
    return Cost(answered.rate, used / answered.requests * _MICROSECONDS, answered.p99)


def _tell(options: Options, costs: dict[str, list[Cost]]) -> Table:
    columns = (
        "server",
        "heartbeats a second",
        "ours, times",
        "CPU µs each",
        "times ours",
        "p99 ms",
    )
    told = (
        f"Medians of {options.rounds} alternating rounds (least to most),"
        f" {CONNECTIONS} connections, {options.extra.instances:,} instances; p99 in ms."
    )
    table = Table("http", columns, notes=[told])
    rates = {name: Figure.of(cost.rate for cost in costs[name]) for name in costs}
    used = {name: Figure.of(cost.cpu_per_request for cost in costs[name]) for name in costs}
    for name, rounds in costs.items():
        table.add(
            name,
            rates[name],
            rates[OURS].over(rates[name]),
            used[name],
            used[name].over(used[OURS]),
            Figure.of(cost.p99 / 1000 for cost in rounds),
        )
    return table


def _check_reply(name: str, port: int) -> None:
    """All do the same: a known instance is renewed, an unknown one is 404."""
    for number, expected in ((0, 200), (9_999_999, 404)):
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
        connection.request("POST", f"/v1/instances/i-{number:07d}/heartbeat")
        response = connection.getresponse()
        body = json.loads(response.read())
        connection.close()
        if response.status != expected:
            raise BenchmarkError(f"{name} answers {response.status} instead of {expected}")
        if expected == 200 and set(body) != {"expires_at", "ttl"}:
            raise BenchmarkError(f"{name} answers something else: {body}")


@contextmanager
def _fastapi(options: Options) -> Iterator[WebServer]:
    for module in ("fastapi", "uvicorn", "uvloop", "httptools"):
        if importlib.util.find_spec(module) is None:
            raise BenchmarkError(
                f"the Python package {module} is missing; pip install 'dnsregistry[benchmark]'"
            )
    port = free_port()
    module = "tests.benchmarks.peers.fastapi_heartbeats:app"
    command = [sys.executable, "-m", "uvicorn", module, f"--port={port}", "--no-access-log"]
    with _serve("fastapi", command, port, options) as server:
        yield server


@contextmanager
def _express(options: Options) -> Iterator[WebServer]:
    port = free_port()
    home = options.folder / "express"
    home.mkdir()
    shutil.copy(_PEERS / "express_heartbeats.js", home)
    options.say(f"npm install {EXPRESS} …")
    npm = [require("npm"), "install", "--no-audit", "--no-fund", "--prefix", str(home), EXPRESS]
    done = subprocess.run(npm, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchmarkError(f"npm install {EXPRESS} failed: {done.stderr.strip()[-200:]}")
    command = [require("node"), str(home / "express_heartbeats.js")]
    with _serve("express", command, port, options) as server:
        yield server


@contextmanager
def _serve(name: str, command: Sequence[str], port: int, options: Options) -> Iterator[WebServer]:
    environment = os.environ | {
        "INSTANCES": str(options.extra.instances),
        "PORT": str(port),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "NODE_ENV": "production",
    }
    with running(
        name,
        command,
        cores=options.server_core,
        folder=options.folder,
        environment=environment,
    ) as process:
        process.wait_until(partial(_accepts, port))
        yield WebServer(process, port)


def _accepts(port: int) -> bool:
    try:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()
    except (OSError, http.client.HTTPException):
        return False
    return True


if __name__ == "__main__":
    main()
