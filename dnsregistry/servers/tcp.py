"""DNS over TCP (RFC 7766): queries one after another on a connection, each with its length.

Rules:
- A client may send many queries without waiting; a connection answers them for `TURN_SECONDS`,
  one at least, then the loop turns to others.
- A connection has `idle` seconds to bring its next whole query, counted from the last one and
  not from the last octet: dripping octets holds nothing open. One that waits for replies is not
  idle (RFC 7766, 6.2.3): its time runs from the last of them.
- A client that does not read its replies is read from no more, and cut when its time is up.
- Connections are bounded in all and for each address; one too many is closed at once. Those that
  shake hands over TLS are counted.
- Replies go out as they come: one that is forwarded holds up none behind it. A connection
  with `OUTSTANDING` of those is read from no more until one is there.
- A half-closed connection gets its outstanding replies, then is closed.
"""

import asyncio
import socket
import ssl
from collections import Counter
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import cast

from dnsregistry.accepting import end_accepting
from dnsregistry.answers.access import Client, Transport
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.handshakes import Guest, Handshakes

TURN_SECONDS = 0.002
"""Of one connection's answers before the loop turns to others."""
OUTSTANDING = 100
"""Queries of one connection that wait for upstreams at once."""
_LENGTH_OCTETS = 2


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """Seconds until an idle connection is closed, and how many there may be."""

    idle: float
    connections: int
    connections_per_client: int


class TcpServer:
    """Serves one listening TCP socket, with or without TLS (RFC 7858), and closes it at the end."""

    def __init__(
        self,
        sock: socket.socket,
        exchange: Exchange,
        limits: TcpLimits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.exchange = exchange
        self.limits = limits
        self._sock = sock
        self.transport = Transport.TCP if tls is None else Transport.DOT
        self._handshakes: Handshakes | None = None
        if tls is not None:
            self._handshakes = Handshakes(sock, tls, limits.idle, self._admit_to_handshake)
        self._server: asyncio.Server | None = None
        self._connections: dict[TcpConnection, str] = {}
        self._per_client: Counter[str] = Counter()

    async def start(self) -> None:
        """Begin to accept on the running loop."""
        if self._handshakes is not None:
            self._handshakes.start()
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: TcpConnection(self), sock=self._sock)

    async def stop(self) -> None:
        """Accept nothing more and cut what is open."""
        if self._handshakes is not None:
            await self._handshakes.stop()
        elif self._server is None:
            self._sock.close()
        else:
            await end_accepting(self._server)
        for connection in list(self._connections):
            connection.abort()
        if self._server is not None:
            await self._server.wait_closed()

    def _admit_to_handshake(self, address: str) -> Guest | None:
        connection = TcpConnection(self)
        if not self.admit(connection, address):
            return None
        return Guest(connection, connection.end_handshake)

    def admit(self, connection: "TcpConnection", address: str) -> bool:
        """Count a connection in, once; False where its client or all have as many as they may."""
        if connection in self._connections:
            return True
        if (
            len(self._connections) >= self.limits.connections
            or self._per_client[address] >= self.limits.connections_per_client
        ):
            self.exchange.tally.refused_connections += 1
            return False
        self._connections[connection] = address
        self._per_client[address] += 1
        return True

    def release(self, connection: "TcpConnection") -> None:
        """Count a connection out, if it was in."""
        address = self._connections.pop(connection, None)
        if address is not None:
            self._per_client[address] -= 1
            if not self._per_client[address]:
                del self._per_client[address]


class TcpConnection(asyncio.Protocol):
    """One connection: its octets to queries, its replies to octets."""

    def __init__(self, server: TcpServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._is_made = False
        self._writable = True
        self._ended = False
        self._working = False
        self._outstanding: set[asyncio.Future[bytes]] = set()

    def end_handshake(self) -> None:
        """The handshake is over: without a connection, forget that there was to be one."""
        if not self._is_made:
            self._server.release(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock, or close where there are too many."""
        self._is_made = True
        self._transport = cast("asyncio.Transport", transport)
        # A peer that is gone already has no name.
        peer = transport.get_extra_info("peername") or ("", 0)
        self._client = Client(peer[0], tcp=True, over=self._server.transport)
        self._heard = self._loop.time()
        self._timer = self._loop.call_later(self._server.limits.idle, self._check_idle)
        if not self._server.admit(self, self._client.address):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take octets in; answer the queries that they complete."""
        self._received += data
        self._work()

    def eof_received(self) -> bool:
        """Keep the sending half open until what was asked is answered; TLS has no halves."""
        self._ended = True
        self._work()
        return self._transport.get_extra_info("ssl_object") is None

    def pause_writing(self) -> None:
        """Stop answering: the client does not take its replies."""
        self._writable = False
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on answering."""
        self._writable = True
        self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._timer.cancel()
        self._received.clear()
        for reply in self._outstanding:
            reply.cancel()
        self._server.release(self)

    def abort(self) -> None:
        """Cut the connection, replies on their way included."""
        self._transport.abort()

    def _work(self) -> None:
        if not self._working:
            self._answer_some()

    def _answer_some(self) -> None:
        self._working = False
        until = perf_counter() + TURN_SECONDS
        while True:
            if not self._writable or self._transport.is_closing():
                return
            if len(self._outstanding) >= OUTSTANDING:
                self._transport.pause_reading()
                return
            message = self._next_message()
            if message is None:
                self._rest()
                return
            self._heard = self._loop.time()
            reply = self._server.exchange.answer(message, self._client)
            if isinstance(reply, bytes):
                self._write(reply)
            elif reply is not None:
                self._outstanding.add(reply)
                reply.add_done_callback(partial(self._write_later, message))
            if perf_counter() >= until:
                break
        self._working = True
        self._transport.pause_reading()
        self._loop.call_soon(self._answer_some)

    def _rest(self) -> None:
        """Wait for more octets; there is no whole query left."""
        if not self._ended:
            self._transport.resume_reading()
        elif not self._outstanding:
            self._transport.close()

    def _write(self, reply: bytes) -> None:
        self._transport.write(len(reply).to_bytes(_LENGTH_OCTETS) + reply)

    def _write_later(self, message: bytes, reply: asyncio.Future[bytes]) -> None:
        self._outstanding.discard(reply)
        octets = self._server.exchange.take(reply, message, self._client)
        if octets is None or self._transport.is_closing():
            return
        self._heard = self._loop.time()
        self._write(octets)
        self._work()

    def _next_message(self) -> bytes | None:
        received = self._received
        if len(received) < _LENGTH_OCTETS:
            return None
        end = _LENGTH_OCTETS + int.from_bytes(received[:_LENGTH_OCTETS])
        if len(received) < end:
            return None
        message = bytes(received[_LENGTH_OCTETS:end])
        del received[:end]
        return message

    def _check_idle(self) -> None:
        if self._outstanding:
            self._heard = self._loop.time()
        left = self._heard + self._server.limits.idle - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check_idle)
        else:
            self._transport.abort()
