"""Answers to bytes, with dnslib's records, within a size.

What most answers are made of, addresses and SRV, is packed here: at a twelfth of the time.

Rules:
- Only whole records (RFC 2181, 9). Where a record of the answer or the authority section does
  not fit, TC is set and nothing after it is written.
- Additional records that do not fit are left out, each RRset whole or not at all; TC is set
  only where they are the glue of a referral (RFC 9471, 3).
- The question is written as it came; names are compressed against it without regard to case,
  so that owner names come back in the client's case (RFC 4343, 4.1).
- A name is pointed to only from below offset 16384, which is what a pointer can say.
- An OPT is answered by ours, with room kept for it (RFC 6891, 6.2.5).
"""

import struct
from collections.abc import Sequence
from typing import Any

import dnslib  # type: ignore[import-untyped, unused-ignore]
from dnslib.label import DNSBuffer  # type: ignore[import-untyped, unused-ignore]

from dnsregistry.answers.answer import MOST_TEXT, Answer, ExtendedError
from dnsregistry.answers.protocol import (
    AA,
    EDNS_UDP_OCTETS,
    HEADER_OCTETS,
    OPT,
    QR,
    RA,
    RD,
    TC,
    RRClass,
)
from dnsregistry.answers.query import Edns, Fault, Query, Question
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, CNAME, HINFO, NS, PTR, SOA, SRV, TXT, A, Opaque, Rdata
from dnsregistry.zone.rrset import RRset

EXTENDED_ERROR = 15
"""The code of that option."""
MOST_MISSES = 4
"""RRsets of the additional section that may be found too long before the rest is left out."""
_CODE_OCTETS = 2
POINTER_REACH = 0x4000

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_SRV = struct.Struct("!HHH")
_TYPE_CLASS = struct.Struct("!HH")
_OPT = struct.Struct("!BHHIH")
_OPTION = struct.Struct("!HH")
_LENGTHS = tuple(bytes((length,)) for length in range(64))


def encode(
    query: Query,
    answer: Answer,
    limit: int,
    options: Sequence[tuple[int, bytes]] = (),
    *,
    cut: bool = False,
    recursion: bool = False,
) -> bytes:
    """Write the answer to a query in at most `limit` octets; at least the question fits.

    `cut` says that the answer has been shortened before: TC is set, and there is no glue.
    `recursion` says that this client's questions for others' names are forwarded.
    """
    flags = QR | (AA if answer.authoritative else 0) | (RA if recursion else 0)
    flags |= RD if query.recursion_desired else 0
    opt = _opt(query.edns, answer.rcode, options) if query.edns else b""
    buffer = _Buffer(query.question, limit - len(opt))
    answers, fits = buffer.write_records(answer.answer)
    authority = 0
    fits = fits and not cut
    if fits:
        authority, fits = buffer.write_records(answer.authority)
    additional, whole = buffer.write_rrsets(answer.additional) if fits else (0, False)
    fits = fits and (whole or not answer.additional_needed)
    if opt:
        buffer.append(opt)
        additional += 1
    if not fits:
        flags |= TC
    counts = (1, answers, authority, additional)
    return buffer.finish(query.id, flags | answer.rcode & 0xF, counts)


def encode_fault(fault: Fault) -> bytes:
    """Write the answer to a message that could not be decided: an rcode, and what was read."""
    flags = QR | fault.opcode << 11 | (RD if fault.recursion_desired else 0)
    buffer = _Buffer(fault.question, EDNS_UDP_OCTETS)
    if fault.edns:
        buffer.append(_opt(fault.edns, fault.rcode, ()))
    counts = (1 if fault.question else 0, 0, 0, 1 if fault.edns else 0)
    return buffer.finish(fault.id, flags | fault.rcode & 0xF, counts)


def add_ede(reply: bytes, ede: ExtendedError, option_octets: int, limit: int) -> bytes:
    """Add an extended error (RFC 8914, 2) to the OPT at the end of a reply, if there is room.

    `option_octets` are those that the OPT has. For want of room the text is left out before the
    code, and either before anything else.
    """
    room = limit - len(reply) - _OPTION.size - _CODE_OCTETS
    if room < 0:
        return reply
    text = ede.text.encode("ascii", "replace")[:MOST_TEXT]
    data = ede.code.to_bytes(_CODE_OCTETS) + (text if len(text) <= room else b"")
    option = _OPTION.pack(EXTENDED_ERROR, len(data)) + data
    head, options = reply[: len(reply) - option_octets - 2], reply[len(reply) - option_octets :]
    return b"".join((head, (option_octets + len(option)).to_bytes(2), option, options))


def encode_options(options: Sequence[tuple[int, bytes]]) -> bytes:
    """Write options as an OPT record's data (RFC 6891, 6.1.2)."""
    return b"".join(_OPTION.pack(code, len(octets)) + octets for code, octets in options)


class _Buffer(DNSBuffer):  # type: ignore[misc, unused-ignore]
    """dnslib's buffer with a limit, and compression that knows case and reach."""

    def __init__(self, question: Question | None, limit: int) -> None:
        super().__init__(b"\0" * HEADER_OCTETS)
        self.offset = HEADER_OCTETS
        self.names: dict[tuple[bytes, ...], int] = {}
        self._limit = limit
        self._rclass = question.rclass if question else RRClass.IN
        if question is not None:
            self._write_question(question)

    def encode_name(self, name: Any) -> None:
        """Write a name, pointing to what was written before where that says the same."""
        self._write_name(name.label)

    def _write_name(self, labels: tuple[bytes, ...]) -> None:
        """The same for labels, which are in lower case but in the question."""
        key = labels
        for label in labels:
            known = self.names.get(key)
            if known is not None:
                self.append((0xC000 | known).to_bytes(2))
                return
            if self.offset < POINTER_REACH:
                self.names[key] = self.offset
            self.append(_LENGTHS[len(label)] + label)
            key = key[1:]
        self.append(b"\0")

    def _write_question(self, question: Question) -> None:
        labels = _labels(question.wire)
        folded = tuple([label.lower() for label in labels])
        for place, label in enumerate(labels):
            self.names.setdefault(folded[place:], self.offset)
            self.append(_LENGTHS[len(label)] + label)
        self.append(b"\0" + _TYPE_CLASS.pack(question.rtype, question.rclass))

    def write_records(self, rrsets: tuple[RRset, ...]) -> tuple[int, bool]:
        """Write record by record; returns how many fit, and whether all did."""
        count = 0
        for rrset in rrsets:
            written = self._write(rrset)
            count += written
            if written < len(rrset.rdatas):
                return count, False
        return count, True

    def write_rrsets(self, rrsets: tuple[RRset, ...]) -> tuple[int, bool]:
        """Write the RRsets that fit; returns how many records that is, and whether all fit."""
        count, misses, whole = 0, 0, True
        for rrset in rrsets:
            mark = self.offset
            if self._write(rrset) == len(rrset.rdatas):
                count += len(rrset.rdatas)
                continue
            self._rewind(mark)
            whole = False
            misses += 1
            if misses == MOST_MISSES:
                break
        return count, whole

    def finish(self, message_id: int, flags: int, counts: tuple[int, int, int, int]) -> bytes:
        """Return the whole message."""
        self.update(0, "!HHHHHH", message_id, flags, *counts)
        return bytes(self.data)

    def _write(self, rrset: RRset) -> int:
        """Write record by record; returns how many fitted before one did not, which is left out."""
        owner, labels, rtype, ttl = None, rrset.owner.labels, rrset.rtype, rrset.ttl
        for place, rdata in enumerate(rrset.rdatas):
            mark = self.offset
            data = _pack(rdata)
            if data is not None:
                self._write_name(labels)
                self.append(_RECORD.pack(rtype, self._rclass, ttl, len(data)) + data)
            else:
                owner = owner or _label(rrset.owner)
                record = dnslib.RR(owner, rtype, rclass=self._rclass, ttl=ttl, rdata=_rdata(rdata))
                record.pack(self)
            if self.offset > self._limit:
                self._rewind(mark)
                return place
        return len(rrset.rdatas)

    def _rewind(self, mark: int) -> None:
        del self.data[mark:]
        self.offset = mark
        self.names = {name: offset for name, offset in self.names.items() if offset < mark}


def _pack(rdata: Rdata) -> bytes | None:
    """The data of an address or SRV record, in which nothing is compressed; None of others."""
    if isinstance(rdata, SRV):
        return _SRV.pack(rdata.priority, rdata.weight, rdata.port) + rdata.target.to_wire()
    if isinstance(rdata, A | AAAA):
        return rdata.address.packed
    return None


def _rdata(rdata: Rdata) -> Any:
    match rdata:
        case NS(target):
            return dnslib.NS(_label(target))
        case CNAME(target):
            return dnslib.CNAME(_label(target))
        case PTR(target):
            return dnslib.PTR(_label(target))
        case SOA(mname, rname, serial, refresh, retry, expire, minimum):
            times = (serial, refresh, retry, expire, minimum)
            return dnslib.SOA(_label(mname), _label(rname), times)
        case Opaque(_, octets):
            return dnslib.RD(octets)
        case TXT(strings):
            return dnslib.TXT(list(strings))
        case HINFO(cpu, os):
            return dnslib.RD(bytes((len(cpu),)) + cpu + bytes((len(os),)) + os)


def _label(name: Name) -> Any:
    return dnslib.DNSLabel(name.labels)


def _labels(wire: bytes) -> list[bytes]:
    labels = []
    position = 0
    while length := wire[position]:
        labels.append(wire[position + 1 : position + 1 + length])
        position += 1 + length
    return labels


def _opt(edns: Edns, rcode: int, options: Sequence[tuple[int, bytes]]) -> bytes:
    ttl = rcode >> 4 << 24 | (0x8000 if edns.dnssec_ok else 0)
    data = encode_options(options)
    return _OPT.pack(0, OPT, EDNS_UDP_OCTETS, ttl, len(data)) + data
