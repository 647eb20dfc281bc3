"""gRPC and DNS checks against real servers, and servers that are something else."""

import asyncio
import os
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

# Its threads must not talk while the tests fork openssl.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import HealthServicer

from dnsregistry.health.outcome import Outcome
from dnsregistry.health.probing.connect import SystemResolver
from dnsregistry.health.probing.probes import Probes
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.targets import ALLOWED, TargetPolicy
from dnsregistry.registry.check import DnsProbe, GrpcProbe, Health, HttpProbe, Probe, TcpProbe, Tls
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.health.backend import Backend, Mood
from tests.health.conftest import Watch
from tests.program import LOOPBACK, Program

PATIENCE = 5.0
LONG = "a." * 100 + "Service"


class Asker:
    def __init__(self) -> None:
        self.tally = HealthTally()
        policy = TargetPolicy(ALLOWED, (), lambda address: False)
        self.probes = Probes(policy, SystemResolver(), self.tally)

    async def ask(self, probe: Probe, port: int, host: str = LOOPBACK) -> Outcome:
        try:
            place = (ip_address(host), port)
        except ValueError:
            return await self.probes.ask(probe, [(host, port)], PATIENCE)
        return await self.probes.ask(probe, [place], PATIENCE)


@pytest.fixture
async def asker() -> AsyncIterator[Asker]:
    one = Asker()
    yield one
    await one.probes.close()
    assert one.tally.faults == 0


class GrpcServer:
    """A server of grpc.health.v1 as gRPC's own library has it."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.servicer = HealthServicer()
        self._server = grpc.server(ThreadPoolExecutor(2))
        health_pb2_grpc.add_HealthServicer_to_server(self.servicer, self._server)
        self.port: int = self._listen(certificate)
        self._server.start()

    def _listen(self, certificate: Path | None) -> int:
        place = f"{LOOPBACK}:0"
        if certificate is None:
            return int(self._server.add_insecure_port(place))
        octets = certificate.read_bytes()
        credentials = grpc.ssl_server_credentials([(octets, octets)])
        return int(self._server.add_secure_port(place, credentials))

    def set(self, service: str, *, serving: bool) -> None:
        statuses = health_pb2.HealthCheckResponse
        self.servicer.set(service, statuses.SERVING if serving else statuses.NOT_SERVING)

    def stop(self) -> None:
        self._server.stop(0).wait()


@pytest.fixture
def grpc_server() -> Iterator[GrpcServer]:
    server = GrpcServer()
    yield server
    server.stop()


async def test_a_grpc_server_is_asked_for_its_health(asker: Asker, grpc_server: GrpcServer) -> None:
    port = grpc_server.port
    for service in ("", "web.Greeter", LONG):
        grpc_server.set(service, serving=True)
        outcome = await asker.ask(GrpcProbe(service=service), port)
        assert (outcome.passed, outcome.reason) == (True, "SERVING"), service
        grpc_server.set(service, serving=False)
        outcome = await asker.ask(GrpcProbe(service=service), port)
        assert (outcome.passed, outcome.reason) == (False, "it is NOT_SERVING")


async def test_a_grpc_server_is_asked_over_tls(asker: Asker, tmp_path: Path) -> None:
    server = GrpcServer(make_certificate(tmp_path, "grpc"))
    server.set("", serving=True)
    for tls, passed, reason in (
        (Tls(verify=False), True, "SERVING"),
        (Tls(), False, "its certificate is not valid"),
    ):
        outcome = await asker.ask(GrpcProbe(tls=tls), server.port)
        assert outcome.passed is passed
        assert outcome.reason.startswith(reason)
    server.stop()


async def test_a_service_that_a_grpc_server_does_not_know_fails_with_its_own_words(
    asker: Asker, grpc_server: GrpcServer
) -> None:
    outcome = await asker.ask(GrpcProbe(service="nobody"), grpc_server.port)
    assert not outcome.passed
    assert outcome.reason.startswith("answered with grpc-status 5")


@asynccontextmanager
async def flooding(first: bytes, again: bytes) -> AsyncIterator[int]:
    """A server on a port that says something, and then one thing without end."""

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(1)
            writer.write(first)
            while True:
                writer.write(again * 1000)
                await writer.drain()
                # What is answered must not hold up this side.
                with suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(65536), 0.001)

    server = await asyncio.start_server(flood, LOOPBACK, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def test_frames_without_end_are_read_to_a_bound(asker: Asker) -> None:
    settings = b"\0\0\0\4\0\0\0\0\0"
    ping = b"\0\0\x08\6\0\0\0\0\0abcdefgh"
    async with flooding(settings, ping) as port:
        outcome = await asker.ask(GrpcProbe(), port)
    assert outcome.reason == "no answer within 32768 octets"


async def test_a_header_that_is_no_text_is_a_reason_like_others(asker: Asker) -> None:
    settings = b"\0\0\0\4\0\0\0\0\0"
    # `:status: 200`, and a header literally: its name is `a`, its value one octet.
    fields = b"\x88\x00\x01a\x01\xff"
    last = b"\0\0" + bytes((len(fields),)) + b"\1\5\0\0\0\1" + fields
    async with flooding(settings + last, b"") as port:
        outcome = await asker.ask(GrpcProbe(), port)
    assert outcome.reason == "answered with grpc-status None"


async def test_interim_answers_without_end_are_read_to_a_bound(asker: Asker) -> None:
    async with flooding(b"", b"HTTP/1.1 102 Processing\r\n\r\n") as port:
        outcome = await asker.ask(HttpProbe(), port)
    assert outcome.reason == "more than 8 interim answers"


async def test_answers_that_nobody_asked_for_are_no_part_of_the_first(asker: Asker) -> None:
    async with flooding(b"", b"HTTP/1.1 204 No Content\r\n\r\n") as port:
        for _ in range(3):
            outcome = await asker.ask(HttpProbe(), port)
            assert (outcome.passed, outcome.reason) == (True, "answered 204")


@pytest.mark.parametrize("interim", [0, 8])
async def test_a_few_interim_answers_are_no_matter(asker: Asker, interim: int) -> None:
    before = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" * interim
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(before + answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    async with server:
        outcome = await asker.ask(HttpProbe(), server.sockets[0].getsockname()[1])
    assert (outcome.passed, outcome.reason) == (True, "answered 200")


@pytest.mark.parametrize("mood", [Mood.OK, Mood.NOT_HTTP, Mood.CLOSING])
async def test_what_speaks_no_http2_fails_a_grpc_check(
    asker: Asker, backend: Backend, mood: Mood
) -> None:
    backend.mood = mood
    outcome = await asker.ask(GrpcProbe(), backend.port)
    assert not outcome.passed
    assert "HTTP/2" in outcome.reason or "closed before an answer" in outcome.reason


async def test_dns_follows_a_grpc_server(
    program: Program, watch: Watch, grpc_server: GrpcServer
) -> None:
    grpc_server.set("web", serving=True)
    check = {"type": "grpc", "service": "web", "interval": 0.2, "failures_before_unhealthy": 1}
    await program.register("i1", address=LOOPBACK, port=grpc_server.port, ttl=None, checks=[check])
    await watch.wait("i1", Health.HEALTHY)
    grpc_server.set("web", serving=False)
    await watch.wait("i1", Health.UNHEALTHY)
    assert await watch.answers() == []


async def test_a_dns_server_is_asked_for_records(
    asker: Asker, program: Program, start: Start
) -> None:
    await program.register("i1", ttl=None)
    for qtype, passed, reason in (
        ("A", True, "1 records"),
        ("SRV", True, "1 records"),
        ("AAAA", False, "answered without a record"),
    ):
        outcome = await asker.ask(DnsProbe("user-service.registry.local", qtype), program.port)
        assert (outcome.passed, outcome.reason) == (passed, reason)
    outcome = await asker.ask(DnsProbe("nobody.registry.local"), program.port)
    assert outcome.reason == "answered NXDOMAIN"
    outcome = await asker.ask(DnsProbe("example.org"), program.port)
    assert outcome.reason == "answered REFUSED"


async def test_a_dns_server_that_is_not_there_or_says_something_else_fails(asker: Asker) -> None:
    loop = asyncio.get_running_loop()

    class Liar(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, peer: object) -> None:
            assert isinstance(self.transport, asyncio.DatagramTransport)
            for lie in (b"", b"x", data, data[:2] + b"\x80\0" + data[4:12] + b"\x01x\0\0\1\0\1"):
                self.transport.sendto(lie, peer)  # type: ignore[arg-type]

    transport, _ = await loop.create_datagram_endpoint(Liar, (LOOPBACK, 0))
    port = transport.get_extra_info("sockname")[1]
    probe = DnsProbe("a.test")
    outcome = await asker.probes.ask(probe, [(ip_address(LOOPBACK), port)], 0.2)
    assert outcome.reason == "no whole answer within 0.2 s"
    transport.close()
    await asyncio.sleep(0)
    assert "refused" in (await asker.ask(probe, port)).reason


@pytest.mark.parametrize(
    ("strangers", "reason"),
    [(10, "1 records"), (100, "64 datagrams, none of which is the reply")],
)
async def test_datagrams_that_are_no_reply_are_read_to_a_bound(
    asker: Asker, strangers: int, reason: str
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((LOOPBACK, 0))
        sock.setblocking(False)
        asking = asyncio.create_task(asker.ask(DnsProbe("a.test"), sock.getsockname()[1]))
        loop = asyncio.get_running_loop()
        question, peer = await loop.sock_recvfrom(sock, 512)
        # All of them are there before the prober looks again.
        for _ in range(strangers):
            sock.sendto(b"x", peer)
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1"
        sock.sendto(question[:2] + b"\x80\0\0\1\0\1\0\0\0\0" + question[12:] + answer, peer)
        assert (await asking).reason == reason


async def test_a_name_is_resolved_by_the_machine(asker: Asker, backend: Backend) -> None:
    assert (await asker.ask(TcpProbe(), backend.port, "localhost")).passed
    outcome = await asker.ask(TcpProbe(), backend.port, "nobody.invalid")
    assert outcome.reason.startswith("nobody.invalid does not resolve")


_HANG = """
import asyncio, socket, time
from dnsregistry.health.probing.connect import SystemResolver

def hang(*_):
    time.sleep(600)

async def main():
    resolver = SystemResolver()
    socket.getaddrinfo = hang
    lookup = asyncio.create_task(resolver.resolve("hangs.test"))
    await asyncio.sleep(0.1)
    resolver.close()

asyncio.run(main())
"""


async def test_names_that_hang_hold_up_no_others_and_are_asked_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    end = threading.Event()
    look_up = socket.getaddrinfo

    def hang(host: str, *args: Any) -> Any:
        asked.append(host)
        if host != "localhost":
            end.wait()
        return look_up("localhost", *args)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    resolver = SystemResolver()
    names = [f"hangs-{number}.test" for number in range(50)]
    lookups = [asyncio.create_task(resolver.resolve(name)) for name in names * 2]
    await asyncio.sleep(0)
    async with asyncio.timeout(20):
        assert await resolver.resolve("localhost")
        end.set()
        assert all(await asyncio.gather(*lookups))
    assert sorted(asked) == sorted([*names, "localhost"])


async def test_a_name_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _HANG)
    try:
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
