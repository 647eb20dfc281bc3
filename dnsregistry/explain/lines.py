"""A written reply as dig prints it: what is in its octets, record by record."""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.chase import read_name
from dnsregistry.answers.message import EXTENDED_ERROR
from dnsregistry.answers.protocol import AA, HEADER_OCTETS, OPT, RA, RD, TC, Rcode
from dnsregistry.explain.wanted import write_type
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import Rdata
from dnsregistry.zone.rrset import RRset

_HEADER = struct.Struct("!HHHHHH")
_RECORD = struct.Struct("!HHIH")
_OPTION = struct.Struct("!HH")
_TYPE_CLASS_OCTETS = 4


@dataclass(slots=True)
class Lines:
    """The sections, and the header. `rcode` is None where only others know it."""

    rcode: str | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    octets: int = 0
    answer: list[str] = field(default_factory=list)
    authority: list[str] = field(default_factory=list)
    additional: list[str] = field(default_factory=list)
    ttl: int | None = None
    ede: dict[str, object] | None = None


def read_head(reply: bytes, lines: Lines) -> tuple[int, int, int]:
    """Read the header into `lines`; returns how many records the sections have."""
    _, flags, _, *counts = _HEADER.unpack_from(reply)
    lines.rcode = Rcode(flags & 0xF).name
    bits = {"aa": AA, "tc": TC, "rd": RD, "ra": RA}
    lines.flags = {name: bool(flags & bit) for name, bit in bits.items()}
    lines.octets = len(reply)
    return counts[0], counts[1], counts[2]


def read_own(reply: bytes, answer: Answer, rclass: str, lines: Lines) -> Iterator[None]:
    """Fill `lines` with what a reply of ours holds of its answer, some at each step."""
    answers, authority, additional = read_head(reply, lines)
    for section, count, into in (
        (answer.answer, answers, lines.answer),
        (answer.authority, authority, lines.authority),
    ):
        for rrset, rdata in take(section, count):
            into.append(write_line(rrset, rdata, rclass))
            lines.ttl = rrset.ttl if lines.ttl is None else min(lines.ttl, rrset.ttl)
            yield
    written: set[tuple[Name, int]] = set()
    records = _read_records(reply, answers + authority + additional)
    for place, (owner, rtype, data) in enumerate(records):
        if rtype == OPT:
            lines.ede = _read_ede(data)
        elif place >= answers + authority:
            written.add((owner, rtype))
        yield
    for rrset in answer.additional:
        if (rrset.owner, rrset.rtype) in written:
            lines.additional += [write_line(rrset, rdata, rclass) for rdata in rrset.rdatas]
            yield


def take(rrsets: Sequence[RRset], count: int) -> Iterator[tuple[RRset, Rdata]]:
    """The first so many records, each with its RRset."""
    for rrset in rrsets:
        for rdata in rrset.rdatas[:count]:
            yield rrset, rdata
        count = max(0, count - len(rrset.rdatas))


def write_line(rrset: RRset, rdata: Rdata, rclass: str) -> str:
    """A record in presentation format."""
    return f"{rrset.owner} {rrset.ttl} {rclass} {write_type(rrset.rtype)} {rdata}"


def read_others(reply: bytes, lines: Lines) -> None:
    """Fill `lines` with a reply that others wrote; may take long, and may be done in a thread."""
    import dns.message

    read_head(reply, lines)
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    lines.answer = [rrset.to_text() for rrset in message.answer]
    lines.authority = [rrset.to_text() for rrset in message.authority]
    lines.additional = [rrset.to_text() for rrset in message.additional]
    for error in message.extended_errors():
        lines.ede = {"code": int(error.code), "text": error.text or ""}
    lines.ttl = min((rrset.ttl for rrset in message.answer or message.authority), default=None)


def _read_records(reply: bytes, records: int) -> Iterator[tuple[Name, int, bytes]]:
    """Owner, type and data of each record."""
    _, position = read_name(reply, HEADER_OCTETS)
    position += _TYPE_CLASS_OCTETS
    for _ in range(records):
        owner, position = read_name(reply, position)
        rtype, _, _, octets = _RECORD.unpack_from(reply, position)
        position += _RECORD.size + octets
        yield owner, rtype, reply[position - octets : position]


def _read_ede(options: bytes) -> dict[str, object] | None:
    """The extended error among the options of an OPT (RFC 8914, 2)."""
    while options:
        code, octets = _OPTION.unpack_from(options)
        data, options = options[4 : 4 + octets], options[4 + octets :]
        if code == EXTENDED_ERROR:
            number = int.from_bytes(data[:2])
            return {"code": number, "text": data[2:].decode("ascii", "replace")}
    return None
