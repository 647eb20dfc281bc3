"""How much a client may: requests, connections, and the time and size of a request's head."""

import asyncio
import logging
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.access.buckets import Buckets, Networks, pack
from dnsregistry.access.settings import LOOPBACK
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.program import PATIENCE, Program, TcpClient

GET = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


async def _connect(port: int, source: str | None = None) -> TcpClient:
    sock = socket.socket()
    sock.setblocking(False)
    if source is not None:
        sock.bind((source, 0))
    async with asyncio.timeout(PATIENCE):
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    return TcpClient(sock)


def _port(program: Program) -> int:
    return int(program.url.rpartition(":")[2])


async def _receive(client: TcpClient) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.get_running_loop().sock_recv(client.socket, 65536)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3000)), max_size=60),
    st.integers(1, 5),
)
def test_a_client_gets_its_rate_and_a_burst_whatever_others_do(
    asked: list[tuple[str, int]], rate: int
) -> None:
    buckets = Buckets(rate, rate)
    levels = {name: (float(rate), 0.0) for name in "abc"}
    now = 0.0
    for name, milliseconds in asked:
        now += milliseconds / 1000
        level, at = levels[name]
        level = min(float(rate), level + (now - at) * rate)
        took = buckets.take(f"192.0.2.{ord(name)}", now)
        assert took == (level >= 1)
        levels[name] = (level - took, now)


def test_a_client_is_an_address_or_a_network_of_one_subscriber() -> None:
    assert pack("2001:db8::1") == pack("2001:db8::2") != pack("2001:db8:0:1::1")
    assert pack("::ffff:192.0.2.1") == pack("192.0.2.1") != pack("192.0.2.2")
    assert "fe80::1%eth0" not in Networks(LOOPBACK)
    assert "::1" in Networks(LOOPBACK)
    assert "::ffff:127.0.0.1" in Networks(LOOPBACK)
    assert "" not in Networks(LOOPBACK)


def test_a_client_that_was_gone_before_it_was_asked_for_is_counted_like_any_other() -> None:
    buckets = Buckets(1.0, 1.0)
    assert [buckets.take("", 0.0) for _ in range(2)] == [True, False]


async def test_who_asks_too_often_is_told_to_wait_and_others_are_not(start: Start) -> None:
    program = await start(http_rate_limit=5, http_rate_limit_exempt="127.0.0.2/32")
    statuses = []
    while 429 not in statuses:
        async with program.http.get("/health") as response:
            statuses.append(response.status)
            told = await response.json()
    assert statuses[:5] == [200] * 5
    assert response.headers["Retry-After"] == "1"
    assert told["type"] == "too-many-requests"
    other = await _connect(_port(program), "127.0.0.2")
    with other.socket:
        for _ in range(10):
            await other.send_octets(GET)
            assert (await _receive(other)).startswith(b"HTTP/1.1 200")


async def test_loopback_is_exempt_unless_it_is_said_otherwise(start: Start) -> None:
    program = await start(http_rate_limit=1)
    for _ in range(10):
        async with program.http.get("/health") as response:
            assert response.status == 200


async def test_connections_are_bounded_for_each_client_and_in_all(start: Start) -> None:
    program = await start(http_connections=3, http_connections_per_client=2)
    port = _port(program)
    held = [await _connect(port), await _connect(port)]
    for client in held:
        await client.send_octets(GET)
        assert (await _receive(client)).startswith(b"HTTP/1.1 200")
    third = await _connect(port)
    assert await third.wait_closed() == b""
    other = await _connect(port, "127.0.0.2")
    await other.send_octets(GET)
    assert (await _receive(other)).startswith(b"HTTP/1.1 200")
    another = await _connect(port, "127.0.0.3")
    assert await another.wait_closed() == b""
    held.pop().socket.close()
    async with asyncio.timeout(PATIENCE):
        while True:
            again = await _connect(port, "127.0.0.3")
            await again.send_octets(GET)
            try:
                taken = await _receive(again)
            except ConnectionResetError:
                taken = b""
            again.socket.close()
            if taken:
                break
    assert taken.startswith(b"HTTP/1.1 200")
    for client in (*held, third, other, another):
        client.socket.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("limits"), "limits")


async def test_a_handshake_that_does_not_end_is_a_connection(
    start: Start, certificate: Path
) -> None:
    program = await start(
        tls_cert=certificate, http_connections_per_client=2, tcp_idle=0.5, http_connections=3
    )
    silent = [await _connect(program.https_port) for _ in range(2)]
    third = await _connect(program.https_port)
    assert await third.wait_closed() == b""
    for client in silent:
        # Its time for the handshake is over, and its place is free again.
        await client.wait_closed()
        client.socket.close()
    third.socket.close()
    async with program.http.get("/v1/stats") as response:
        assert (await response.json())["access"]["refused_connections"] == 1


async def test_a_head_that_drips_in_is_cut_and_wins_no_time_by_it(start: Start) -> None:
    program = await start(http_header_timeout=0.3)
    client = await _connect(_port(program))
    await client.send_octets(GET)
    assert (await _receive(client)).startswith(b"HTTP/1.1 200")
    with client.socket:
        closed = asyncio.ensure_future(client.wait_closed())
        for octet in GET * 100:
            try:
                await client.send_octets(bytes([octet]) if octet != 0x0A else b" ")
            except (BrokenPipeError, ConnectionResetError):
                break
            done, _ = await asyncio.wait([closed], timeout=0.02)
            if done:
                break
        assert not (await closed).startswith(b"HTTP/1.1 200")


async def test_a_head_that_comes_in_pieces_is_answered(start: Start) -> None:
    program = await start()
    client = await _connect(_port(program))
    with client.socket:
        for _ in range(2):
            for start_at in range(0, len(GET), 10):
                await client.send_octets(GET[start_at : start_at + 10])
            assert (await _receive(client)).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: x\r\n" * 1000 + b"\r\n",
    ],
    ids=["line", "field", "fields"],
)
async def test_a_head_too_large_is_a_problem_and_the_end(
    start: Start, head: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    program = await start(http_header_size=1024)
    client = await _connect(_port(program))
    with client.socket, caplog.at_level(logging.WARNING):
        await client.send_octets(head)
        told = await client.wait_closed()
    assert told.split(b" ")[1] == b"400"
    assert b'"type":"invalid-http"' in told
    assert b"xxx" not in told
    assert not [record for record in caplog.records if record.name.startswith("dnsregistry")]


async def test_a_header_that_cannot_be_read_is_told_nowhere(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    program = await start(http_header_size=1024)
    for header in (b"Bearer dr_app_hidden\x01", b"Bearer dr_app_hidden" + b"x" * 2000):
        client = await _connect(_port(program))
        with client.socket, caplog.at_level(logging.DEBUG):
            head = b"GET /v1/stats HTTP/1.1\r\nHost: x\r\nAuthorization: "
            await client.send_octets(head + header + b"\r\n\r\n")
            told = await client.wait_closed()
        assert told.split(b" ")[1] == b"400"
        assert b"hidden" not in told
    assert "hidden" not in caplog.text
