"""One port for several protocols: the first octets of a connection tell which it speaks.

Rules:
- A connection has `PATIENCE` seconds to show what it speaks, however it drips, and waits in a
  room that holds only so many.
- Once that is known the connection belongs to the protocol that was chosen, with the octets
  that have come.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from dnsregistry.accepting import end_accepting
from dnsregistry.api.dialects.room import Room

PATIENCE = 10.0
"""Seconds: clients speak first, so this is a connection's way across the net and back, and more."""

_METHODS = tuple(
    f"{method} ".encode()
    for method in (
        *("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "QUERY"),
        "PRI",
    )
)

MakeProtocol = Callable[[], asyncio.Protocol]
Choose = Callable[[bytes], MakeProtocol | None]
"""What the first octets speak; None while they do not tell."""


def opens_http(octets: bytes) -> bool | None:
    """Whether what begins like this is HTTP/1 (RFC 9112, 3); None where that is not clear yet."""
    if octets.startswith(_METHODS):
        return True
    return None if any(method.startswith(octets) for method in _METHODS) else False


class Entrance:
    """Accepts on a socket, and closes it at the end."""

    def __init__(self, sock: socket.socket, choose: Choose, room: Room) -> None:
        self._socket = sock
        self._choose = choose
        self._room = room
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Accept from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Newcomer(self._choose, self._room), sock=self._socket
        )

    async def stop(self) -> None:
        """Accept nothing more, and cut whoever is in the room."""
        if self._server is None:
            self._socket.close()
        else:
            await end_accepting(self._server)
        await self._room.clear()


class _Newcomer(asyncio.Protocol):
    """A connection of which nothing is known yet."""

    def __init__(self, choose: Choose, room: Room) -> None:
        self._choose = choose
        self._room = room
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first octets."""
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(PATIENCE, self.abort)
        self._room.enter(self)
        self._room.wait(self)

    def data_received(self, data: bytes) -> None:
        """Hand the connection on as soon as it is clear to whom."""
        self._received += data
        make = self._choose(bytes(self._received))
        if make is None:
            return
        self._timer.cancel()
        self._room.leave(self)
        chosen = make()
        self._transport.set_protocol(chosen)
        chosen.connection_made(self._transport)
        chosen.data_received(bytes(self._received))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._timer.cancel()
        self._room.leave(self)

    def abort(self) -> None:
        """Cut it."""
        self._transport.abort()
