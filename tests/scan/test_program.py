"""The scan as a part of the program: its settings, its numbers, and what DNS makes of it."""

import asyncio
from collections.abc import Callable

import pytest

from dnsregistry.settings import SettingsError, load
from tests.conftest import Start
from tests.program import PATIENCE, Program
from tests.scan.peers import Peers, identify


async def _wait(program: Program, holds: Callable[[dict[str, int]], bool]) -> dict[str, int]:
    async with asyncio.timeout(PATIENCE):
        while True:
            scan: dict[str, int] = (await program.read_stats())["scan"]
            if holds(scan):
                return scan
            await asyncio.sleep(0.02)


async def test_what_a_scan_finds_is_in_dns_and_in_the_api(start: Start, peers: Peers) -> None:
    behave = identify("Coordinator", "coordinator_1", ports={"metrics": 9100}, weight=7)
    address = await peers.start(9, behave)
    program = await start(scan_ranges="127.77.0.8/29", scan_port=str(peers.port), scan_rate=1000)
    scan = await _wait(program, lambda scan: scan["sweeps"] > 0)
    assert (scan["size"], scan["registered"], scan["refused"]) == (6, 1, 5)
    reply = await program.ask("_coordinator._tcp.registry.local", "SRV")
    assert reply.rdatas[0].split()[:3] == ["0", "7", str(peers.port)]
    assert f" {address}" in reply.additional[0]
    reply = await program.ask("_metrics._tcp.coordinator.registry.local", "SRV")
    assert reply.rdatas[0].split()[2] == "9100"
    reply = await program.ask("scanned.coordinator.registry.local")
    assert reply.rdatas == [address]
    async with program.http.get("/v1/instances/coordinator_1") as response:
        instance = await response.json()
    assert instance["ttl"] == 75
    assert instance["weight"] == 7


async def test_the_program_ends_in_the_middle_of_a_scan(start: Start) -> None:
    program = await start(scan_ranges="127.77.0.0/16", scan_rate=100)
    await _wait(program, lambda scan: scan["asked"] > 3)


async def test_without_ranges_nobody_is_asked_and_there_are_no_numbers(program: Program) -> None:
    assert "scan" not in await program.read_stats()


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("scan_ranges", "10.0.0.0/8", "larger than a /16"),
        ("scan_ranges", "nowhere", "'nowhere' is no range"),
        ("scan_port", "0", "greater than or equal to 1"),
        ("scan_port", "http", "valid integer"),
        ("scan_port", "", "names no port"),
        ("scan_port", ",".join(map(str, range(1, 18))), "more than 16 ports"),
        ("scan_interval", "0", "greater than or equal to 1"),
        ("scan_rate", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_is_named_with_its_rule(setting: str, value: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=reason) as caught:
        load({setting: value}, {}, None)
    assert str(caught.value).startswith(f"{setting.upper()}=")


def test_several_ranges_and_ports_are_lists() -> None:
    given = {"scan_ranges": "10.0.0.7/24, fd00::/120", "scan_port": "8080,9090"}
    settings, _ = load(given, {}, None)
    assert [str(network) for network in settings.scan_ranges] == ["10.0.0.0/24", "fd00::/120"]
    assert settings.scan_port == (8080, 9090)
