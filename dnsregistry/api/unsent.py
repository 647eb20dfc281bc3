"""What of an answer has not arrived yet."""

import asyncio
import sys
from contextlib import suppress
from fcntl import ioctl
from termios import TIOCOUTQ


def count_unsent(transport: asyncio.Transport) -> int:
    """Octets that the peer has yet to take: here, and in the kernel, where it tells."""
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if sock is not None:
        queued = bytearray(4)
        with suppress(OSError):
            ioctl(sock.fileno(), TIOCOUTQ, queued)
        waiting += int.from_bytes(queued, sys.byteorder)
    return waiting
