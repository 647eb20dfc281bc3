"""HTTPS: one port, HTTP/2 or HTTP/1.1 as the client chose in the TLS handshake (RFC 7301)."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast

from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.http2 import Http2Connection

ALPN = ("http/1.1", "h2")
"""In the order of our liking: over HTTP/1.1 there is all of the API, over HTTP/2 only DNS, which
some resolvers speak over nothing else."""


class HttpsServer:
    """Serves one listening TCP socket over TLS, and closes it at the end."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        exchange: Exchange,
        http1: Callable[[], asyncio.Protocol],
        idle: float,
    ) -> None:
        """`http1` makes the protocol of a connection that chose no HTTP/2."""
        self._sock = sock
        self._tls = tls
        self._exchange = exchange
        self._http1 = http1
        self._idle = idle
        self._open: set[_Choice] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to accept on the running loop."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Choice(self._choose, self._open),
            sock=self._sock,
            ssl=self._tls,
            ssl_handshake_timeout=self._idle,
            ssl_shutdown_timeout=self._idle,
        )

    async def stop(self) -> None:
        """Accept nothing more and cut what is open."""
        if self._server is None:
            self._sock.close()
            return
        self._server.close()
        for connection in list(self._open):
            connection.abort()
        await self._server.wait_closed()

    def _choose(self, alpn: str | None) -> asyncio.Protocol:
        return Http2Connection(self._exchange, self._idle) if alpn == "h2" else self._http1()


class _Choice(asyncio.Protocol):
    """Stands in until the handshake has said which protocol it is to be, then passes all on."""

    def __init__(
        self,
        choose: Callable[[str | None], asyncio.Protocol],
        connections: "set[_Choice]",
    ) -> None:
        self._choose = choose
        self._connections = connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hand the connection on."""
        self._transport = cast("asyncio.Transport", transport)
        chosen = self._choose(transport.get_extra_info("ssl_object").selected_alpn_protocol())
        self._protocol = chosen
        self._connections.add(self)
        chosen.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Pass octets on."""
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        """Pass the end on."""
        return self._protocol.eof_received()

    def pause_writing(self) -> None:
        """Pass it on."""
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass the loss on, and forget the connection."""
        self._connections.discard(self)
        self._protocol.connection_lost(exc)

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
