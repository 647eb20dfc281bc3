"""Many datagrams a system call: Linux's recvmmsg and sendmmsg, and the memory that they work on.

Rules:
- All memory is mapped once. A slot is a place for one datagram, its sender and its reply.
- A reply is sent from where it lies: the message's own start with a new head written over its
  own, then records, then the rest. Nothing is copied together.
- What a plan points to must live until `send` returns.
"""

import ctypes
import errno
import mmap
import socket
import struct
import sys
from collections.abc import Iterator, Sequence
from ctypes import c_char_p, c_int, c_uint, c_void_p
from dataclasses import dataclass
from itertools import chain, cycle

from dnsregistry.answers.entry import Entry
from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.variants import go_round

SLOTS = 64
"""Datagrams a call: with more, the cost of the call itself is no longer felt."""
MESSAGE_OCTETS = 4096
"""No query to us is longer; what is cut off here is malformed."""

_STRIDE = MESSAGE_OCTETS + 192
"""No power of two: else all slots would share one place in the processor's first cache."""
_NAME_OCTETS = 28
_CONTROL_OCTETS = 64
_VECTORS = 3
_VECTOR_OCTETS = 16
_HEADER = struct.Struct("=QIxxxxQQQQixxxxIxxxx")
"""struct mmsghdr of 64-bit Linux: name, its length, vectors, their number, control data, its
length, flags; then the length of the message."""
_LENGTH_AT = 56
_OCTETS = struct.Struct("=I")
_PLAN = struct.Struct("=5Q")


@dataclass(frozen=True, slots=True)
class Layout:
    """Of a socket's address family: octets of a sender, where its address is in it, control."""

    name_octets: int
    address: slice
    control_octets: int


LAYOUTS = {
    socket.AF_INET: Layout(16, slice(4, 8), 32),
    socket.AF_INET6: Layout(28, slice(8, 24), 40),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the parts of one datagram lie."""

    number: int
    message: int
    address: slice
    name: slice
    control: slice
    plan: slice


def is_available() -> bool:
    """Whether this system has the calls, in the layout that is known here."""
    if sys.platform != "linux" or sys.byteorder != "little" or ctypes.sizeof(c_void_p) != 8:
        return False
    library = ctypes.CDLL(None)
    return hasattr(library, "recvmmsg") and hasattr(library, "sendmmsg")


def make_plans(entry: Entry) -> Iterator[bytes]:
    """Where the parts of the entry's replies lie, in the orders that take turns.

    Each plan is the length of the first vector, then place and length of the two others. It is made
    at its first turn where that can be: an answer that changes often is not sent in all orders.
    """
    parts = entry.parts
    plans = _plan(entry.prefix, parts.variants, entry.rest)
    if parts.turns:
        return go_round(list(plans), parts.turns)
    made: list[bytes] = []
    return chain(_keep(plans, made), cycle(made))


def _plan(prefix: int, variants: Sequence[bytes], octets: bytes) -> Iterator[bytes]:
    rest = _place(octets), len(octets)
    for variant in variants:
        yield _PLAN.pack(prefix, _place(variant), len(variant), *rest)


def _keep(plans: Iterator[bytes], made: list[bytes]) -> Iterator[bytes]:
    for plan in plans:
        made.append(plan)
        yield plan


class Scatter:
    """The slots of one UDP socket.

    `messages`, `names` and `controls` are what came. A slot's reply is its message's start, with
    the head changed, and what `vectors` has at its plan.
    """

    def __init__(self, sock: socket.socket, *, control: bool) -> None:
        """With `control`, each datagram tells where it came to, and its reply leaves from there."""
        self._descriptor = sock.fileno()
        layout = LAYOUTS[sock.family]
        self.messages = mmap.mmap(-1, SLOTS * _STRIDE)
        self.names = mmap.mmap(-1, SLOTS * _NAME_OCTETS)
        self.controls = mmap.mmap(-1, SLOTS * _CONTROL_OCTETS)
        self.vectors = mmap.mmap(-1, SLOTS * _VECTORS * _VECTOR_OCTETS)
        self.slots = [_make_slot(number, layout) for number in range(SLOTS)]
        self._incoming = mmap.mmap(-1, SLOTS * _VECTOR_OCTETS)
        self._received = mmap.mmap(-1, SLOTS * _HEADER.size)
        self._replies = mmap.mmap(-1, SLOTS * _HEADER.size)
        self._received_at = _start(self._received)
        self._replies_at = _start(self._replies)
        self._lay_out(layout, control=control)
        self._blank = self._received[:]
        words = memoryview(self._received).cast("I")
        self._lengths = words[_LENGTH_AT // 4 :: _HEADER.size // 4]
        library = ctypes.CDLL(None, use_errno=True)
        self._recvmmsg, self._sendmmsg = library.recvmmsg, library.sendmmsg
        self._recvmmsg.argtypes = (c_int, c_void_p, c_uint, c_int, c_void_p)
        self._sendmmsg.argtypes = (c_int, c_void_p, c_uint, c_int)

    def receive(self) -> Sequence[int]:
        """Take in what has come: the octets of each message, slot by slot; none when none has."""
        self._received[:] = self._blank
        count = self._recvmmsg(
            self._descriptor, self._received_at, SLOTS, socket.MSG_DONTWAIT, None
        )
        return self._lengths[:count].tolist() if count > 0 else ()

    def send(self, first: int, end: int) -> int:
        """Send the replies of these slots; returns how many the system did not take."""
        refused = 0
        while first < end:
            sent = self._sendmmsg(
                self._descriptor,
                self._replies_at + first * _HEADER.size,
                end - first,
                socket.MSG_DONTWAIT,
            )
            if sent > 0:
                first += sent
                continue
            # It has stopped at this one, which cannot be sent; the others can, unless it is full.
            left = end - first if ctypes.get_errno() == errno.EAGAIN else 1
            refused += left
            first += left
        return refused

    def sent(self, number: int) -> int:
        """How many octets the reply of a slot had that was sent last."""
        (octets,) = _OCTETS.unpack_from(self._replies, number * _HEADER.size + _LENGTH_AT)
        return int(octets)

    def _lay_out(self, layout: Layout, *, control: bool) -> None:
        vector, three = struct.Struct("=QQ"), _VECTORS * _VECTOR_OCTETS
        messages, names = _start(self.messages), _start(self.names)
        controls, vectors = _start(self.controls), _start(self.vectors)
        incoming = _start(self._incoming)
        for slot in self.slots:
            message, place = messages + slot.message, slot.number * _HEADER.size
            at = controls + slot.control.start if control else 0
            vector.pack_into(self._incoming, slot.number * vector.size, message, MESSAGE_OCTETS)
            vector.pack_into(self.vectors, slot.number * three, message, HEADER_OCTETS)
            name = names + slot.name.start
            into = incoming + slot.number * vector.size
            room = _CONTROL_OCTETS if control else 0
            _HEADER.pack_into(
                self._received, place, name, layout.name_octets, into, 1, at, room, 0, 0
            )
            parts, used = vectors + slot.number * three, layout.control_octets if control else 0
            _HEADER.pack_into(
                self._replies, place, name, layout.name_octets, parts, _VECTORS, at, used, 0, 0
            )


def _make_slot(number: int, layout: Layout) -> Slot:
    name, control = number * _NAME_OCTETS, number * _CONTROL_OCTETS
    plan = number * _VECTORS * _VECTOR_OCTETS + 8
    return Slot(
        number,
        number * _STRIDE,
        slice(name + layout.address.start, name + layout.address.stop),
        slice(name, name + layout.name_octets),
        slice(control, control + layout.control_octets),
        slice(plan, plan + _PLAN.size),
    )


def _place(octets: bytes) -> int:
    """Where these octets lie in memory, for as long as they live."""
    return ctypes.cast(c_char_p(octets), c_void_p).value or 0


def _start(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
