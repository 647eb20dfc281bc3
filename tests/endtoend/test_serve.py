"""`dnsregistry serve`: what a person sees who types it."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from dnsregistry.servers.sockets import bind_pair, listen_tcp
from tests.endtoend.conftest import Serve
from tests.endtoend.process import Served, run
from tests.machine import require
from tests.program import PATIENCE
from tests.wire import make_query

SRV = "_user-service._tcp.registry.local"
QUICKLY = 4.5
"""Seconds that a stop may take: less than what requests on their way would be given."""
FREE_PORTS = ("--dns-port", "0", "--http-port", "0")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


async def _dig(port: int, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        require("dig"), "@127.0.0.1", "-p", str(port), *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_the_demo_answers_dig_with_three_srv_and_their_addresses(
    serve: Serve, transport: str
) -> None:
    served = await serve("--demo")
    out = await _dig(served.dns.port, transport, "+noall", "+answer", "+additional", SRV, "SRV")
    records = [line.split() for line in out.splitlines()]
    targets = sorted(record[-1] for record in records if record[3] == "SRV")
    assert targets == [f"user-service-{number}.i.registry.local." for number in (1, 2, 3)]
    addresses = sorted((record[0], record[4]) for record in records if record[3] == "A")
    assert addresses == [(target, "127.0.0.1") for target in targets]


async def test_streams_that_are_closed_at_the_start_are_no_reason_to_end(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    shell = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
    served = await Served.start(*FREE_PORTS, "--ready-file", str(ready), variables={}, within=shell)
    try:
        await served.wait_ready(ready)
        for number in range(3):
            assert (await asyncio.to_thread(_describe, served.process.pid, number)) == "/dev/null"
        finished = await served.stop()
    finally:
        await served.kill()
    assert (finished.code, finished.out, finished.err) == (0, "", "")


def _describe(process: int, number: int) -> str:
    return str(Path(f"/proc/{process}/fd/{number}").readlink())


async def test_it_says_where_it_listens_and_what_to_try(serve: Serve) -> None:
    served = await serve("--demo")
    port = served.dns.port
    finished = await served.stop()
    lines = finished.out.splitlines()
    assert lines[:2] == [f"dns   127.0.0.1:{port} udp tcp", f"http  {served.url}"]
    assert f"  dig @127.0.0.1 -p {port} {SRV} SRV" in lines
    assert f"  curl {served.url}/v1/services/user-service" in lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_quickly_and_frees_its_ports(
    serve: Serve, number: signal.Signals
) -> None:
    served = await serve("--demo")
    assert (await served.dns.ask(SRV, "SRV")).rcode == "NOERROR"
    began = time.monotonic()
    finished = await served.stop(number)
    assert time.monotonic() - began < QUICKLY
    assert finished.code == 0
    bind_pair("127.0.0.1", served.dns.port).close()
    listen_tcp("127.0.0.1", served.http_port).close()


@pytest.mark.parametrize("ignored", [False, True])
async def test_a_terminal_that_is_closed_ends_it_in_order_unless_that_is_ignored(
    tmp_path: Path, *, ignored: bool
) -> None:
    ready = tmp_path / "ready"
    within = (require("env"), f"--{'ignore' if ignored else 'default'}-signal=HUP")
    arguments = (*FREE_PORTS, "--workers", "1", "--ready-file", str(ready))
    served = await Served.start(*arguments, variables={}, within=within)
    try:
        await served.wait_ready(ready)
        served.process.send_signal(signal.SIGHUP)
        if ignored:
            await served.dns.ask(SRV, "SRV")
            finished = await served.stop()
        else:
            finished = await served.wait_end()
        assert finished.code == 0
        assert "stopping" in finished.err
    finally:
        await served.kill()


async def test_open_connections_do_not_hold_up_the_end(serve: Serve) -> None:
    served = await serve()
    idle, half = await served.dns.tcp(), await served.dns.tcp()
    await idle.exchange(make_query(SRV))
    await half.send_octets(b"\0")
    async with aiohttp.ClientSession(served.url) as http:
        async with http.get("/health") as response:
            assert response.status == 200
        half_request = await asyncio.open_connection("127.0.0.1", served.http_port)
        half_request[1].write(b"POST /v1/instances HTTP/1.1\r\nHost: x\r\n")
        began = time.monotonic()
        finished = await served.stop()
        assert time.monotonic() - began < QUICKLY
    assert finished.code == 0
    assert await idle.wait_closed() == b""
    half_request[1].close()


async def test_the_warning_of_multicast_names_comes_once(serve: Serve) -> None:
    finished = await (await serve("--demo")).stop()
    assert finished.err.count("RFC 6762") == 1
    finished = await (await serve("--zone", "registry.internal")).stop()
    assert "RFC 6762" not in finished.err


async def test_a_variable_that_is_no_setting_is_warned_of(serve: Serve) -> None:
    finished = await (await serve(DNSREGISTRY_DNS_PROT="53")).stop()
    warning = "the variable DNSREGISTRY_DNS_PROT is no setting; did you mean DNS_PORT?"
    assert finished.err.count(warning) == 1


async def test_a_flag_goes_over_the_environment_over_the_file(serve: Serve, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('zone = "file.internal"\nnegative_ttl = 3\ndns_ttl = 3\n')
    served = await serve(
        *("--config", str(config), "--dns-ttl", "7"),
        DNSREGISTRY_ZONE="environment.internal",
        DNSREGISTRY_DNS_TTL="5",
    )
    reply = await served.dns.ask("environment.internal", "NS")
    assert reply.answer == ["environment.internal. 7 IN NS ns1.environment.internal."]
    [soa] = (await served.dns.ask("nobody.environment.internal")).authority
    assert soa.split()[1] == "3"


async def _refuse(*arguments: str, **variables: str) -> str:
    """Run it where it must not start; returns the one sentence that it says."""
    finished = await run(*FREE_PORTS, *arguments, variables=variables)
    assert finished.code != 0
    assert finished.out == ""
    said = [line for line in finished.err.splitlines() if "[warning" not in line]
    assert len(said) == 1, finished.err
    return said[0]


async def test_a_taken_dns_port_is_one_sentence(taken: int) -> None:
    assert await _refuse("--dns-port", str(taken)) == (
        f"Error: DNS_HOST, DNS_PORT: cannot listen on TCP 127.0.0.1:{taken}:"
        " another program listens there"
    )


async def test_a_taken_http_port_is_one_sentence(taken: int) -> None:
    assert await _refuse("--http-port", str(taken)) == (
        f"Error: HTTP_HOST, HTTP_PORT: cannot listen on TCP 127.0.0.1:{taken}:"
        " another program listens there"
    )


async def test_a_wrong_flag_is_one_sentence() -> None:
    assert await _refuse("--dns-ttl", "0") == (
        "Error: DNS_TTL=0: input should be greater than or equal to 1"
    )


async def test_a_wrong_variable_is_one_sentence() -> None:
    assert await _refuse(DNSREGISTRY_EMPTY_SERVICE="maybe") == (
        "Error: EMPTY_SERVICE=maybe: input should be 'nodata', 'nxdomain' or 'all'"
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("negative_ttl = 0", "NEGATIVE_TTL=0: input should be greater than or equal to 1"),
        ("dns_prot = 53", "{path} has no such setting: dns_prot; did you mean DNS_PORT?"),
        ("zone = ", "{path} is no TOML: Invalid value (at end of document)"),
    ],
)
async def test_a_wrong_file_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(content)
    said = await _refuse("--config", str(config))
    assert said == f"Error: {sentence.format(path=config)}"


async def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    said = await _refuse("--config", str(tmp_path / "no"))
    assert said == f"Error: cannot read {tmp_path / 'no'}: No such file or directory"


async def test_an_open_api_beyond_loopback_is_refused(tmp_path: Path) -> None:
    assert await _refuse("--http-host", "0.0.0.0") == (
        "Error: HTTP_HOST=0.0.0.0 would let anyone who reaches it write;"
        " give TOKENS_FILE, or say INSECURE=true if that is meant"
    )


async def test_a_ready_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "no" / "ready"
    finished = await run(*FREE_PORTS, "--ready-file", str(path))
    assert finished.code != 0
    assert finished.err.splitlines()[-1] == (
        f"Error: cannot write --ready-file {path}: No such file or directory"
    )
