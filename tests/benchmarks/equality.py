"""Whether two servers say the same, record for record."""

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import dns.message

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.ours import LOOPBACK

_WAIT_SECONDS = 5.0
_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_COMPARED_FLAGS = 0x8000 | 0x7800 | 0x0400 | 0x0200 | 0x0100 | 0x000F
"""QR, opcode, AA, TC, RD and rcode. Not RA: whether recursion is there is no part of the answer."""
_SOA, _OPT = 6, 41
_NAME_AT = {2: 0, 5: 0, 12: 0, 15: 2, 33: 6, _SOA: 0}
"""Where the data of NS, CNAME, PTR, MX, SRV and SOA has a name, which may be compressed."""

Record = tuple[bytes, int, int, int, bytes]
"""Owner in lower case and type, class, TTL, and data with names whole and in lower case."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a reply says; the records of a section are in no order."""

    flags: int
    question: bytes
    answer: frozenset[Record]
    authority: frozenset[Record]
    additional: frozenset[Record]
    """Without OPT, whose data is about the conversation."""
    opts: int


def compare(ours: int, theirs: int, queries: Iterable[bytes]) -> int:
    """Ask both ports each query; returns how many were asked.

    Raises BenchmarkError at the first difference: of rcode, flags, or a record of any section, its
    TTL included.
    """
    count = 0
    with _connect(ours) as mine, _connect(theirs) as other:
        for query in queries:
            for sock in (mine, other):
                sock.send(query)
            left, right = mine.recv(65535), other.recv(65535)
            if read(left) != read(right):
                raise BenchmarkError(_describe(left, right))
            count += 1
    return count


def read(wire: bytes) -> Content:
    """The content of a reply.

    Raises BenchmarkError for a record that comes twice in a section, and for octets left over. Ten
    times as fast as dnspython, which it is held against in the tests: a run compares 24,000.
    """
    _, flags, questions, *counts = _HEADER.unpack_from(wire)
    at, question = _HEADER.size, b""
    for _ in range(questions):
        name, at = _read_name(wire, at)
        question += name + wire[at : at + 4]
        at += 4
    sections: list[frozenset[Record]] = []
    opts = 0
    for count in counts:
        records: list[Record] = []
        for _ in range(count):
            record, at = _read_record(wire, at)
            if record[1] == _OPT:
                opts += 1
            else:
                records.append(record)
        section = frozenset(records)
        if len(section) < len(records):
            raise BenchmarkError(f"a record comes twice in {_to_text(wire)}")
        sections.append(section)
    if at != len(wire):
        raise BenchmarkError(f"{len(wire) - at} octets too many in {_to_text(wire)}")
    answer, authority, additional = sections
    return Content(flags & _COMPARED_FLAGS, question, answer, authority, additional, opts)


def _read_record(wire: bytes, at: int) -> tuple[Record, int]:
    owner, at = _read_name(wire, at)
    rtype, rclass, ttl, length = _RECORD.unpack_from(wire, at)
    start = at + _RECORD.size
    end = start + length
    data = wire[start:end]
    if rtype in _NAME_AT:
        name, after = _read_name(wire, start + _NAME_AT[rtype])
        data = wire[start : start + _NAME_AT[rtype]] + name
        if rtype == _SOA:
            name, after = _read_name(wire, after)
            data += name
        data += wire[after:end]
    return (owner, rtype, rclass, ttl, data), end


def _read_name(wire: bytes, at: int) -> tuple[bytes, int]:
    """The name in lower case, and what is behind it."""
    name, end = b"", 0
    while length := wire[at]:
        if length >= 0xC0:
            end = end or at + 2
            before, at = at, int.from_bytes(wire[at : at + 2]) & 0x3FFF
            if at >= before:
                raise BenchmarkError(f"a name leads forwards in {wire.hex()}")
        else:
            name += wire[at : at + length + 1].lower()
            at += length + 1
    return name + b"\0", end or at + 1


def _connect(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(_WAIT_SECONDS)
    sock.connect((LOOPBACK, port))
    return sock


def _describe(mine: bytes, theirs: bytes) -> str:
    return f"answers differ. Ours: {_to_text(mine)}. Theirs: {_to_text(theirs)}"


def _to_text(wire: bytes) -> str:
    message = dns.message.from_wire(wire, ignore_trailing=True)
    return ", ".join(filter(None, message.to_text().splitlines()))
