"""What the main process and a worker say to each other: frames of fields, over a local stream.

A frame is its length, its kind, and fields, each behind its own length. The stream keeps their
order, and that is what both rely on: what is told before a frame is known when it is read.
"""

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum

from dnsregistry.answers.copies import Copy
from dnsregistry.answers.variants import Parts

Fields = list[bytes]

_LENGTH = struct.Struct("!I")
_NUMBER = struct.Struct("!Q")
_COPY = struct.Struct("!dHHHH??")


class Kind(IntEnum):
    """Kinds of frames, and their fields."""

    # From the worker.
    READY = 1  # none: it can be told things
    ASK = 2  # number, client's address in text, message, b"1" or b"0": whether to send a copy
    SYNCED = 3  # number of the SYNC that it has come to; names that REFILL took a given answer from
    COUNTED = 4  # JSON: what it has counted since it last told
    # From the main process.
    CONFIGURE = 10  # JSON: see replica.Configuration
    COPY = 11  # an entry of the table, see `pack_copy`
    REPLY = 12  # number of the ASK, the reply; empty where there is none
    FORGET = 13  # names
    RENUMBER = 14  # number: the serial of the live zone
    CLEAR = 15  # none
    ALONE = 16  # b"1" or b"0": whether the live zone's absent names may be told
    PRESENT = 17  # services that there are now
    GONE = 18  # services that there are no more
    SYNC = 19  # number
    REFILL = 20  # name, and entries in the place of all that was held under it, see `pack_refill`


MOST_ASKED = 1024
"""Questions that a worker has handed over: as many as wait at a socket. For a new one it gives up
the oldest, so that the main process need not look at those before the last so many."""


def pack(kind: Kind, *fields: bytes) -> bytes:
    """Write a frame."""
    body = _join(fields)
    return b"".join((_LENGTH.pack(1 + len(body)), bytes((kind,)), body))


def _join(fields: Sequence[bytes]) -> bytes:
    return b"".join([part for field in fields for part in (_LENGTH.pack(len(field)), field)])


def pack_number(number: int) -> bytes:
    """Write a number as a field."""
    return _NUMBER.pack(number)


def read_number(field: bytes) -> int:
    """Read a number."""
    return int(_NUMBER.unpack(field)[0])


def pack_copy(copy: Copy) -> bytes:
    """Write a COPY frame."""
    return pack(Kind.COPY, *_split(copy))


def pack_refill(name: bytes, copies: Sequence[Copy]) -> bytes:
    """Write a REFILL frame."""
    return pack(Kind.REFILL, name, *[_join(_split(copy)) for copy in copies])


def _split(copy: Copy) -> Fields:
    numbers = _COPY.pack(
        copy.until,
        copy.end,
        copy.prefix,
        copy.rtype,
        copy.rcode,
        copy.is_general,
        copy.denies,
    )
    parts = copy.parts
    places = (copy.spelling, copy.form, copy.name, copy.key, copy.origin)
    return [numbers, *places, copy.head, parts.rest, parts.turns, *parts.variants]


def read_copy(fields: Fields) -> Copy:
    """Read what `pack_copy` wrote."""
    until, end, prefix, rtype, rcode, is_general, denies = _COPY.unpack(fields[0])
    spelling, form, name, key, origin, head, rest, turns = fields[1:9]
    return Copy(
        spelling=spelling,
        form=form,
        name=name,
        key=key,
        origin=origin,
        end=end,
        until=until,
        head=head,
        prefix=prefix,
        parts=Parts(tuple(fields[9:]), turns, rest),
        rtype=rtype,
        rcode=rcode,
        is_general=is_general,
        denies=denies,
    )


def read_refill(fields: Fields) -> tuple[bytes, list[Copy]]:
    """Read what `pack_refill` wrote."""
    name, *copies = fields
    return name, [read_copy(_read_fields(copy, 0)) for copy in copies]


class Reader:
    """Takes a stream in whatever pieces it comes, gives whole frames."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._position = 0
        """Where the next frame begins."""

    @property
    def held(self) -> int:
        """Octets that came and have not been given."""
        return len(self._pending) - self._position

    def feed(self, data: bytes | bytearray) -> Iterator[tuple[Kind, Fields]]:
        """Take in what came, and give the frames that are whole now.

        Those that are not taken from the iterator are the first ones of the next.
        """
        del self._pending[: self._position]
        self._position = 0
        self._pending += data
        return self._frames()

    def _frames(self) -> Iterator[tuple[Kind, Fields]]:
        pending = self._pending
        while len(pending) - self._position >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(pending, self._position)
            start = self._position + _LENGTH.size
            if len(pending) < start + length:
                break
            self._position = start + length
            frame = bytes(pending[start : self._position])
            yield Kind(frame[0]), _read_fields(frame, 1)


def _read_fields(frame: bytes, position: int) -> Fields:
    fields = []
    while position < len(frame):
        (length,) = _LENGTH.unpack_from(frame, position)
        position += _LENGTH.size
        fields.append(frame[position : position + length])
        position += length
    return fields
