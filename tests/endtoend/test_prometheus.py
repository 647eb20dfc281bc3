"""The real Prometheus reads our metrics, and finds by our DNS where they are."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pytest

from tests.endtoend.machine import API, Machine
from tests.machine import require

T = TypeVar("T")

PROMETHEUS = "http://127.0.0.1:9090"
LONGEST_WAIT = 60.0
"""Seconds for what takes five: Prometheus begins its scrapes spread over an interval."""

CONFIGURATION = """
global: {scrape_interval: 1s}
scrape_configs:
  - job_name: named
    static_configs: [{targets: ["127.0.0.1:8053"]}]
  - job_name: found
    dns_sd_configs:
      - names: [_registry._tcp.registry.local]
        type: SRV
        refresh_interval: 1s
"""


async def _curl(machine: Machine, *arguments: str) -> Any:
    return json.loads(await machine.run(require("curl"), "-fsS", *arguments))


async def _register(machine: Machine, id: str, port: int) -> None:
    body = json.dumps({"service": "registry", "address": "127.0.0.1", "port": port, "ttl": None})
    json_body = ("-H", "Content-Type: application/json", "-d", body)
    await _curl(machine, "-X", "PUT", *json_body, f"{API}/v1/instances/{id}")


async def _query(machine: Machine, query: str) -> dict[str, float]:
    """The values that Prometheus has for a query, by job."""
    told = await _curl(machine, f"{PROMETHEUS}/api/v1/query?query={quote(query)}")
    return {item["metric"]["job"]: float(item["value"][1]) for item in told["data"]["result"]}


async def _targets(machine: Machine) -> dict[str, str]:
    """How the targets do that Prometheus has, by the URL that it scrapes."""
    told = await _curl(machine, f"{PROMETHEUS}/api/v1/targets?state=active")
    return {
        f"{item['labels']['job']} {item['scrapeUrl']}": item["health"]
        for item in told["data"]["activeTargets"]
    }


async def _reach(read: Callable[[], Awaitable[T]], expected: T) -> None:
    """Read until it is as expected."""
    async with asyncio.timeout(LONGEST_WAIT):
        while True:
            if await read() == expected:
                return
            await asyncio.sleep(0.2)


@pytest.fixture
async def prometheus(machine: Machine, tmp_path: Path) -> AsyncIterator[Machine]:
    """Prometheus in the machine, which asks our DNS as any program in it would."""
    program = require("prometheus")
    (tmp_path / "prometheus.yml").write_text(CONFIGURATION)
    process = await machine.spawn(
        program,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        "--web.listen-address=127.0.0.1:9090",
    )
    # Its log is long, and must not fill the pipe.
    reading = asyncio.ensure_future(process.communicate())
    try:
        async with asyncio.timeout(LONGEST_WAIT):
            while True:
                assert process.returncode is None, await reading
                ready = await machine.spawn("curl", "-fsS", f"{PROMETHEUS}/-/ready")
                await ready.communicate()
                if ready.returncode == 0:
                    break
                await asyncio.sleep(0.1)
        yield machine
    finally:
        if process.returncode is None:
            process.kill()
        await reading


async def test_prometheus_scrapes_us_and_finds_targets_by_srv(prometheus: Machine) -> None:
    await _register(prometheus, "one", 8053)
    expected = {
        "named http://127.0.0.1:8053/metrics": "up",
        "found http://one.i.registry.local:8053/metrics": "up",
    }
    await _reach(lambda: _targets(prometheus), expected)
    await _reach(lambda: _query(prometheus, "dnsregistry_instances"), {"named": 1.0, "found": 1.0})
    # It has asked us for the SRV records and then for the address, and reads how often.
    asked = await _query(prometheus, 'sum by (job) (dnsregistry_dns_answers_total{type="SRV"})')
    assert asked["found"] >= 1

    # What is registered next is found next, and what is gone is left.
    await _register(prometheus, "two", 8053)
    await prometheus.run("curl", "-fsS", "-X", "DELETE", f"{API}/v1/instances/one")
    expected["found http://two.i.registry.local:8053/metrics"] = "up"
    del expected["found http://one.i.registry.local:8053/metrics"]
    await _reach(lambda: _targets(prometheus), expected)
