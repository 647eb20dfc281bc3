"""The guard: a message as it came, read into a query or turned away. No exception leaves it.

Rules:
- Under 12 octets, or a response: silence. An answer could start a loop between two servers.
- Any opcode but QUERY: NOTIMP, whatever follows the header (RFC 8906, 3.1.4).
- One question (RFC 9619), no answer or authority records: else FORMERR.
- A question's name is labels of 1 to 63 octets, 255 in all, without any pointer: there is
  nothing before it that one could point to. Else FORMERR.
- Additional records: one OPT at most, owned by the root, its options whole; a TSIG last, which
  no key of ours can verify: NOTAUTH (RFC 8945, 5.2.1). Anything else, or octets left over:
  FORMERR.
- An OPT that was read is answered by an OPT, whatever the answer (RFC 6891, 7). Version 0 is
  spoken.
- Work is bounded: by four records, the longest name and 32 options.
"""

import struct
from dataclasses import dataclass

from dnsregistry.answers.protocol import HEADER_OCTETS, OPT, QR, RD, TSIG, Opcode, Rcode
from dnsregistry.zone.name import Name

MOST_RECORDS = 4
"""More records than any query of ours to answer has: past it the message is not looked through."""
MOST_OPTIONS = 32
"""About twice the options that exist: a message full of empty ones would cost milliseconds."""
NAME_OCTETS = 255
"""The longest name on the wire (RFC 1035, 2.3.4); past it a name is not looked through."""

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_OPTION = struct.Struct("!HH")


@dataclass(frozen=True, slots=True)
class Edns:
    """The client's OPT record (RFC 6891, 6.1.2)."""

    udp_octets: int
    version: int
    dnssec_ok: bool
    options: tuple[tuple[int, bytes], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """The question: its name as the client wrote it on the wire, and what it asks for."""

    wire: bytes
    rtype: int
    rclass: int

    @property
    def name(self) -> Name:
        """The name in lower case."""
        return Name.from_wire(self.wire)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to be decided."""

    id: int
    recursion_desired: bool
    question: Question
    edns: Edns | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A message to be answered with an rcode alone; the question where it could be read."""

    id: int
    opcode: int
    recursion_desired: bool
    rcode: Rcode
    question: Question | None = None
    edns: Edns | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """A message that gets no answer."""


class _MalformedError(Exception):
    """The sections cannot be read to their end."""


@dataclass(frozen=True, slots=True)
class _Sections:
    question: Question | None
    edns: Edns | None
    signed: bool
    whole: bool


def decode(message: bytes) -> Query | Fault | Silence:
    """Read a message. Total: every sequence of octets has one of the three results."""
    if len(message) < HEADER_OCTETS:
        return Silence()
    message_id, flags, questions, answers, authority, additional = _HEADER.unpack_from(message)
    if flags & QR:
        return Silence()
    opcode = flags >> 11 & 0xF
    desired = bool(flags & RD)
    try:
        sections = _read(message, questions, answers + authority, additional)
    except _MalformedError:
        sections = None
    if opcode != Opcode.QUERY:
        rcode = Rcode.NOTIMP
    elif sections is None or sections.question is None or not sections.whole:
        rcode = Rcode.FORMERR
    elif sections.edns is not None and sections.edns.version > 0:
        rcode = Rcode.BADVERS
    elif sections.signed:
        rcode = Rcode.NOTAUTH
    else:
        return Query(message_id, desired, sections.question, sections.edns)
    if sections is None:
        return Fault(message_id, opcode, desired, rcode)
    return Fault(message_id, opcode, desired, rcode, sections.question, sections.edns)


def _read(message: bytes, questions: int, records: int, additional: int) -> _Sections:
    if questions + records + additional > MOST_RECORDS:
        raise _MalformedError
    question: Question | None = None
    position = HEADER_OCTETS
    for _ in range(questions):
        end = _skip_name(message, position, pointers=False)
        wire = message[position:end]
        position = _past(message, end, _TYPE_CLASS.size)
        question = Question(wire, *_TYPE_CLASS.unpack_from(message, end))
    for _ in range(records):
        position, _, _ = _skip_record(message, position)
    edns: Edns | None = None
    signed = False
    whole = not records
    for _ in range(additional):
        whole = whole and not signed
        start = position
        position, rtype, rdata_octets = _skip_record(message, position)
        if rtype == OPT and edns is None and message[start] == 0:
            edns = _read_edns(message, position - rdata_octets, position)
        elif rtype == TSIG:
            signed = True
        else:
            whole = False
    whole = whole and position == len(message)
    return _Sections(question if questions == 1 else None, edns, signed, whole)


def _skip_name(message: bytes, position: int, *, pointers: bool) -> int:
    """Where the name that begins here ends; its octets are all in the message."""
    end = min(len(message), position + NAME_OCTETS)
    while position < end:
        length = message[position]
        position += 1 + length
        if length == 0:
            return position
        if length >= 0xC0 and pointers:
            return _past(message, position - 1 - length, 2)
        if length > 63:
            raise _MalformedError
    raise _MalformedError


def _skip_record(message: bytes, position: int) -> tuple[int, int, int]:
    """Where the record that begins here ends, its type and the length of its data."""
    fixed = _skip_name(message, position, pointers=True)
    data = _past(message, fixed, _RECORD.size)
    rtype, _, _, octets = _RECORD.unpack_from(message, fixed)
    return _past(message, data, octets), rtype, octets


def _past(message: bytes, position: int, octets: int) -> int:
    if position + octets > len(message):
        raise _MalformedError
    return position + octets


def _read_edns(message: bytes, position: int, end: int) -> Edns:
    _, udp_octets, ttl, _ = _RECORD.unpack_from(message, position - _RECORD.size)
    options: list[tuple[int, bytes]] = []
    while position < end:
        if len(options) == MOST_OPTIONS or position + _OPTION.size > end:
            raise _MalformedError
        code, octets = _OPTION.unpack_from(message, position)
        position += _OPTION.size
        if position + octets > end:
            raise _MalformedError
        options.append((code, message[position : position + octets]))
        position += octets
    return Edns(udp_octets, ttl >> 16 & 0xFF, bool(ttl & 0x8000), tuple(options))
