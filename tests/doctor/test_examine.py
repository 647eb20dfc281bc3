"""A machine is examined against real servers on loopback."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from aiohttp import web
from click.testing import CliRunner

from dnsregistry.cli.doctor import read_server
from dnsregistry.cli.main import main
from dnsregistry.doctor import clock, servers
from dnsregistry.doctor.asking import Server
from dnsregistry.doctor.examine import Machine, examine
from dnsregistry.doctor.finding import Finding, Level
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.program import PATIENCE, Program

LOOPBACK = "127.0.0.1"
OPT = b"\x00\x00\x29"


def _make_root(folder: Path, resolv_conf: str) -> Path:
    (folder / "etc").mkdir()
    (folder / "etc/resolv.conf").write_text(resolv_conf, encoding="utf-8")
    return folder


async def _examine(root: Path, program: Program, zone: str = "registry.local") -> list[Finding]:
    machine = Machine(root, program.port)
    found = await asyncio.to_thread(lambda: list(examine(machine, zone, program.url, None)))
    return [finding for finding in found if finding.subject != "clock"]


class _Relay(asyncio.DatagramProtocol):
    """Hands datagrams on to a server by UDP; drops those that `drops` names."""

    def __init__(self, port: int, drops: Callable[[bytes], bool]) -> None:
        self._port = port
        self._drops = drops

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._drops(data):
            return
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.sendto(data, (LOOPBACK, self._port))
            reply = sock.recv(65535)
        self._transport.sendto(reply, addr)


@asynccontextmanager
async def _relay(program: Program, drops: Callable[[bytes], bool]) -> AsyncIterator[Server]:
    # In a loop of its own thread: the relay waits for the program, which runs in this one.
    loop = asyncio.new_event_loop()
    thread = asyncio.to_thread(loop.run_forever)
    running = asyncio.ensure_future(thread)
    making = loop.create_datagram_endpoint(
        lambda: _Relay(program.port, drops), local_addr=(LOOPBACK, 0)
    )
    transport, _ = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(making, loop))
    try:
        yield Server(LOOPBACK, transport.get_extra_info("sockname")[1])
    finally:
        # The socket itself is closed in the turn after `close`, which must still come.
        loop.call_soon_threadsafe(transport.close)
        loop.call_soon_threadsafe(loop.call_soon, loop.stop)
        await running
        loop.close()


async def test_all_is_well_where_the_first_server_is_the_registry(
    program: Program, tmp_path: Path
) -> None:
    found = await _examine(_make_root(tmp_path, f"nameserver {LOOPBACK}\n"), program)
    assert {finding.level for finding in found} == {Level.OK}
    assert {finding.subject.split(" ")[0] for finding in found} >= {"server", "TCP", "EDNS"}


async def test_a_registry_that_was_found_is_not_looked_for_at_another_port(
    program: Program, tmp_path: Path
) -> None:
    root = _make_root(tmp_path, f"nameserver {LOOPBACK}\n")

    def run(is_guess: bool) -> list[Level]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
            nobody.bind((LOOPBACK, 0))
            other = Server(LOOPBACK, nobody.getsockname()[1])
            machine = Machine(root, program.port)
            found = examine(machine, "registry.local", program.url, other, is_guess=is_guess)
            return [finding.level for finding in found if finding.subject == f"server {other}"]

    assert await asyncio.to_thread(run, True) == []
    assert await asyncio.to_thread(run, False) == [Level.PROBLEM]


async def test_a_server_that_refuses_the_zone_is_named_with_the_line_to_write(
    program: Program, tmp_path: Path
) -> None:
    root = _make_root(tmp_path, f"nameserver {LOOPBACK}\n")
    found = await _examine(root, program, "other.internal")
    (finding,) = [one for one in found if one.level is Level.PROBLEM]
    assert finding.text == "does not know other.internal: REFUSED"
    assert "/etc/resolv.conf: nameserver" in finding.change


async def test_a_dead_server_before_the_registry_is_a_problem_of_time_alone(
    program: Program, tmp_path: Path
) -> None:
    root = _make_root(tmp_path, f"nameserver 127.0.0.9\nnameserver {LOOPBACK}\n")
    found = await _examine(root, program)
    levels = {one.subject: one.level for one in found if one.subject.startswith("server")}
    assert levels == {
        f"server 127.0.0.9:{program.port}": Level.WARNING,
        f"server {LOOPBACK}:{program.port}": Level.OK,
    }


async def test_a_firewall_that_stops_tcp_is_found(program: Program) -> None:
    async with _relay(program, lambda _: False) as server:
        found = await asyncio.to_thread(
            lambda: list(servers.examine_ways(server, "registry.local"))
        )
    assert [one.level for one in found] == [Level.PROBLEM, Level.OK, Level.OK]
    assert f"let TCP port {server.port}" in found[0].change


async def test_a_middlebox_that_drops_edns_is_found(program: Program) -> None:
    async with _relay(program, lambda data: OPT in data[12:]) as server:
        found = await asyncio.to_thread(
            lambda: list(servers.examine_ways(server, "registry.local"))
        )
    assert found[1].level is Level.WARNING
    assert "512 octets" in found[1].text


async def test_denials_that_are_kept_long_are_found(start: Start, tmp_path: Path) -> None:
    program = await start(negative_ttl=300)
    found = await _examine(_make_root(tmp_path, f"nameserver {LOOPBACK}\n"), program)
    (finding,) = [one for one in found if one.level is Level.WARNING]
    assert "kept for 300 s" in finding.text


async def test_a_clock_that_is_apart_is_found() -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(headers={"Date": "Sun, 06 Nov 1994 08:49:37 GMT"})

    application = web.Application()
    application.router.add_get("/health", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, 0)
    await site.start()
    finding = await asyncio.to_thread(clock.examine, f"http://{LOOPBACK}:{runner.addresses[0][1]}")
    await runner.cleanup()
    assert finding.level is Level.WARNING
    assert "ahead of the registry's" in finding.text


async def test_the_command_tells_findings_and_exits_with_one_where_names_are_not_found(
    program: Program, tmp_path: Path
) -> None:
    root = _make_root(tmp_path, f"nameserver {LOOPBACK}\n")
    command = [sys.executable, "-m", "dnsregistry", "doctor", f"--root={root}"]
    command += [f"--port={program.port}", f"--server={LOOPBACK}:{program.port}"]
    command += [f"--url={program.url}"]

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*command, *more], capture_output=True, text=True, check=False)

    done = await asyncio.to_thread(run)
    assert (done.returncode, done.stderr) == (0, "")
    assert "knows registry.local" in done.stdout
    done = await asyncio.to_thread(run, "--zone", "other.internal")
    assert done.returncode == 1
    assert "→ /etc/resolv.conf" in done.stdout


def test_a_server_is_read_in_every_form() -> None:
    assert read_server("192.0.2.1") == Server("192.0.2.1", 53)
    assert read_server("192.0.2.1:5300") == Server("192.0.2.1", 5300)
    assert read_server("2001:db8::1") == Server("2001:db8::1", 53)
    assert read_server("[2001:db8::1]:5300") == Server("2001:db8::1", 5300)


async def test_a_registry_over_https_is_trusted_by_the_file_that_is_given(
    start: Start, tmp_path: Path
) -> None:
    program = await start(tls_cert=str(make_certificate(tmp_path, "registry")))
    url = f"https://{LOOPBACK}:{program.https_port}"
    trusted = await asyncio.to_thread(clock.examine, url, tmp_path / "cert.pem")
    assert trusted.subject == "clock"
    stranger = await asyncio.to_thread(clock.examine, url)
    assert "certificate verify failed" in stranger.text
    assert stranger.change.startswith("name what it is trusted by: --ca-file")


async def test_zone_and_certificates_come_from_the_variables_that_all_commands_heed(
    tmp_path: Path,
) -> None:
    nobody = {"DNSREGISTRY_URL": f"http://{LOOPBACK}:1", "DNSREGISTRY_ZONE": "house.test"}
    arguments = ["doctor", "--root", str(tmp_path), "--port", "1"]
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments, env=nobody)
    assert "does not know house.test" in result.output
    nobody["DNSREGISTRY_CA_FILE"] = str(tmp_path / "none.pem")
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments, env=nobody)
    assert (result.exit_code, "none.pem' does not exist" in result.output) == (2, True)
