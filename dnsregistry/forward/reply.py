"""An upstream's reply, read strictly and made fit to be kept.

Rules:
- The counts are those of the records that are there, and nothing comes after them.
- A name is labels of 1 to 63 octets, 255 in all; a pointer leads backwards, to below the start
  of the name that it ends (RFC 9267). Names inside the data of the types that may be compressed
  (RFC 3597, 4) are read too, since clients will follow them. None passes through the fixed
  part of a record, where TTLs change with time: what was checked stays as it was checked.
- One OPT at most, owned by the root, in the additional section. It and what follows it are the
  upstream's own business and left out.
- A TTL above 2^31 - 1 is 0 (RFC 2181, 8), one above `LONGEST_TTL` is that.
- A denial lives as long as its SOA's TTL or MINIMUM says, whichever is less, and the TTL is set
  to that (RFC 2308, 5); without a SOA it is not kept.
- Work is linear in the message: each octet begins a name once.
"""

import struct
from dataclasses import dataclass

from dnsregistry.answers.protocol import AA, ANY, HEADER_OCTETS, OPT, RA, TSIG, Rcode
from dnsregistry.forward.names import Names, UnreadableReply
from dnsregistry.forward.question import RCODE
from dnsregistry.zone.rdata import RRType

LONGEST_TTL = 86_400
"""A day: what BIND and Unbound keep at most; after it a mistake upstream is forgotten."""
LONGEST_NEGATIVE_TTL = 3600
"""An hour: RFC 2308, 5 finds one to three sensible, and a name that appears is waited for."""

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_MINIMUM = struct.Struct("!I")
_LEAST_RECORD_OCTETS = 11

_ANSWER, _AUTHORITY, _ADDITIONAL = range(3)
_LAYOUTS: dict[int, tuple[int, int, int]] = {
    1: (4, 0, 0),  # A
    2: (0, 1, 0),  # NS
    5: (0, 1, 0),  # CNAME
    6: (0, 2, 20),  # SOA
    12: (0, 1, 0),  # PTR
    14: (0, 2, 0),  # MINFO
    15: (2, 1, 0),  # MX
    17: (0, 2, 0),  # RP
    18: (2, 1, 0),  # AFSDB
    21: (2, 1, 0),  # RT
    26: (2, 2, 0),  # PX
    28: (16, 0, 0),  # AAAA
    33: (6, 1, 0),  # SRV
    36: (2, 1, 0),  # KX
    39: (0, 1, 0),  # DNAME
}
"""Octets before, names, and octets after them, to the end of the data."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply says, without its header, question and OPT.

    `counts` are the records by section. `body` is their octets, to stand behind a question of
    the same length; `ends` is where each record ends in it and `ttls` where its TTL is. `rcode`
    has the OPT's high bits. `lifetime` is for how many seconds it may be kept; 0: not at all.
    A `referral` points elsewhere instead of answering.
    """

    rcode: int
    counts: tuple[int, int, int]
    body: bytes
    ends: tuple[int, ...]
    ttls: tuple[int, ...]
    lifetime: int
    referral: bool


@dataclass(frozen=True, slots=True)
class _Record:
    """Offsets into the message."""

    section: int
    rtype: int
    ttl_at: int
    data_at: int
    end: int


def read_reply(message: bytes, start: int, rtype: int) -> Reply:
    """Read the sections that begin at `start`, behind a question for `rtype`.

    The header is known to be there. Raises UnreadableReply.
    """
    _, flags, _, *counts = _HEADER.unpack_from(message)
    records = _read_records(message, start, counts)
    rcode = flags & RCODE
    own = next((at for at, record in enumerate(records) if record.rtype in (OPT, TSIG)), None)
    if own is not None:
        rcode |= _read_high_bits(message, records) << 4
        records = records[:own]
    body = bytearray(message[start : records[-1].end if records else start])
    has_answer = any(
        record.section == _ANSWER and rtype in (record.rtype, ANY) for record in records
    )
    soa = next(
        (r for r in records if r.section == _AUTHORITY and r.rtype == RRType.SOA),
        None,
    )
    denial = rcode == Rcode.NXDOMAIN or (rcode == Rcode.NOERROR and not has_answer)
    shortest = LONGEST_TTL
    for record in records:
        ttl = _read_ttl(message, record)
        if denial and record is soa:
            (minimum,) = _MINIMUM.unpack_from(message, record.end - _MINIMUM.size)
            ttl = min(ttl, _mend_ttl(minimum), LONGEST_NEGATIVE_TTL)
        _MINIMUM.pack_into(body, record.ttl_at - start, ttl)
        shortest = min(shortest, ttl)
    keep = (has_answer and rcode == Rcode.NOERROR) or (denial and soa is not None)
    answers = sum(record.section == _ANSWER for record in records)
    authority = sum(record.section == _AUTHORITY for record in records)
    return Reply(
        rcode,
        (answers, authority, len(records) - answers - authority),
        bytes(body),
        tuple(record.end - start for record in records),
        tuple(record.ttl_at - start for record in records),
        shortest if keep else 0,
        denial and not answers and soa is None and not rcode and not flags & (AA | RA),
    )


def _read_ttl(message: bytes, record: _Record) -> int:
    (ttl,) = _MINIMUM.unpack_from(message, record.ttl_at)
    return min(_mend_ttl(ttl), LONGEST_TTL)


def _mend_ttl(ttl: int) -> int:
    return 0 if ttl > 0x7FFFFFFF else ttl


def _read_high_bits(message: bytes, records: list[_Record]) -> int:
    opts = [record for record in records if record.rtype == OPT]
    if len(opts) > 1:
        raise UnreadableReply
    return message[opts[0].ttl_at] if opts else 0


def _read_records(message: bytes, start: int, counts: list[int]) -> list[_Record]:
    if start + sum(counts) * _LEAST_RECORD_OCTETS > len(message):
        raise UnreadableReply
    names = Names(message)
    names.read(HEADER_OCTETS)
    records = []
    position = start
    for section, count in enumerate(counts):
        for _ in range(count):
            record = _read_record(message, names, section, position)
            records.append(record)
            position = record.end
    if position != len(message):
        raise UnreadableReply
    fixed = [(record.ttl_at - 4, record.data_at) for record in records]
    if names.pass_through([(start - 4, start), *fixed]):
        raise UnreadableReply
    return records


def _read_record(message: bytes, names: Names, section: int, position: int) -> _Record:
    fixed = names.read(position)
    data = fixed + _RECORD.size
    if data > len(message):
        raise UnreadableReply
    rtype, _, _, octets = _RECORD.unpack_from(message, fixed)
    end = data + octets
    if end > len(message):
        raise UnreadableReply
    if rtype in (OPT, TSIG):
        if section != _ADDITIONAL or (rtype == OPT and message[position] != 0):
            raise UnreadableReply
    elif (layout := _LAYOUTS.get(rtype)) is not None:
        before, count, after = layout
        at = data + before
        for _ in range(count):
            if at >= end:
                raise UnreadableReply
            at = names.read(at)
        if at + after != end:
            raise UnreadableReply
    return _Record(section, rtype, fixed + 4, data, end)
