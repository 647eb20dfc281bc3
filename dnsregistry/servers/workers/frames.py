"""What the main process and a worker say to each other: frames of fields, over a local stream.

A frame is its length, its kind, and fields, each behind its own length. The stream keeps their
order, and that is what both rely on: what is told before a frame is known when it is read.
"""

import struct
from collections.abc import Iterator
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
    SYNCED = 3  # number of the SYNC that it has come to
    COUNTED = 4  # JSON: what it has counted since it last told
    # From the main process.
    CONFIGURE = 10  # JSON: see replica.Configuration
    COPY = 11  # an entry of the table, see `pack_copy`
    REPLY = 12  # number of the ASK, the reply; empty where there is none
    FORGET = 13  # names
    FORGET_BOUND = 14  # none
    CLEAR = 15  # none
    ALONE = 16  # b"1" or b"0": whether the live zone's absent names may be told
    PRESENT = 17  # services that there are now
    GONE = 18  # services that there are no more
    SYNC = 19  # number


MOST_ASKED = 1024
"""Questions that a worker has handed over: as many as wait at a socket. For a new one it gives up
the oldest, so that the main process need not look at those before the last so many."""


def pack(kind: Kind, *fields: bytes) -> bytes:
    """Write a frame."""
    body = b"".join([part for field in fields for part in (_LENGTH.pack(len(field)), field)])
    return b"".join((_LENGTH.pack(1 + len(body)), bytes((kind,)), body))


def pack_number(number: int) -> bytes:
    """Write a number as a field."""
    return _NUMBER.pack(number)


def read_number(field: bytes) -> int:
    """Read a number."""
    return int(_NUMBER.unpack(field)[0])


def pack_copy(copy: Copy) -> bytes:
    """Write a COPY frame."""
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
    return pack(Kind.COPY, numbers, *places, copy.head, parts.rest, parts.turns, *parts.variants)


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


class Reader:
    """Takes a stream in whatever pieces it comes, gives whole frames."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Kind, Fields]]:
        """Yield the frames that are whole now."""
        pending = self._pending
        pending += data
        position = 0
        try:
            while len(pending) - position >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(pending, position)
                end = position + _LENGTH.size + length
                if len(pending) < end:
                    break
                frame = bytes(pending[position + _LENGTH.size : end])
                position = end
                yield Kind(frame[0]), _read_fields(frame)
        finally:
            del pending[:position]


def _read_fields(frame: bytes) -> Fields:
    fields = []
    position = 1
    while position < len(frame):
        (length,) = _LENGTH.unpack_from(frame, position)
        position += _LENGTH.size
        fields.append(frame[position : position + length])
        position += length
    return fields
