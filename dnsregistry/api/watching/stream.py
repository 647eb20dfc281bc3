"""One stream: a place in the history, and a connection."""

import asyncio
import socket
from contextlib import suppress

from dnsregistry.api.watching.frames import Piece
from dnsregistry.api.watching.run import Run

MOST_BUFFERED = 32 * 1024
"""Octets that wait in the process for one watcher to take them: beyond, it is behind."""
SOCKET_OCTETS = 64 * 1024
"""That may wait in the kernel, which doubles it for its own use. Left to itself it takes megabytes
before a watcher that never reads is noticed."""


class Stream:
    """`position` is in `run`; `ended` is done when the connection is, or when it is cut."""

    __slots__ = (
        *("behind_since", "ended", "is_chunked", "position", "run", "service", "transport"),
        "written_at",
    )

    def __init__(
        self, service: str | None, run: Run, position: int, transport: asyncio.Transport
    ) -> None:
        self.service = service
        self.run = run
        self.position = position
        self.transport = transport
        self.is_chunked = True
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.behind_since: float | None = None
        self.written_at = 0.0

    @property
    def is_full(self) -> bool:
        """Whether its client has not taken what was sent before."""
        return self.transport.get_write_buffer_size() > MOST_BUFFERED

    def write(self, piece: Piece, now: float) -> None:
        """Send without waiting."""
        self.transport.write(piece.chunk if self.is_chunked else piece.plain())
        self.written_at = now

    def end(self) -> None:
        """There is nothing more to be sent."""
        if not self.ended.done():
            self.ended.set_result(None)

    def cut(self) -> None:
        """End the connection at once, with whatever waits on it."""
        self.transport.abort()
        self.end()

    def bound(self, patience: float) -> None:
        """Have the kernel keep little for it, and give up a peer that is gone."""
        sock = self.transport.get_extra_info("socket")
        if sock is None:
            return
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_OCTETS)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # Later than we would cut it ourselves: this is for what is never more than full.
                milliseconds = round(2000 * patience)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
