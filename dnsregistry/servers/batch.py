"""Datagrams taken in many a call, and answered at once where the answer is in the table.

Rules:
- In front of the table stands a shorter way to it: the whole question as it came, less its id,
  to its entry. Stub resolvers repeat themselves to the octet. What comes once does not enter, nor
  what has capitals in it: who mixes them (0x20) never asks the same twice.
- Only what is the same for all who ask goes that way: no denial, nothing cut short for a client.
- An entry tells itself when it has ended, so nothing here has to be told of changes.
- The short way is bounded. Full, it starts anew: what is still asked is back at its next sight.
- Whatever has no entry goes into the queue, and so does whoever may ask only so often or not.
"""

import socket
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Protocol

from dnsregistry.answers.access import Client
from dnsregistry.answers.entry import Entry
from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.standing import Standing
from dnsregistry.answers.table import AnswerTable
from dnsregistry.answers.tally import Path, Tally
from dnsregistry.servers.intake import Ancillary, Datagram, Peer, answer_from
from dnsregistry.servers.querylog import QueryLog
from dnsregistry.servers.scatter import Scatter, Slot, make_plans
from dnsregistry.servers.sockets import IP_PKTINFO, is_wildcard

MOST_QUESTIONS = 1 << 15
"""Some ten megabytes, and more than a house's programs ask for again and again."""
SIGHTS = 1 << 16
"""Places for what was seen once, an octet each; two questions may share one now and then."""
MOST_CLIENTS = 1 << 14
"""Clients remembered; past it they are met anew."""
_ID_OCTETS = 2
_DATA_AT = 16
"""Where the data of a control message begins: after its length, level and type."""
_NO_INTERFACE = bytes(4)


class Answerer(Protocol):
    """Whose table is asked, and who stands how to it."""

    tally: Tally
    table: AnswerTable

    @property
    def now(self) -> Callable[[], float]:
        """Tells the time of its leases."""
        ...

    def stand(self, address: str, now: float) -> Standing:
        """How we stand to the client with this address, in text."""
        ...


class Batch:
    """The intake of one UDP socket."""

    def __init__(
        self, sock: socket.socket, responder: Answerer, log: QueryLog | None = None
    ) -> None:
        """`log` hears of every answer from here."""
        self._family = sock.family
        self._wildcard = is_wildcard(sock)
        self._scatter = Scatter(sock, control=self._wildcard)
        self._places = [_place(slot) for slot in self._scatter.slots]
        self._responder = responder
        self._find = responder.table.find
        self._standings: dict[bytes, Standing] = {}
        self._known: dict[bytes, Entry] = {}
        self._sights = bytearray(SIGHTS)
        self._times = responder.tally.times[Path.TABLE]
        self._log = log

    def take(self, queue: deque[Datagram]) -> bool:
        """Answer what the table has an answer to, and put the rest into the queue."""
        scatter = self._scatter
        sizes = scatter.receive()
        if not sizes:
            return False
        began = perf_counter()
        now = self._responder.now()
        messages, names, vectors = scatter.messages, scatter.names, scatter.vectors
        known, standings = self._known, self._standings
        left: list[int] = []
        for (number, start, begin, head, peer, plan), size in zip(
            self._places, sizes, strict=False
        ):
            question = messages[begin : start + size]
            address = names[peer]
            entry = known.get(question)
            if entry is None or entry.until <= now:
                entry = self._recall(question, address, now)
            standing = standings.get(address)
            if (
                entry is None
                or standing is None
                or (standing.bucket is not None and not standing.bucket.take(now))
            ):
                left.append(number)
            else:
                messages[head] = entry.heads[standing.recursion]
                vectors[plan] = next(entry.plans)
                entry.cell[0] += 1
        self._send(sizes, left, queue)
        if len(left) < len(sizes):
            took = perf_counter() - began
            self._times.note(took, len(sizes) - len(left))
            if self._log is not None:
                self._tell(self._log, sizes, left, took)
        if left:
            self._meet(left, now)
        # Others came meanwhile, or none: to look costs a tenth of what it does to be woken.
        return True

    def _recall(self, question: bytes, address: bytes, now: float) -> Entry | None:
        """The entry for a question that the short way has none for."""
        entry = self._find(question, address, now)
        if entry is None:
            return None
        if not entry.planned:
            entry.given = entry.planned = True
            entry.plans = make_plans(entry)
        if entry.is_general and question.islower() and self._is_seen(question):
            if len(self._known) >= MOST_QUESTIONS:
                self._known.clear()
            self._known[question] = entry
        return entry

    def _is_seen(self, question: bytes) -> bool:
        """Whether this question was the last one to come to its place among the sights."""
        number = hash(question)
        place, mark = number % SIGHTS, (number >> 20) % 255 + 1
        seen = self._sights[place] == mark
        self._sights[place] = mark
        return seen

    def _send(self, sizes: Sequence[int], left: Sequence[int], queue: deque[Datagram]) -> None:
        """Send the replies between those that are left, which go into the queue."""
        scatter, tally = self._scatter, self._responder.tally
        if self._wildcard:
            self._answer_from_where_they_came(len(sizes))
        first = 0
        for number in left:
            tally.dropped += scatter.send(first, number)
            first = number + 1
            queue.append(self._read(scatter.slots[number], sizes[number]))
        tally.dropped += scatter.send(first, len(sizes))
        tally.udp += len(sizes) - len(left)
        tally.hits += len(sizes) - len(left)

    def _answer_from_where_they_came(self, count: int) -> None:
        if self._family == socket.AF_INET:
            controls = self._scatter.controls
            for slot in self._scatter.slots[:count]:
                start = slot.control.start + _DATA_AT
                # The way back is for routing to say; only the address is kept.
                controls[start : start + 4] = _NO_INTERFACE

    def _meet(self, left: Sequence[int], now: float) -> None:
        """Remember how we stand to those who asked and may have answers from the table."""
        for number in left:
            address = self._scatter.names[self._scatter.slots[number].address]
            if address not in self._standings:
                standing = self._responder.stand(socket.inet_ntop(self._family, address), now)
                if standing.allowed:
                    if len(self._standings) >= MOST_CLIENTS:
                        self._standings.clear()
                    self._standings[address] = standing

    def _tell(self, log: QueryLog, sizes: Sequence[int], left: Sequence[int], took: float) -> None:
        """Tell of those answers that are to be logged. Their heads stand over the questions'."""
        scatter, passed_on = self._scatter, set(left)
        for number, size in enumerate(sizes):
            if number in passed_on or not log.draw():
                continue
            slot = scatter.slots[number]
            message = scatter.messages[slot.message : slot.message + size]
            host = socket.inet_ntop(self._family, scatter.names[slot.address])
            client, octets = Client(host, tcp=False), scatter.sent(number)
            log.write(message, message[:HEADER_OCTETS], octets, client, Path.TABLE, took)

    def _read(self, slot: Slot, size: int) -> Datagram:
        scatter = self._scatter
        name = scatter.names[slot.name]
        host = socket.inet_ntop(self._family, scatter.names[slot.address])
        port = int.from_bytes(name[2:4])
        peer: Peer = (host, port)
        if self._family == socket.AF_INET6:
            peer = (host, port, int.from_bytes(name[4:8]), int.from_bytes(name[24:28], "little"))
        ancillary: Ancillary = []
        if self._wildcard:
            data = scatter.controls[slot.control][_DATA_AT:]
            if self._family == socket.AF_INET6:
                ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, data[:20])]
            else:
                ancillary = [answer_from(socket.IPPROTO_IP, IP_PKTINFO, data[:12])]
        message = scatter.messages[slot.message : slot.message + size]
        return Datagram(message, peer, ancillary)


def _place(slot: Slot) -> tuple[int, int, int, slice, slice, slice]:
    """A slot as what the loop works with: numbers and slices that are made once."""
    begin = slot.message + _ID_OCTETS
    head = slice(begin, slot.message + HEADER_OCTETS)
    return slot.number, slot.message, begin, head, slot.address, slot.plan
