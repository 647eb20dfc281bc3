"""The TTL of a finished reply, for caches that see it from outside."""

import struct

from dnsregistry.answers.protocol import HEADER_OCTETS, OPT

_COUNTS = struct.Struct("!HHHH")
_RECORD = struct.Struct("!HHIH")


def smallest_ttl(reply: bytes) -> int:
    """The smallest TTL of a reply's records in seconds, its OPT aside; 0 where there is none.

    The reply is one of ours: its names and lengths are known to be sound.
    """
    questions, *sections = _COUNTS.unpack_from(reply, 4)
    position = HEADER_OCTETS
    for _ in range(questions):
        position = _skip_name(reply, position) + 4
    smallest: int | None = None
    for _ in range(sum(sections)):
        position = _skip_name(reply, position)
        rtype, _, ttl, octets = _RECORD.unpack_from(reply, position)
        position += _RECORD.size + octets
        if rtype != OPT:
            smallest = ttl if smallest is None else min(smallest, ttl)
    return smallest or 0


def _skip_name(reply: bytes, position: int) -> int:
    while length := reply[position]:
        if length >= 0xC0:
            return position + 2
        position += 1 + length
    return position + 1
