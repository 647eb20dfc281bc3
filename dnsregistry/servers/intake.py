"""Datagrams taken in one a call, where the system has nothing better, and what they are."""

import socket
import struct
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from dnsregistry.servers.sockets import IP_PKTINFO, is_wildcard

BATCH = 256
"""Datagrams taken in at once: as many as are answered in a turn where they came before."""
QUERY_OCTETS = 4096
"""No query to us is longer; what is cut off here is malformed."""

PKTINFO = struct.Struct("=i4s4s")
"""in_pktinfo: interface, our address, the destination."""
Ancillary = list[tuple[int, int, bytes]]
Peer = tuple[str, int] | tuple[str, int, int, int]
_CONTROL_OCTETS = socket.CMSG_SPACE(20)


@dataclass(frozen=True, slots=True)
class Datagram:
    """A message, whom it came from, and what makes its reply leave from where it came to."""

    message: bytes
    peer: Peer
    ancillary: Ancillary


class Intake(Protocol):
    """Takes datagrams off a socket."""

    def take(self, queue: deque[Datagram]) -> bool:
        """Put some of those that wait into the queue; whether there may be more."""
        ...


class Single:
    """One call a datagram."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._wildcard = is_wildcard(sock)

    def take(self, queue: deque[Datagram]) -> bool:
        """Put up to `BATCH` into the queue; the rest is for the next turn."""
        for _ in range(BATCH):
            try:
                queue.append(self._receive())
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error about an earlier reply; the socket is as good as before.
                continue
        return False

    def _receive(self) -> Datagram:
        if not self._wildcard:
            message, peer = self._sock.recvfrom(QUERY_OCTETS)
            return Datagram(message, peer, [])
        message, ancillary, _, peer = self._sock.recvmsg(QUERY_OCTETS, _CONTROL_OCTETS)
        return Datagram(message, peer, [answer_from(*item) for item in ancillary])


def answer_from(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """Where a datagram came to, as where its reply is to come from."""
    if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
        _, local, _ = PKTINFO.unpack(data)
        data = PKTINFO.pack(0, local, bytes(4))
    return level, kind, data
