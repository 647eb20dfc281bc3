"""DNS over TLS (RFC 7858) and over HTTPS (RFC 8484)."""

import asyncio
import base64
import logging
import socket
import ssl
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    MutableMapping,
    Sequence,
)
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientResponse
from structlog.testing import capture_logs

from dnsregistry.servers.sockets import ListenError
from tests.conftest import Start
from tests.dns.certificate import HOST, put
from tests.machine import require
from tests.program import PATIENCE, Program
from tests.wire import Reply, make_query, with_length

NAME = "user-service.registry.local"
SRV = "_user-service._tcp.registry.local"
MESSAGE = "application/dns-message"


@pytest.fixture
async def secure(start: Start, served: Path) -> Program:
    """A program with DNS over TLS and one instance."""
    program = await start(tls_cert=str(served))
    await program.register("i1")
    return program


def _break(place: Path, content: bytes | None) -> None:
    if content is None:
        place.unlink()
    else:
        place.write_bytes(content)


class TlsClient:
    """A connection over TLS, message for message."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @property
    def subject(self) -> str:
        certificate = self.writer.get_extra_info("peercert")
        names = dict(pair for parts in certificate["subject"] for pair in parts)
        return str(names["commonName"])

    async def exchange(self, message: bytes) -> Reply:
        self.writer.write(with_length(message))
        return await self.receive()

    async def receive(self) -> Reply:
        async with asyncio.timeout(PATIENCE):
            length = int.from_bytes(await self.reader.readexactly(2))
            return Reply.of(await self.reader.readexactly(length))

    async def close(self) -> None:
        self.writer.close()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(self.writer.wait_closed(), return_exceptions=True)


Connect = Callable[[Program], Awaitable[TlsClient]]


@pytest.fixture
async def connect(certificates: list[Path]) -> AsyncIterator[Connect]:
    """Open a connection that checks the certificate and its name."""
    clients: list[TlsClient] = []

    async def connect_to(program: Program) -> TlsClient:
        context = ssl.create_default_context()
        for certificate in certificates:
            context.load_verify_locations(certificate)
        context.set_alpn_protocols(["dot"])
        async with asyncio.timeout(PATIENCE):
            streams = await asyncio.open_connection(
                "127.0.0.1", program.dot_port, ssl=context, server_hostname=HOST
            )
        clients.append(TlsClient(*streams))
        return clients[-1]

    yield connect_to
    for client in clients:
        await client.close()


async def test_over_tls_the_answer_is_that_of_tcp(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    query = make_query(SRV, "SRV", id=7, edns=1232)
    assert (await client.exchange(query)).wire == (await secure.dns.exchange(query, tcp=True)).wire
    assert client.writer.get_extra_info("ssl_object").selected_alpn_protocol() == "dot"
    assert client.writer.get_extra_info("ssl_object").version() in ("TLSv1.2", "TLSv1.3")
    queries = (await secure.read_stats())["dns"]["queries"]
    assert (queries["dot"], queries["tcp"]) == (1, 1)


async def test_over_tls_many_queries_go_before_a_reply(secure: Program, connect: Connect) -> None:
    client = await connect(secure)
    client.writer.write(b"".join(with_length(make_query(NAME, id=n)) for n in range(300)))
    assert {(await client.receive()).id for _ in range(300)} == set(range(300))


async def test_over_tls_an_answer_may_be_long(secure: Program, connect: Connect) -> None:
    await secure.register_all(
        [{"service": "long", "address": "10.0.0.1", "port": port} for port in range(1, 1101)]
    )
    client = await connect(secure)
    reply = await client.exchange(make_query("_long._tcp.registry.local", "SRV"))
    assert (reply.flags, len(reply.rdatas)) == ("QR AA RD", 1100)


async def test_a_client_that_says_goodbye_leaves_no_trace(
    secure: Program, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client = await connect(secure)
        await client.exchange(make_query(NAME))
        await client.close()
        # Whoever connects next is served after the other one's end.
        await (await connect(secure)).exchange(make_query(NAME))
    assert [record.getMessage() for record in caplog.records if "eof" in record.getMessage()] == []


async def test_whoever_speaks_no_tls_is_cut(start: Start, served: Path, connect: Connect) -> None:
    program = await start(tls_cert=str(served), tcp_idle=0.3)
    loop = asyncio.get_running_loop()
    for octets in (b"", b"\x16\x03", with_length(make_query(NAME)), b"GET / HTTP/1.1\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", program.dot_port)) as plain:
            plain.setblocking(False)
            plain.sendall(octets)
            async with asyncio.timeout(PATIENCE):
                with suppress(ConnectionResetError):
                    while await loop.sock_recv(plain, 4096):
                        pass  # an alert of TLS
    assert (await (await connect(program)).exchange(make_query(NAME))).rcode == "NXDOMAIN"


async def test_an_idle_connection_over_tls_is_closed(
    start: Start, served: Path, connect: Connect
) -> None:
    program = await start(tls_cert=str(served), tcp_idle=0.3)
    client = await connect(program)
    await client.exchange(make_query(NAME))
    async with asyncio.timeout(PATIENCE):
        with suppress(ConnectionResetError):
            assert await client.reader.read() == b""


async def test_connections_over_tls_are_counted_too(
    start: Start, served: Path, connect: Connect
) -> None:
    program = await start(tls_cert=str(served), tcp_connections_per_client=1)
    first = await connect(program)
    await first.exchange(make_query(NAME))
    with pytest.raises((OSError, asyncio.IncompleteReadError)):
        await (await connect(program)).exchange(make_query(NAME))
    assert (await first.exchange(make_query(NAME))).rcode == "NXDOMAIN"
    assert (await program.read_stats())["dns"]["refused_connections"] == 1


async def test_a_handshake_that_does_not_end_is_a_connection(
    start: Start, served: Path, connect: Connect
) -> None:
    """So that silence over TLS takes no more descriptors than connections may."""
    program = await start(
        tls_cert=str(served), tcp_idle=0.5, tcp_connections_per_client=2, tcp_connections=3
    )
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):
        with ExitStack() as opened:
            silent = []
            for _ in range(3):
                silent.append(opened.enter_context(socket.socket()))
                silent[-1].setblocking(False)
                await loop.sock_connect(silent[-1], ("127.0.0.1", program.dot_port))
            # The third is closed at once, the others when their time for the handshake is over.
            for sock in reversed(silent):
                with suppress(ConnectionResetError):
                    assert await loop.sock_recv(sock, 1) == b""
    assert (await (await connect(program)).exchange(make_query(NAME))).rcode == "NXDOMAIN"
    assert (await program.read_stats())["dns"]["refused_connections"] == 1


async def _wait_for_subject(program: Program, connect: Connect, subject: str) -> TlsClient:
    """A connection with the certificate of this subject, as soon as it is served."""
    async with asyncio.timeout(PATIENCE):
        while True:
            client = await connect(program)
            if client.subject == subject:
                return client
            await client.close()
            await asyncio.sleep(0.05)


async def test_a_replaced_certificate_is_served_within_seconds(
    secure: Program, connect: Connect, served: Path, certificates: list[Path]
) -> None:
    before = await connect(secure)
    assert before.subject == "certificate-0"
    loop = asyncio.get_running_loop()
    began = loop.time()
    put(certificates[1], served)
    after = await _wait_for_subject(secure, connect, "certificate-1")
    assert loop.time() - began < 5
    # Whoever is connected stays so.
    for client in (before, after):
        assert (await client.exchange(make_query(NAME))).rcode == "NOERROR"


@pytest.fixture
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the files more often than people need."""
    monkeypatch.setattr("dnsregistry.servers.certificate.POLL_SECONDS", 0.05)


async def _wait_for_event(
    entries: Sequence[MutableMapping[str, object]], event: str
) -> Mapping[str, object]:
    async with asyncio.timeout(PATIENCE):
        while True:
            for entry in entries:
                if entry["event"] == event:
                    return entry
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("_often")
@pytest.mark.parametrize("broken", [b"", b"no certificate", None])
async def test_a_broken_replacement_keeps_the_old_certificate(
    secure: Program,
    connect: Connect,
    served: Path,
    certificates: list[Path],
    broken: bytes | None,
) -> None:
    with capture_logs() as entries:
        _break(served, broken)
        entry = await _wait_for_event(entries, "certificate not reloaded")
    assert (entry["log_level"], entry["file"]) == ("error", str(served))
    client = await connect(secure)
    assert client.subject == "certificate-0"
    assert (await client.exchange(make_query(NAME))).rcode == "NOERROR"
    put(certificates[1], served)
    await _wait_for_subject(secure, connect, "certificate-1")


@pytest.mark.usefixtures("_often")
async def test_certificate_and_key_may_be_two_files_renewed_one_by_one(
    start: Start, connect: Connect, certificates: list[Path], tmp_path: Path
) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    put(certificates[0].with_name("cert.pem"), cert)
    put(certificates[0].with_name("key.pem"), key)
    program = await start(tls_cert=str(cert), tls_key=str(key))
    assert (await connect(program)).subject == "certificate-0"
    with capture_logs() as entries:
        put(certificates[1].with_name("cert.pem"), cert)
        await _wait_for_event(entries, "certificate not reloaded")
    assert (await connect(program)).subject == "certificate-0"
    put(certificates[1].with_name("key.pem"), key)
    await _wait_for_subject(program, connect, "certificate-1")


@pytest.mark.parametrize("content", [None, b"no certificate"])
async def test_a_certificate_that_cannot_be_used_ends_the_start(
    start: Start, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ListenError, match=f"cannot use TLS_CERT={path}: "):
        await start(tls_cert=str(path))


async def test_without_a_certificate_nothing_listens_for_tls(program: Program) -> None:
    assert program.dot_port == 0


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_kdig_asks_over_tls_and_trusts_the_certificate(secure: Program, served: Path) -> None:
    kdig = require("kdig")
    where = ("@127.0.0.1", "-p", str(secure.dot_port), "+retry=0")
    trust = ("+tls", f"+tls-ca={served}", f"+tls-hostname={HOST}")
    output = await _run(kdig, *where, *trust, SRV, "SRV")
    assert ";; TLS session (TLS1." in output
    assert "status: NOERROR" in output
    assert "0 1 8080 i1.i.registry.local." in output
    assert "WARNING" not in output.replace("WARNING: recursion requested", "")


async def test_kdig_keeps_a_connection_over_tls_for_more(secure: Program) -> None:
    output = await _run(
        *(require("kdig"), "@127.0.0.1", "-p", str(secure.dot_port), "+tls", "+keepopen"),
        *("+short", NAME, "A", NAME, "A", NAME, "A"),
    )
    assert output.split() == ["10.0.0.1"] * 3
    assert (await secure.read_stats())["dns"]["queries"]["dot"] == 3


def _encode(message: bytes) -> str:
    return base64.urlsafe_b64encode(message).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Response:
    """What came back over HTTP."""

    status: int
    media_type: str
    caching: str | None
    body: bytes

    @classmethod
    async def of(cls, response: ClientResponse) -> "Response":
        caching = response.headers.get("Cache-Control")
        return cls(response.status, response.content_type, caching, await response.read())


async def _get(program: Program, message: bytes) -> Response:
    async with program.http.get("/dns-query", params={"dns": _encode(message)}) as response:
        return await Response.of(response)


async def _post(program: Program, body: bytes, media_type: str = MESSAGE) -> Response:
    headers = {"Content-Type": media_type, "Accept": MESSAGE}
    async with program.http.post("/dns-query", data=body, headers=headers) as response:
        return await Response.of(response)


@pytest.mark.parametrize("ask", [_get, _post])
async def test_over_http_the_answer_is_that_of_tcp(
    house: Program, ask: Callable[[Program, bytes], Awaitable[Response]]
) -> None:
    query = make_query("i1.i.registry.local", id=0, edns=4096)
    response = await ask(house, query)
    assert (response.status, response.media_type) == (200, MESSAGE)
    assert response.caching == "max-age=5"
    assert response.body == (await house.dns.exchange(query, tcp=True)).wire


@pytest.mark.parametrize(
    ("name", "rcode", "age"),
    [
        (NAME, "NOERROR", 5),
        ("short.registry.local", "NOERROR", 2),
        ("nobody.registry.local", "NXDOMAIN", 1),
        ("example.org", "REFUSED", 0),
    ],
)
async def test_an_answer_may_be_kept_as_long_as_its_smallest_ttl(
    house: Program, name: str, rcode: str, age: int
) -> None:
    """RFC 8484, 5.1; and 4.2.1: any rcode is a "successful HTTP response"."""
    await house.register("s", service="short", address="10.0.0.9", ttl=2)
    for ask in (_get, _post):
        response = await ask(house, make_query(name, edns=1232))
        assert response.status == 200
        assert response.caching == f"max-age={age}"
        assert Reply.of(response.body).rcode == rcode


async def test_over_http_nothing_is_truncated(program: Program) -> None:
    await program.register_all(
        [{"service": "long", "address": "10.0.0.1", "port": port} for port in range(1, 1101)]
    )
    response = await _get(program, make_query("_long._tcp.registry.local", "SRV"))
    reply = Reply.of(response.body)
    assert (reply.flags, len(reply.rdatas)) == ("QR AA RD", 1100)


async def test_a_malformed_query_is_a_format_error_over_http_too(program: Program) -> None:
    response = await _post(program, make_query(NAME) + b"left over")
    assert response.status == 200
    assert response.caching == "max-age=0"
    assert Reply.of(response.body).rcode == "FORMERR"


@pytest.mark.parametrize("text", [None, "", "%%%", "a", "AAAA+AAA", "AAAA/AAA", "é", "AAAA"])
async def test_a_parameter_that_is_no_message_is_a_bad_request(
    program: Program, text: str | None
) -> None:
    params = {} if text is None else {"dns": text}
    async with program.http.get("/dns-query", params=params) as response:
        assert response.status == 400
    assert (await program.read_stats())["dns"]["faults"] == 0


@pytest.mark.parametrize("body", [b"", b"short", make_query(NAME)[:2] + b"\x80" + bytes(9)])
async def test_a_body_that_is_no_query_is_a_bad_request(program: Program, body: bytes) -> None:
    assert (await _post(program, body)).status == 400


async def test_a_message_that_is_too_long_is_told_so(program: Program) -> None:
    assert (await _post(program, bytes(65535))).status == 200
    assert (await _post(program, bytes(65536))).status == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield bytes(1000)

    headers = {"Content-Type": MESSAGE}
    async with program.http.post("/dns-query", data=chunks(), headers=headers) as response:
        assert response.status == 413


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", "application/dns-json"])
async def test_another_media_type_is_not_supported(program: Program, media_type: str) -> None:
    """RFC 8484, 6: servers are to support `application/dns-message`; others have no meaning."""
    assert (await _post(program, make_query(NAME), media_type)).status == 415


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
async def test_another_method_is_not_allowed(program: Program, method: str) -> None:
    async with program.http.request(method, "/dns-query") as response:
        assert response.status == 405
        assert {"GET", "POST"} <= set(response.headers["Allow"].split(","))


async def test_whoever_may_not_ask_is_refused_over_http_too(start: Start) -> None:
    program = await start(allow_query="192.0.2.0/24", rate_limit=1, rate_limit_exempt="")
    for _ in range(5):
        response = await _get(program, make_query(NAME))
        assert Reply.of(response.body).rcode == "REFUSED"
