"""DNS over UDP: a bounded part of each turn of the loop.

Rules:
- The socket is emptied into a queue, and the queue answered for `TURN_SECONDS`; then HTTP, timers
  and other sockets have their turn.
- While few wait they are answered in order. Beyond `ORDERLY` the newest is first: those who still
  wait are served, where a queue in order would serve only those who have given up. The oldest
  beyond `QUEUE` are dropped, and counted.
- A reply leaves from the address that the query came to, also from a wildcard socket.
- A reply that the kernel does not take at once is dropped and counted: the client asks again,
  and waiting would hold up the others.
"""

import asyncio
import socket
import struct
from collections import deque
from functools import partial
from time import perf_counter

from dnsregistry.answers.access import Client
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.sockets import IP_PKTINFO, is_wildcard

BATCH = 256
"""Datagrams taken in at once: as many as are answered in a turn where they came before."""
ORDERLY = 256
"""Datagrams that wait without hurry: a few hundredths of a second's work."""
QUEUE = 1024
"""Datagrams that wait: more than can be answered in the five seconds that a stub waits at most
where each is as dear as can be, and a tenth of a second's work where they are common."""
TURN_SECONDS = 0.002
"""Of answering before the loop turns to others: what HTTP and other connections may wait."""
QUERY_OCTETS = 4096
"""No query to us is longer; what is cut off here is malformed."""

_IN_PKTINFO = struct.Struct("=i4s4s")
_Ancillary = list[tuple[int, int, bytes]]
_Datagram = tuple[bytes, _Ancillary, tuple[str, int]]
_CONTROL_OCTETS = socket.CMSG_SPACE(20)


class UdpServer:
    """Serves one bound, non-blocking UDP socket, which it closes at the end."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._exchange = exchange
        self._wildcard = is_wildcard(sock)
        self._queue: deque[_Datagram] = deque()
        self._working: asyncio.Handle | None = None

    def start(self) -> None:
        """Begin to serve on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._sock.fileno(), self._take_turn)

    def stop(self) -> None:
        """Answer nothing more and close the socket."""
        self._loop.remove_reader(self._sock.fileno())
        if self._working is not None:
            self._working.cancel()
        self._sock.close()

    def _take_turn(self) -> None:
        """Take in what has come, answer for a while, and come back for what is left."""
        if self._working is not None:
            self._working.cancel()
            self._working = None
        until = perf_counter() + TURN_SECONDS
        self._fill()
        queue = self._queue
        while queue:
            self._answer(*(queue.pop() if len(queue) > ORDERLY else queue.popleft()))
            if perf_counter() >= until:
                break
        if queue:
            self._working = self._loop.call_soon(self._take_turn)

    def _fill(self) -> None:
        queue = self._queue
        for _ in range(BATCH):
            try:
                queue.append(self._receive())
            except (BlockingIOError, InterruptedError):
                break
            except OSError:
                # An ICMP error about an earlier reply; the socket is as good as before.
                continue
        while len(queue) > QUEUE:
            queue.popleft()
            self._exchange.tally.overflowed += 1

    def _answer(self, message: bytes, ancillary: _Ancillary, peer: tuple[str, int]) -> None:
        client = Client(peer[0], tcp=False)
        reply = self._exchange.answer(message, client)
        if isinstance(reply, bytes):
            self._send(reply, ancillary, peer)
        elif reply is not None:
            send = partial(self._send_later, message, client, ancillary, peer)
            reply.add_done_callback(send)

    def _receive(self) -> _Datagram:
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
