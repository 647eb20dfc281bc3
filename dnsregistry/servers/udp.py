"""DNS over UDP: a bounded drain of the socket at each turn of the loop.

Rules:
- At most `BATCH` datagrams a turn, so that HTTP and timers have theirs.
- A reply leaves from the address that the query came to, also from a wildcard socket.
- A reply that the kernel does not take at once is dropped and counted: the client asks again,
  and waiting would hold up the others.
"""

import asyncio
import socket
import struct
from functools import partial

from dnsregistry.answers.access import Client
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.sockets import IP_PKTINFO, is_wildcard

BATCH = 32
"""Datagrams answered before the loop turns to others."""
QUERY_OCTETS = 4096
"""No query to us is longer; what is cut off here is malformed."""

_IN_PKTINFO = struct.Struct("=i4s4s")
_Ancillary = list[tuple[int, int, bytes]]
_CONTROL_OCTETS = socket.CMSG_SPACE(20)


class UdpServer:
    """Serves one bound, non-blocking UDP socket, which it closes at the end."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._exchange = exchange
        self._wildcard = is_wildcard(sock)

    def start(self) -> None:
        """Begin to serve on the running loop."""
        asyncio.get_running_loop().add_reader(self._sock.fileno(), self._drain)

    def stop(self) -> None:
        """Answer nothing more and close the socket."""
        asyncio.get_running_loop().remove_reader(self._sock.fileno())
        self._sock.close()

    def _drain(self) -> None:
        for _ in range(BATCH):
            try:
                message, ancillary, peer = self._receive()
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # An ICMP error about an earlier reply; the socket is as good as before.
                continue
            client = Client(peer[0], tcp=False)
            reply = self._exchange.answer(message, client)
            if isinstance(reply, bytes):
                self._send(reply, ancillary, peer)
            elif reply is not None:
                send = partial(self._send_later, message, client, ancillary, peer)
                reply.add_done_callback(send)

    def _receive(self) -> tuple[bytes, _Ancillary, tuple[str, int]]:
        if not self._wildcard:
            message, peer = self._sock.recvfrom(QUERY_OCTETS)
            return message, [], peer
        message, ancillary, _, peer = self._sock.recvmsg(QUERY_OCTETS, _CONTROL_OCTETS)
        return message, [_source(*item) for item in ancillary], peer

    def _send_later(
        self,
        message: bytes,
        client: Client,
        ancillary: _Ancillary,
        peer: tuple[str, int],
        reply: asyncio.Future[bytes],
    ) -> None:
        octets = self._exchange.take(reply, message, client)
        if octets is not None:
            self._send(octets, ancillary, peer)

    def _send(self, reply: bytes, ancillary: _Ancillary, peer: tuple[str, int]) -> None:
        try:
            if ancillary:
                self._sock.sendmsg([reply], ancillary, 0, peer)
            else:
                self._sock.sendto(reply, peer)
        except OSError:
            self._exchange.tally.dropped += 1


def _source(level: int, kind: int, data: bytes) -> tuple[int, int, bytes]:
    """Where a datagram came to, as where its reply is to come from."""
    if level == socket.IPPROTO_IP and kind == IP_PKTINFO:
        _, local, _ = _IN_PKTINFO.unpack(data)
        data = _IN_PKTINFO.pack(0, local, bytes(4))
    return level, kind, data
