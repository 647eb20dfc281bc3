"""One question put to one upstream, until a reply counts or none can come.

Rules:
- Each datagram leaves from a socket of its own, with an id and a case of its own. A reply
  counts only from where the question went, with its id, its question in its case, and its
  class (RFC 5452, 9.1). What else comes is passed over, and waiting goes on.
- A reply that differs in nothing but the case is believed over TCP alone: the upstream may not
  bear mixed case, or someone guesses. So is what comes after very many strangers.
- A truncated reply is asked for again by TCP (RFC 7766, 5).
- FORMERR, NOTIMP and BADVERS are asked again without EDNS (RFC 6891, 6.2.2).
- Silence does not end an inquiry: who began it closes it.
"""

import asyncio
import socket
from collections.abc import Callable
from enum import StrEnum
from functools import partial

from dnsregistry.answers.protocol import HEADER_OCTETS, TC, Rcode
from dnsregistry.forward.means import Means, is_our_lack
from dnsregistry.forward.names import UnreadableReply
from dnsregistry.forward.question import Asked, Match, Sent, match, write
from dnsregistry.forward.reply import Reply, read_reply
from dnsregistry.forward.upstream import STRIKES, Upstream

MOST_SENDS = STRIKES + 2
"""In mixed case until that is given up, then without, then without EDNS."""
MOST_STRANGERS = 64
"""Of 65,536 ids a guesser has then tried a thousandth: not enough, and enough to notice."""
TURN = 8
"""Datagrams looked at before the loop turns to others."""
RECEIVE_OCTETS = 4096
"""We ask for 1,232 at most; what is cut off here cannot be read, and ends the inquiry."""

_WITHOUT_EDNS = (Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS)


class Fault(StrEnum):
    """Why an upstream gave no answer that counts."""

    RCODE = "rcode"
    REFERRAL = "referral"
    UNREADABLE = "unreadable"
    UNREACHABLE = "unreachable"
    NO_CONNECTION = "no-connection"
    EXHAUSTED = "exhausted"


class Inquiry:
    """Ends once, by calling `ended` with itself and the outcome, never from within `start`."""

    def __init__(
        self,
        upstream: Upstream,
        asked: Asked,
        means: Means,
        ended: Callable[["Inquiry", Reply | Fault], None],
    ) -> None:
        self.upstream = upstream
        self.started = means.loop.time()
        self._asked = asked
        self._means = means
        self._ended = ended
        self._open = True
        self._plain = False
        self._sends = 0
        self._strangers = 0
        self._sock: socket.socket | None = None
        self._task: asyncio.Task[bytes] | None = None
        self._sent: Sent

    @property
    def age(self) -> float:
        """Seconds since the start."""
        return self._means.loop.time() - self.started

    def start(self) -> None:
        """Send the question."""
        self.upstream.tally.asked += 1
        self._send()

    def close(self) -> None:
        """Wait no longer. Does not call `ended`."""
        self._open = False
        self._close_socket()
        if self._task is not None:
            self._task.cancel()

    def _send(self) -> None:
        self._close_socket()
        time = self._means.loop.time()
        edns = self.upstream.takes_edns(time) and not self._plain
        mixed = self.upstream.keeps_case(time)
        self._sent = write(self._asked, self._means.random_bits, edns=edns, mixed=mixed)
        self._sends += 1
        if self._sends > MOST_SENDS:
            self._end_soon(Fault.UNREADABLE)
        elif self._means.is_exhausted:
            self._end_soon(Fault.EXHAUSTED)
        else:
            self._send_datagram()

    def _send_datagram(self) -> None:
        try:
            self._sock = self._means.open_udp(self.upstream.endpoint)
            self._sock.send(self._sent.message)
        except OSError as error:
            self._close_socket()
            self._end_soon(Fault.EXHAUSTED if is_our_lack(error) else Fault.UNREACHABLE)
            return
        self._means.loop.add_reader(self._sock, self._receive, self._sock)

    def _receive(self, sock: socket.socket) -> None:
        for _ in range(TURN):
            if self._sock is not sock:
                return
            try:
                message = sock.recv(RECEIVE_OCTETS)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                # ICMP says that nobody listens there.
                self._close_socket()
                if self._task is None:
                    self._end(Fault.UNREACHABLE)
                return
            self._take(message)

    def _take(self, message: bytes) -> None:
        """Take a datagram from the upstream's address and port."""
        match match(message, self._sent):
            case Match.REPLY:
                if self._sent.mixed:
                    self.upstream.note_case_kept()
                if int.from_bytes(message[2:4]) & TC:
                    self._close_socket()
                    self._ask_by_tcp()
                else:
                    self._judge(message, self._sent)
            case Match.BARE if self._sent.edns:
                self._ask_plainly()
            case Match.OTHER_CASE if self._task is None:
                self.upstream.note_case_lost(self._means.loop.time(), certain=False)
                self._ask_by_tcp()
            case _:
                self._pass_over()

    def _pass_over(self) -> None:
        self.upstream.tally.strangers += 1
        self._strangers += 1
        if self._strangers >= MOST_STRANGERS:
            self._close_socket()
            self._ask_by_tcp()

    def _ask_plainly(self) -> None:
        self._plain = True
        self._send()

    def _ask_by_tcp(self) -> None:
        if self._task is not None:
            return
        if self._means.is_exhausted:
            self._end(Fault.EXHAUSTED)
            return
        self.upstream.tally.by_tcp += 1
        self._task = self._means.ask_by_tcp(self.upstream.endpoint, self._sent.message)
        self._task.add_done_callback(partial(self._take_from_tcp, self._sent))

    def _take_from_tcp(self, sent: Sent, task: "asyncio.Task[bytes]") -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled() or not self._open:
            return
        self._task = None
        message = b"" if error is not None else task.result()
        matched = match(message, sent)
        if matched is Match.OTHER_CASE:
            self.upstream.note_case_lost(self._means.loop.time(), certain=True)
        if matched in (Match.REPLY, Match.OTHER_CASE):
            self._judge(message, sent)
        elif matched is Match.BARE and sent.edns:
            self._ask_plainly()
        elif self._sock is not None:
            # No connection to be had after a reply in another case: ask again by UDP. After
            # enough of them mixed case is given up.
            self._send()
        else:
            self._end(Fault.NO_CONNECTION)

    def _judge(self, message: bytes, sent: Sent) -> None:
        """Decide about a message that answers the question."""
        start = HEADER_OCTETS + len(sent.question)
        try:
            if int.from_bytes(message[2:4]) & TC:
                raise UnreadableReply
            reply = read_reply(message, start, self._asked.rtype)
        except UnreadableReply:
            self._end(Fault.UNREADABLE)
            return
        if reply.rcode in _WITHOUT_EDNS and sent.edns:
            self._ask_plainly()
        elif reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
            self._end(Fault.RCODE)
        elif reply.referral:
            self._end(Fault.REFERRAL)
        else:
            if self._plain:
                self.upstream.note_without_edns(self._means.loop.time())
            self._end(reply)

    def _end_soon(self, fault: Fault) -> None:
        self._means.loop.call_soon(self._end, fault)

    def _end(self, outcome: Reply | Fault) -> None:
        if not self._open:
            return
        self.close()
        if isinstance(outcome, Reply):
            self.upstream.tally.answered += 1
        else:
            self.upstream.tally.faults[outcome] += 1
        self._ended(self, outcome)

    def _close_socket(self) -> None:
        if self._sock is not None:
            self._means.close_udp(self._sock)
            self._sock = None
