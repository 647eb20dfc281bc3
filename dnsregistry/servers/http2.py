"""DNS over HTTPS over HTTP/2, which resolvers speak by preference (RFC 8484, 5.2; RFC 9113).

Rules:
- Framing, header compression and flow control are h2's. Here is what a request means.
- `/dns-query` is all there is; the API is spoken over HTTP/1.1 on the same port.
- A connection has `idle` seconds to bring its next whole request, counted from the last one or
  its reply, and `MOST_STREAMS` at once.
- A client that resets more than `MOST_RESETS` streams is cut: it makes work and wants no answer.
"""

import asyncio
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes

from dnsregistry.servers.doh import (
    MEDIA_TYPE,
    PATH,
    DohFault,
    answer,
    check_body,
    read_parameter,
)
from dnsregistry.servers.exchange import Exchange

MOST_STREAMS = 100
"""At once on a connection: what RFC 9113, 6.5.2 recommends as the least."""
MOST_RESETS = 200
"""On a connection: a resolver that gives up does so now and then, not always."""


@dataclass(slots=True)
class _Request:
    headers: dict[str, str]
    body: bytearray = field(default_factory=bytearray)


class Http2Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, exchange: Exchange, idle: float) -> None:
        self._exchange = exchange
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        # In Latin-1 every octet is a character; h2 would raise past us on what is no UTF-8.
        config = H2Configuration(client_side=False, header_encoding="latin-1")
        self._h2 = H2Connection(config)
        self._requests: dict[int, _Request] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsent: dict[int, bytes] = {}
        self._resets = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, and start the clock."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername") or ("::", 0)
        self._address = peer[0]
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(self._idle, self._check_idle)
        self._h2.initiate_connection()
        self._h2.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: MOST_STREAMS})
        self._flush()

    def data_received(self, data: bytes) -> None:
        """Take octets in; answer the requests that they complete."""
        try:
            events = self._h2.receive_data(data)
            for event in events:
                self._take(event)
        except ProtocolError:
            # h2 has written what tells the client so.
            self._flush()
            self._transport.close()
            return
        self._flush()

    def pause_writing(self) -> None:
        """Take no more requests and pings: the client does not take their replies."""
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and what it asked for."""
        self._timer.cancel()
        for task in self._tasks:
            task.cancel()

    def _take(self, event: Event) -> None:
        match event:
            case RequestReceived():
                headers = {str(name): str(value) for name, value in event.headers}
                self._requests[event.stream_id] = _Request(headers)
            case DataReceived():
                self._take_data(event)
            case StreamEnded():
                self._begin(event.stream_id)
            case StreamReset():
                self._forget(event.stream_id)
            case WindowUpdated():
                self._send_unsent()

    def _take_data(self, event: DataReceived) -> None:
        self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        request = self._requests.get(event.stream_id)
        if request is None:
            return
        request.body += event.data
        try:
            check_body(request.headers.get("content-type", ""), len(request.body))
        except DohFault as fault:
            del self._requests[event.stream_id]
            self._refuse(event.stream_id, request, fault)

    def _begin(self, stream: int) -> None:
        request = self._requests.pop(stream, None)
        if request is not None:
            self._heard = self._loop.time()
            task = self._loop.create_task(self._serve(stream, request))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, stream: int, request: _Request) -> None:
        try:
            reply = await answer(self._exchange, _read_message(request), self._address)
        except DohFault as fault:
            self._refuse(stream, request, fault)
        else:
            headers = {"content-type": MEDIA_TYPE, "cache-control": f"max-age={reply.max_age}"}
            self._respond(stream, request, 200, headers, reply.message)
        self._heard = self._loop.time()
        self._flush()

    def _refuse(self, stream: int, request: _Request, fault: DohFault) -> None:
        headers = {"content-type": "text/plain; charset=utf-8"}
        self._respond(stream, request, fault.status, headers, f"{fault.reason}\n".encode())

    def _respond(
        self, stream: int, request: _Request, status: int, headers: dict[str, str], body: bytes
    ) -> None:
        head = [(":status", str(status)), ("content-length", str(len(body))), *headers.items()]
        only_head = request.headers[":method"] == "HEAD"
        try:
            self._h2.send_headers(stream, head, end_stream=only_head)
        except ProtocolError:
            # The client has reset the stream or the connection meanwhile.
            return
        if not only_head:
            self._unsent[stream] = body
            self._send_unsent()

    def _send_unsent(self) -> None:
        """Send as much as the client's windows take; the rest waits for them to open."""
        for stream, body in list(self._unsent.items()):
            try:
                while body and (room := self._room(stream)) > 0:
                    self._h2.send_data(stream, body[:room], end_stream=len(body) <= room)
                    body = body[room:]
            except ProtocolError:
                body = b""
            if body:
                self._unsent[stream] = body
            else:
                del self._unsent[stream]

    def _room(self, stream: int) -> int:
        window = self._h2.local_flow_control_window(stream)
        return min(window, self._h2.max_outbound_frame_size)

    def _forget(self, stream: int) -> None:
        self._requests.pop(stream, None)
        self._unsent.pop(stream, None)
        self._resets += 1
        if self._resets > MOST_RESETS:
            self._h2.close_connection()
            self._transport.close()

    def _flush(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._h2.data_to_send())

    def _check_idle(self) -> None:
        if self._tasks:
            self._heard = self._loop.time()
        left = self._heard + self._idle - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_idle)
            return
        self._h2.close_connection()
        self._flush()
        self._transport.abort()


def _read_message(request: _Request) -> bytes:
    """The DNS message of a request. Raises DohFault."""
    path, _, query = request.headers.get(":path", "").partition("?")
    if path != PATH:
        raise DohFault(404, f"there is only {PATH} here over HTTP/2")
    match request.headers.get(":method"):
        case "GET" | "HEAD":
            return read_parameter(parse_qs(query).get("dns", [None])[0])
        case "POST":
            check_body(request.headers.get("content-type", ""), len(request.body))
            return bytes(request.body)
    raise DohFault(405, "GET and POST are answered")
