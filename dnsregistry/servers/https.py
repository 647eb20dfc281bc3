"""HTTPS: one port, HTTP/2 or HTTP/1.1 as the client chose in the TLS handshake (RFC 7301).

A connection is counted as soon as it is there, before its handshake: who never ends one takes a
place for `idle` seconds, and no more places than a client may have.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast

from dnsregistry.access.crowd import Crowd, address_of
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
        crowd: Crowd,
    ) -> None:
        """`http1` makes the protocol of a connection that chose no HTTP/2."""
        self.tls = tls
        self.idle = idle
        self.crowd = crowd
        self.open: set[_Newcomer | _Choice] = set()
        self._sock = sock
        self._exchange = exchange
        self._http1 = http1
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to accept on the running loop."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Newcomer(self), sock=self._sock)

    async def stop(self) -> None:
        """Accept nothing more and cut what is open."""
        if self._server is None:
            self._sock.close()
            return
        self._server.close()
        for connection in tuple(self.open):
            connection.abort()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def greet(self, newcomer: "_Newcomer", transport: asyncio.Transport) -> None:
        """Shake hands, and then hand the connection on to what speaks its protocol."""
        task = asyncio.ensure_future(self._greet(newcomer, transport))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _greet(self, newcomer: "_Newcomer", transport: asyncio.Transport) -> None:
        choice = _Choice(self._choose, self.open)
        try:
            made = await asyncio.get_running_loop().start_tls(
                transport,
                choice,
                self.tls,
                server_side=True,
                ssl_handshake_timeout=self.idle,
                ssl_shutdown_timeout=self.idle,
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            made = None
        finally:
            self.open.discard(newcomer)
        if made is None:
            newcomer.gone()
            transport.abort()
        else:
            choice.begin(made, newcomer.gone)

    def _choose(self, alpn: str | None) -> asyncio.Protocol:
        return Http2Connection(self._exchange, self.idle) if alpn == "h2" else self._http1()


class _Newcomer(asyncio.Protocol):
    """A connection before its handshake."""

    def __init__(self, server: HttpsServer) -> None:
        self._server = server
        self._address: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, or close it where there are too many."""
        self._transport = cast("asyncio.Transport", transport)
        address = address_of(transport)
        if not self._server.crowd.enter(address):
            self._transport.abort()
            return
        self._address = address
        # The first octets are the handshake's.
        self._transport.pause_reading()
        self._server.open.add(self)
        self._server.greet(self, self._transport)

    def gone(self) -> None:
        """Count it out, once."""
        if self._address is not None:
            self._server.crowd.leave(self._address)
            self._address = None

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()


class _Choice(asyncio.Protocol):
    """Stands in until the handshake has said which protocol it is to be, then passes all on."""

    def __init__(
        self,
        choose: Callable[[str | None], asyncio.Protocol],
        connections: "set[_Newcomer | _Choice]",
    ) -> None:
        self._choose = choose
        self._connections = connections
        self._protocol: asyncio.Protocol | None = None
        self._early: list[bytes] = []
        self._lost: tuple[Exception | None] | None = None

    def begin(self, transport: asyncio.BaseTransport, gone: Callable[[], None]) -> None:
        """Hand the connection on; `gone` is called when it is lost."""
        self._gone = gone
        if self._lost is not None:
            gone()
            return
        self._transport = cast("asyncio.Transport", transport)
        chosen = self._choose(transport.get_extra_info("ssl_object").selected_alpn_protocol())
        self._protocol = chosen
        self._connections.add(self)
        chosen.connection_made(transport)
        for octets in self._early:
            chosen.data_received(octets)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        """Pass octets on, those that came with the end of the handshake later."""
        if self._protocol is None:
            self._early.append(data)
        else:
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
        self._lost = (exc,)
        if self._protocol is not None:
            self._connections.discard(self)
            self._protocol.connection_lost(exc)
            self._gone()

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()
