"""HTTPS: DNS over HTTP/2, which resolvers speak, and the API over HTTP/1.1 on the same port."""

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dns.message
import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    PingAckReceived,
    ResponseReceived,
    StreamEnded,
)
from h2.settings import SettingCodes

from tests.conftest import Start
from tests.dns.certificate import HOST
from tests.machine import require
from tests.program import PATIENCE, Program
from tests.wire import Reply, make_query

NAME = "user-service.registry.local"
MESSAGE = "application/dns-message"
WIDEST = 2**31 - 1
"""Octets: the widest window that there can be (RFC 9113, 6.9.1)."""
Headers = Sequence[tuple[bytes, bytes]]


@pytest.fixture
async def secure(start: Start, served: Path) -> Program:
    """A program with HTTPS and one instance."""
    program = await start(tls_cert=str(served))
    await program.register("i1")
    return program


@dataclass(slots=True)
class Response:
    """What came on one stream."""

    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    @property
    def status(self) -> int:
        return int(self.headers[":status"])


class Http2Client:
    """A connection that sends what it is told, lawful or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = H2Connection(
            H2Configuration(
                validate_outbound_headers=False,
                normalize_outbound_headers=False,
                header_encoding="utf-8",
            )
        )
        self.h2.initiate_connection()
        self.responses: dict[int, Response] = {}
        self.closed = False
        self.pongs = 0

    def send(self, headers: Headers, body: bytes | None = None) -> int:
        """Begin a request, and return its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, headers, end_stream=body is None)
        for start in range(0, len(body or b""), 16384):
            self.h2.send_data(stream, (body or b"")[start : start + 16384])
        if body is not None:
            self.h2.end_stream(stream)
        self.responses[stream] = Response()
        self.flush()
        return stream

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    async def wait(self, stream: int) -> Response:
        """Read until the response is whole, or the server closes."""
        async with asyncio.timeout(PATIENCE):
            while not self.responses[stream].whole and not self.closed:
                await self._read()
        return self.responses[stream]

    async def wait_closed(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.closed:
                await self._read()

    async def _read(self) -> None:
        try:
            octets = await self.reader.read(65536)
        except ConnectionError:
            octets = b""
        self.closed = self.closed or not octets
        for event in self.h2.receive_data(octets):
            match event:
                case ResponseReceived():
                    headers = {str(name): str(value) for name, value in event.headers}
                    self.responses[event.stream_id].headers = headers
                case DataReceived():
                    self.responses[event.stream_id].body += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                case StreamEnded():
                    self.responses[event.stream_id].whole = True
                case PingAckReceived():
                    self.pongs += 1
                case ConnectionTerminated():
                    self.closed = True
        self.flush()


Connect = Callable[[Program], Awaitable[Http2Client]]


@pytest.fixture
async def connect(certificates: list[Path]) -> AsyncIterator[Connect]:
    """Open a connection that chose HTTP/2."""
    clients: list[Http2Client] = []

    async def connect_to(program: Program) -> Http2Client:
        context = ssl.create_default_context(cafile=str(certificates[0]))
        context.set_alpn_protocols(["h2"])
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", program.https_port, ssl=context, server_hostname=HOST
            )
        assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
        clients.append(Http2Client(reader, writer))
        return clients[-1]

    yield connect_to
    for client in clients:
        client.writer.transport.abort()
        await asyncio.gather(client.writer.wait_closed(), return_exceptions=True)


def _get(
    message: bytes | None = None, path: bytes = b"/dns-query", method: bytes = b"GET"
) -> Headers:
    if message is not None:
        path += b"?dns=" + base64.urlsafe_b64encode(message).rstrip(b"=")
    return [
        (b":method", method),
        (b":path", path),
        (b":scheme", b"https"),
        (b":authority", HOST.encode()),
        (b"accept", MESSAGE.encode()),
    ]


def _post(media_type: str = MESSAGE) -> Headers:
    return [*_get(method=b"POST"), (b"content-type", media_type.encode())]


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


@pytest.mark.parametrize("method", ["+https", "+https-get"])
async def test_kdig_asks_over_https_and_trusts_the_certificate(
    secure: Program, served: Path, method: str
) -> None:
    kdig = require("kdig")
    where = ("@127.0.0.1", "-p", str(secure.https_port), "+retry=0", "+https", method)
    trust = (f"+tls-ca={served}", f"+tls-hostname={HOST}")
    output = await _run(kdig, *where, *trust, "_user-service._tcp.registry.local", "SRV")
    assert ";; HTTP session (HTTP/2-" in output
    assert "status: 200" in output
    assert "0 1 8080 i1.i.registry.local." in output


async def test_a_client_of_either_version_gets_all_of_the_api(
    secure: Program, served: Path
) -> None:
    """Over HTTP/2 there is only DNS, so HTTP/1.1 is what such a client is given."""
    url = f"https://127.0.0.1:{secure.https_port}/v1/instances/i1"
    output = await _run(
        *(require("curl"), url, "--http2", "--cacert", str(served)),
        *("--silent", "--show-error", "--fail", "--output", "/dev/null"),
        *("--write-out", "%{http_version} %{http_code}"),
    )
    assert output == "1.1 200"


async def test_the_api_is_there_over_https_too(secure: Program, served: Path) -> None:
    context = ssl.create_default_context(cafile=str(served))
    url = f"https://127.0.0.1:{secure.https_port}/v1/instances/i1"
    async with secure.http.get(url, ssl=context) as response:
        assert (response.status, (await response.json())["id"]) == (200, "i1")


async def test_over_http2_the_answer_is_that_of_tcp(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    query = make_query(NAME, id=7, edns=1232)
    wire = (await secure.dns.exchange(query, tcp=True)).wire
    for stream in (client.send(_get(query)), client.send(_post(), query)):
        response = await client.wait(stream)
        assert (response.status, response.body) == (200, wire)
        assert response.headers["content-type"] == MESSAGE
        assert response.headers["cache-control"] == "max-age=5"
        assert response.headers["content-length"] == str(len(wire))


async def test_a_head_has_the_length_of_what_it_leaves_out(
    secure: Program, connect: Connect
) -> None:
    """RFC 9110, 8.6: the length "that would have been sent ... if the request had been a GET"."""
    client = await connect(secure)
    query = make_query(NAME)
    lengths = []
    for method in (b"GET", b"HEAD"):
        response = await client.wait(client.send(_get(query, method=method)))
        lengths.append(response.headers["content-length"])
    assert (response.status, response.body) == (200, b"")
    assert lengths[0] == lengths[1]


async def test_over_http2_many_are_asked_at_once(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    streams = {client.send(_get(make_query(NAME, id=number))): number for number in range(90)}
    for stream, number in streams.items():
        assert Reply.of((await client.wait(stream)).body).id == number


async def test_a_long_answer_waits_for_the_clients_window(
    secure: Program, connect: Connect
) -> None:
    await secure.register_all(
        [{"service": "long", "address": "10.0.0.1", "port": port} for port in range(1, 1101)]
    )
    client = await connect(secure)
    query = make_query("_long._tcp.registry.local", "SRV")
    # Three of them are more than the 65,535 octets that a connection has in advance.
    for stream in [client.send(_get(query)) for _ in range(3)]:
        reply = Reply.of((await client.wait(stream)).body)
        assert len(reply.rdatas) == 1100


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (_get(), None, 400),
        (_get(path=b"/dns-query?dns=%%%"), None, 400),
        (_get(path=b"/dns-query?dns=\xff\xfe"), None, 400),
        (_get(b"short"), None, 400),
        (_get(path=b"/"), None, 404),
        (_get(path=b"//["), None, 404),
        (_get(path=b"/v1/instances"), None, 404),
        (_get(method=b"PUT"), None, 405),
        (_get(method=b"HEAD"), None, 400),
        (_post("text/plain"), make_query(NAME), 415),
        (_get(method=b"POST"), make_query(NAME), 415),
        (_post(), b"", 400),
        (_post(), bytes(70_000)[:65_535], 200),
    ],
    ids=str,
)
async def test_what_is_no_query_gets_the_status_that_says_so(
    secure: Program,
    connect: Connect,
    headers: Headers,
    body: bytes | None,
    status: int,
) -> None:
    client = await connect(secure)
    response = await client.wait(client.send(headers, body))
    assert response.status == status
    # The connection is as good as before.
    again = await client.wait(client.send(_get(make_query(NAME))))
    assert Reply.of(again.body).rcode == "NOERROR"


async def test_a_body_that_is_too_long_is_told_so(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    stream = client.send(_post())
    client.responses[stream] = Response()
    other = client.h2.get_next_available_stream_id()
    client.h2.send_headers(other, _post())
    client.responses[other] = Response()
    for _ in range(5):
        client.h2.send_data(other, bytes(10_000))
    client.flush()
    # The server has given its window back once it has taken these in.
    async with asyncio.timeout(PATIENCE):
        while client.h2.local_flow_control_window(other) < 30_000:
            await client._read()
    for _ in range(3):
        client.h2.send_data(other, bytes(10_000))
    client.flush()
    assert (await client.wait(other)).status == 413


async def test_octets_that_are_no_http2_end_the_connection_alone(
    secure: Program, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client, other = await connect(secure), await connect(secure)
    with caplog.at_level(logging.WARNING):
        client.writer.write(b"\xff" * 1000)
        await client.wait_closed()
        hostile = [*_get(make_query(NAME)), (b"x", b"\xff\xfe")]
        assert (await other.wait(other.send(hostile))).whole
    assert [record.getMessage() for record in caplog.records] == []


async def test_a_client_that_never_asks_is_cut(
    start: Start, served: Path, connect: Connect
) -> None:
    program = await start(tls_cert=str(served), tcp_idle=0.3)
    client = await connect(program)
    client.flush()
    await client.wait_closed()


async def test_a_client_that_waits_for_a_reply_is_not_idle(
    start: Start, served: Path, connect: Connect
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as upstream:
        upstream.bind(("127.0.0.1", 0))
        upstream.setblocking(False)
        address = f"127.0.0.1:{upstream.getsockname()[1]}"
        program = await start(tls_cert=str(served), tcp_idle=0.3, upstreams=address)
        client = await connect(program)
        stream = client.send(_get(make_query("one.test")))
        query, peer = await _wait_for_question(upstream, "one.test.")
        # Two idle ones, one after the other, are gone before the reply comes.
        for _ in range(2):
            idle = await connect(program)
            idle.flush()
            await idle.wait_closed()
        reply = dns.message.make_response(query, recursion_available=True)
        upstream.sendto(reply.to_wire(), peer)
        assert Reply.of((await client.wait(stream)).body).rcode == "NOERROR"
        await client.wait_closed()


async def _wait_for_question(
    upstream: socket.socket, name: str
) -> tuple[dns.message.Message, tuple[str, int]]:
    """The first question for a name that comes to an upstream, and where it came from."""
    async with asyncio.timeout(PATIENCE):
        while True:
            octets, peer = await asyncio.get_running_loop().sock_recvfrom(upstream, 4096)
            query = dns.message.from_wire(octets)
            if query.question[0].name.to_text().lower() == name:
                return query, peer


async def test_a_client_that_resets_without_end_is_cut(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    for _ in range(250):
        stream = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream, _get(make_query(NAME)), end_stream=True)
        client.responses[stream] = Response()
        client.h2.reset_stream(stream)
    client.flush()
    await client.wait_closed()
    assert (await secure.ask(NAME)).rcode == "NOERROR"


async def test_a_client_that_never_reads_is_not_answered_without_end(
    secure: Program, connect: Connect
) -> None:
    """However wide it opens its windows: what it does not take is not made."""
    await secure.register_all(
        [{"service": "long", "address": "10.0.0.1", "port": port} for port in range(1, 1101)]
    )
    client = await connect(secure)
    client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: WIDEST})
    client.h2.increment_flow_control_window(WIDEST - 65_535)
    query = make_query("_long._tcp.registry.local", "SRV")
    for _ in range(5):
        for _ in range(60):
            client.send(_get(query))
        while await _is_busy(secure):
            pass
    # Some megabytes of some 60 kB each, as the system takes in.
    assert 5 < await _count_queries(secure) < 200
    assert (await secure.ask(NAME)).rcode == "NOERROR"


async def _count_queries(program: Program) -> int:
    return int((await program.read_stats())["dns"]["queries"]["doh"])


async def _is_busy(program: Program) -> bool:
    """Whether queries are still being answered, or none was yet."""
    before = await _count_queries(program)
    for _ in range(3):
        after = await _count_queries(program)
    return before == 0 or after > before
