"""DNS over UDP: a bounded part of each turn of the loop.

Rules:
- What waits on the socket is taken in for `TURN_SECONDS`, and what needs work is answered for as
  long; then HTTP, timers and other sockets have their turn.
- While few wait they are answered in order. Beyond `ORDERLY` the newest is first: those who still
  wait are served, where a queue in order would serve only those who have given up. The oldest
  beyond `QUEUE` are dropped, and counted.
- A reply leaves from the address that the query came to, also from a wildcard socket.
- A reply that the kernel does not take at once is dropped and counted: the client asks again,
  and waiting would hold up the others.
"""

import asyncio
import socket
from collections import deque
from functools import partial
from itertools import count
from time import perf_counter
from typing import Protocol

from dnsregistry.answers.access import Client
from dnsregistry.answers.responder import Reply
from dnsregistry.answers.tally import Tally
from dnsregistry.servers.intake import Datagram, Intake

ORDERLY = 256
"""Datagrams that wait without hurry: a few hundredths of a second's work."""
QUEUE = 1024
"""Datagrams that wait: more than can be answered in the five seconds that a stub waits at most
where each is as dear as can be, and a tenth of a second's work where they are common."""
LEAST_CALLS = 8
"""Of the intake in a turn: twice as many as are answered in order, so that the newest is known."""
TURN_SECONDS = 0.002
"""Of one kind of work before the loop turns to others: what HTTP and connections may wait."""


class Answering(Protocol):
    """Who answers what the intake leaves: an Exchange, or a worker's replica."""

    tally: Tally

    def answer(self, message: bytes, client: Client) -> Reply:
        """Return the reply to a message, or a future of it; None where it gets none."""
        ...

    def take(self, reply: asyncio.Future[bytes], message: bytes, client: Client) -> bytes | None:
        """Return the reply that came later; None where there is none."""
        ...


class UdpServer:
    """Serves one bound, non-blocking UDP socket, which it closes at the end."""

    def __init__(self, sock: socket.socket, exchange: Answering, intake: Intake) -> None:
        self._sock = sock
        self._exchange = exchange
        self._intake = intake
        self._queue: deque[Datagram] = deque()
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
        queue, take = self._queue, self._intake.take
        until = perf_counter() + TURN_SECONDS
        for call in count(1):
            if not take(queue) or (call >= LEAST_CALLS and perf_counter() >= until):
                break
        if not queue:
            return
        self._give_up_the_oldest()
        until = perf_counter() + TURN_SECONDS
        while queue:
            self._answer(queue.pop() if len(queue) > ORDERLY else queue.popleft())
            if perf_counter() >= until:
                break
        if queue:
            self._working = self._loop.call_soon(self._take_turn)

    def _give_up_the_oldest(self) -> None:
        while len(self._queue) > QUEUE:
            self._queue.popleft()
            self._exchange.tally.overflowed += 1

    def _answer(self, datagram: Datagram) -> None:
        client = Client(datagram.peer[0], tcp=False)
        reply = self._exchange.answer(datagram.message, client)
        if isinstance(reply, bytes):
            self._send(reply, datagram)
        elif reply is not None:
            reply.add_done_callback(partial(self._send_later, datagram, client))

    def _send_later(self, datagram: Datagram, client: Client, reply: asyncio.Future[bytes]) -> None:
        octets = self._exchange.take(reply, datagram.message, client)
        if octets is not None:
            self._send(octets, datagram)

    def _send(self, reply: bytes, datagram: Datagram) -> None:
        try:
            if datagram.ancillary:
                self._sock.sendmsg([reply], datagram.ancillary, 0, datagram.peer)
            else:
                self._sock.sendto(reply, datagram.peer)
        except OSError:
            self._exchange.tally.dropped += 1
