"""gRPC: grpc.health.v1.Health/Check, one unary call over a connection of its own.

The call is one request and one reply of a few octets, so it is written by hand over HTTP/2.
"""

import asyncio
import ssl
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from urllib.parse import unquote

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import H2Error

from dnsregistry.health.outcome import ProbeFailed
from dnsregistry.health.probing.connect import Connector, explain_tls, name_server
from dnsregistry.registry.check import GrpcProbe, Place
from dnsregistry.registry.check_description import write_place

MOST_OCTETS = 4096
"""Of the reply's message, which has two; more is no health service."""
MOST_READ = 32 * 1024
"""Of all that comes before the reply is whole: frames without end would be work without end."""
READ_OCTETS = 16 * 1024
TYPE_AT, SETTINGS = 3, 4
"""Where a frame has its type, and the type of the first one (RFC 9113, 4.1, 6.5)."""
SERVING = 1
STATUSES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_PREFIX = struct.Struct("!BI")
_SERVICE_FIELD, _STATUS_FIELD = 0x0A, 0x08
"""Field 1 of the request, a text, and of the reply, a number, as protobuf tags them."""


async def probe_grpc(connector: Connector, probe: GrpcProbe, places: Sequence[Place]) -> str:
    """Return the reason of a pass. Raises ProbeFailed, Forbidden."""
    sock = await connector.open(places)
    with sock:
        context = None
        name = None
        if probe.tls is not None:
            context = await connector.contexts.get(verify=probe.tls.verify, protocol="h2")
            name = name_server(probe.tls, places)
        try:
            reader, writer = await asyncio.open_connection(
                sock=sock, ssl=context, server_hostname=name
            )
        except (ssl.SSLError, OSError) as error:
            raise ProbeFailed(explain_tls(error)) from None
        try:
            return await _Call(reader, writer).run(probe, write_place(places[0]))
        except (OSError, EOFError) as error:
            raise ProbeFailed(f"the connection broke off: {error}") from None
        except H2Error as error:
            raise ProbeFailed(f"it speaks no HTTP/2: {type(error).__name__}") from None
        finally:
            writer.transport.abort()
            with suppress(OSError):
                await writer.wait_closed()


class _Call:
    """One call over an open connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        # What octets a server may send, all of which are characters there.
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="latin-1"))
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._preface = bytearray()
        self._read = 0

    async def run(self, probe: GrpcProbe, authority: str) -> str:
        h2 = self._h2
        h2.initiate_connection()
        stream = h2.get_next_available_stream_id()
        headers = [
            (":method", "POST"),
            (":scheme", "https" if probe.tls else "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", authority),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ]
        h2.send_headers(stream, headers)
        h2.send_data(stream, _write_request(probe.service), end_stream=True)
        while True:
            self._writer.write(h2.data_to_send())
            await self._writer.drain()
            octets = await self._reader.read(READ_OCTETS)
            if not octets:
                raise ProbeFailed("the connection was closed before an answer")
            self._read += len(octets)
            if self._read > MOST_READ:
                raise ProbeFailed(f"no answer within {MOST_READ} octets")
            self._check_preface(octets)
            for event in h2.receive_data(octets):
                if self._take(event):
                    return _judge(self._headers, bytes(self._body))

    def _check_preface(self, octets: bytes) -> None:
        """A server begins with its settings (RFC 9113, 3.4); h2 alone would wait without end."""
        self._preface += octets[: TYPE_AT + 1 - len(self._preface)]
        if len(self._preface) > TYPE_AT and self._preface[TYPE_AT] != SETTINGS:
            raise ProbeFailed("it speaks no HTTP/2")

    def _take(self, event: Event) -> bool:
        """Take an event in; whether the reply is whole."""
        match event:
            case ResponseReceived(headers=headers) | TrailersReceived(headers=headers):
                self._headers.update((str(name), str(value)) for name, value in headers or ())
            case DataReceived(data=data):
                self._body += data or b""
                if len(self._body) > MOST_OCTETS:
                    raise ProbeFailed(f"the answer is longer than {MOST_OCTETS} octets")
            case StreamEnded():
                return True
            case StreamReset() | ConnectionTerminated():
                raise ProbeFailed("the call was refused on the HTTP/2 connection")
        return False


def _write_request(service: str) -> bytes:
    name = service.encode("ascii")
    message = b""
    if name:
        # A length of up to 256 has one or two octets, seven bits in each.
        length = len(name)
        size = bytes((length,)) if length < 0x80 else bytes((length & 0x7F | 0x80, length >> 7))
        message = bytes((_SERVICE_FIELD,)) + size + name
    return _PREFIX.pack(0, len(message)) + message


def _judge(headers: Mapping[str, str], body: bytes) -> str:
    if headers.get(":status") != "200":
        raise ProbeFailed(f"answered with HTTP status {headers.get(':status')}")
    code = headers.get("grpc-status")
    if code != "0":
        message = unquote(headers.get("grpc-message", ""))[:100]
        raise ProbeFailed(f"answered with grpc-status {code}: {message}".rstrip(": "))
    status = _read_status(body)
    name = STATUSES.get(status, str(status))
    if status != SERVING:
        raise ProbeFailed(f"it is {name}")
    return name


def _read_status(body: bytes) -> int:
    if len(body) < _PREFIX.size:
        raise ProbeFailed("answered without a message")
    compressed, length = _PREFIX.unpack_from(body)
    message = body[_PREFIX.size : _PREFIX.size + length]
    if compressed or len(message) < length:
        raise ProbeFailed("answered with a message that cannot be read")
    if not message:
        return 0
    if len(message) < 2 or message[0] != _STATUS_FIELD:
        raise ProbeFailed("answered with a message that is no health status")
    return message[1]
