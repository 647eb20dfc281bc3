"""HTTPS: one port, HTTP/2 or HTTP/1.1 as the client chose in the TLS handshake (RFC 7301)."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import cast

from dnsregistry.access.crowd import Crowd
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.handshakes import Guest, Handshakes
from dnsregistry.servers.http2 import Http2Connection

ALPN = ("http/1.1", "h2")
"""In the order of our liking: over HTTP/1.1 there is all of the API, over HTTP/2 only DNS, which
some resolvers speak over nothing else."""
BACKLOG = 128
"""Connections that wait to be accepted: what a burst of clients brings in a turn of the loop."""


class HttpsServer:
    """Serves one listening TCP socket over TLS, and closes it at the end."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        exchange: Exchange,
        http1: Callable[[], asyncio.Protocol],
        idle: float,
        crowd: Crowd,
    ) -> None:
        """`http1` makes the protocol of a connection that chose no HTTP/2."""
        self._idle = idle
        self._crowd = crowd
        self._open: set[_Choice] = set()
        self._sock = sock
        self._exchange = exchange
        self._http1 = http1
        self._handshakes = Handshakes(sock, tls, idle, self._admit)

    async def start(self) -> None:
        """Begin to accept on the running loop."""
        self._sock.setblocking(False)
        self._sock.listen(BACKLOG)
        self._handshakes.start()

    async def stop(self) -> None:
        """Accept nothing more and cut what is open."""
        await self._handshakes.stop()
        for connection in tuple(self._open):
            connection.abort()

    def _admit(self, address: str) -> Guest | None:
        if not self._crowd.enter(address):
            return None
        choice = _Choice(self._choose, self._open, partial(self._crowd.leave, address))
        return Guest(choice, choice.end_handshake)

    def _choose(self, alpn: str | None) -> asyncio.Protocol:
        return Http2Connection(self._exchange, self._idle) if alpn == "h2" else self._http1()


class _Choice(asyncio.Protocol):
    """Is told how the handshake went, and passes all on to the protocol that was chosen in it."""

    def __init__(
        self,
        choose: Callable[[str | None], asyncio.Protocol],
        connections: "set[_Choice]",
        gone: Callable[[], None],
    ) -> None:
        """`gone` is called when the connection is lost, or was never made."""
        self._is_made = False
        self._choose = choose
        self._connections = connections
        self._gone = gone
        self._protocol: asyncio.Protocol | None = None

    def end_handshake(self) -> None:
        """The handshake is over: without a connection, this is the end."""
        if not self._is_made:
            self._gone()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection on."""
        self._is_made = True
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)
        chosen = self._choose(transport.get_extra_info("ssl_object").selected_alpn_protocol())
        self._protocol = chosen
        chosen.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass octets on."""
        if self._protocol is not None:
            self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass the end on."""
        return None if self._protocol is None else self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._protocol is not None:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the loss on, and forget the connection."""
        if not self._is_made:
            return
        self._connections.discard(self)
        self._gone()
        if self._protocol is not None:
            self._protocol.connection_lost(exc)

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
