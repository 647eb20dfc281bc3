"""Connections over TLS, each counted before its handshake.

Who never ends one takes a place for `patience` seconds, and no more places than a client may have.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

PAUSE = 0.1
"""Seconds until one is accepted again where the system gave none: it is out of descriptors."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Guest:
    """What serves a connection; `shaken` is called when its handshake is over, well or not."""

    protocol: asyncio.Protocol
    shaken: Callable[[], None]


class Handshakes:
    """Accepts on one listening socket, which it closes at the end."""

    def __init__(
        self,
        sock: socket.socket,
        tls: ssl.SSLContext,
        patience: float,
        admit: Callable[[str], Guest | None],
    ) -> None:
        """`admit` gets a client's address; None turns the connection away."""
        self._sock = sock
        self._tls = tls
        self._patience = patience
        self._admit = admit
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to accept on the running loop."""
        self._begin(self._accept())

    async def stop(self) -> None:
        """Accept nothing more, and end the handshakes that are on their way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._sock.close()

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, (address, *_) = await loop.sock_accept(self._sock)
            except OSError as error:
                _log.error("no connection over TLS could be accepted: %s", error)
                await asyncio.sleep(PAUSE)
                continue
            guest = self._admit(address)
            if guest is None:
                sock.close()
            else:
                self._begin(self._greet(sock, address, guest))

    async def _greet(self, sock: socket.socket, address: str, guest: Guest) -> None:
        """Shake hands. Nothing is read before TLS reads it: what comes early has no other taker."""
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: guest.protocol,
                sock,
                ssl=self._tls,
                ssl_handshake_timeout=self._patience,
                ssl_shutdown_timeout=self._patience,
            )
        except (OSError, ssl.SSLError) as error:
            _log.debug("no TLS with %s: %s", address, error)
        finally:
            guest.shaken()
