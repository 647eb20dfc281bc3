"""What inquiries work with: the loop, chance, and a bounded number of sockets."""

import asyncio
import errno
import socket

from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.question import RandomBits

_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def is_our_lack(error: OSError) -> bool:
    """Whether a socket failed for want of something here, which tells nothing of the upstream."""
    return error.errno in _OURS


class Means:
    """Shared by all inquiries of a forwarder. Built on the running loop."""

    def __init__(self, random_bits: RandomBits, most_sockets: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.random_bits = random_bits
        self.open_sockets = 0
        self.tasks: set[asyncio.Task[bytes]] = set()
        self._most_sockets = most_sockets

    @property
    def is_exhausted(self) -> bool:
        """Whether no socket may be opened before another one is closed."""
        return self.open_sockets >= self._most_sockets

    @property
    def is_scarce(self) -> bool:
        """Whether more than half of the sockets are open: second ones have to be few."""
        return self.open_sockets > self._most_sockets // 2

    def open_udp(self, endpoint: Endpoint) -> socket.socket:
        """Connect a socket to an endpoint; the kernel draws a port, and lets no one else in.

        Raises OSError. The socket goes back by `close_udp`.
        """
        sock = socket.socket(endpoint.family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.connect((endpoint.host, endpoint.port))
        except OSError:
            sock.close()
            raise
        self.open_sockets += 1
        return sock

    def close_udp(self, sock: socket.socket) -> None:
        """Close a socket of `open_udp` that may be read by the loop."""
        self.loop.remove_reader(sock)
        sock.close()
        self.open_sockets -= 1

    def ask_by_tcp(self, endpoint: Endpoint, message: bytes) -> "asyncio.Task[bytes]":
        """Begin to ask over a connection of its own; the task ends in a message or OSError.

        A connection counts as a socket until its task ends.
        """
        task = self.loop.create_task(_converse(endpoint, message))
        self.open_sockets += 1
        self.tasks.add(task)
        task.add_done_callback(self._end)
        return task

    def _end(self, task: "asyncio.Task[bytes]") -> None:
        self.open_sockets -= 1
        self.tasks.discard(task)


async def _converse(endpoint: Endpoint, message: bytes) -> bytes:
    """Send one message over a connection, and return the one that comes back (RFC 7766)."""
    reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    try:
        # In one segment: some servers read the length and the message in one go (RFC 7766, 8).
        writer.write(len(message).to_bytes(2) + message)
        octets = int.from_bytes(await reader.readexactly(2))
        return await reader.readexactly(octets)
    except asyncio.IncompleteReadError as error:
        raise ConnectionResetError("closed within a message") from error
    finally:
        writer.transport.abort()
