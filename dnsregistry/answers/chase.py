"""The end of an alias that leaves our zones, fetched for a client that asked for recursion.

Stub resolvers do not follow aliases themselves: without the target's addresses an answer of a
CNAME alone is as good as none.
"""

import struct
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.protocol import HEADER_OCTETS, RD, Rcode, RRClass
from dnsregistry.answers.query import Query, Question
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, CNAME, SOA, A, Rdata, RRType
from dnsregistry.zone.rrset import RRset

CHASED = frozenset({RRType.A, RRType.AAAA})
"""The types that a program connects by; for others an alias is told as it is."""

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")
_SOA_TIMES = struct.Struct("!IIIII")


def ask_for_end(target: Name, rtype: int) -> tuple[Query, bytes]:
    """Return the question for the alias's target, read and as a message."""
    question = Question(target.to_wire(), rtype, RRClass.IN)
    header = _HEADER.pack(0, RD, 1, 0, 0, 0)
    message = header + question.wire + _TYPE_CLASS.pack(rtype, RRClass.IN)
    return Query(0, True, question, None), message


def join_end(answer: Answer, reply: bytes) -> Answer:
    """Return the answer with the reply's records behind its own, and the reply's rcode.

    The reply comes from our forwarder: its structure has been checked.
    """
    rcode = Rcode(reply[3] & 0xF) if reply[3] & 0xF in _TOLD else Rcode.SERVFAIL
    if rcode is Rcode.SERVFAIL:
        return Answer(rcode)
    answers, authority = _read_records(reply)
    return replace(
        answer,
        rcode=rcode,
        answer=(*answer.answer, *answers),
        authority=tuple(rrset for rrset in authority if rrset.rtype == RRType.SOA),
    )


_TOLD = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})


def _read_records(reply: bytes) -> tuple[list[RRset], list[RRset]]:
    """The RRsets of types that we know in the answer and in the authority section, in order."""
    _, _, _, answers, authority, _ = _HEADER.unpack_from(reply)
    _, position = read_name(reply, HEADER_OCTETS)
    position += _TYPE_CLASS.size
    answer, position = _read_section(reply, position, answers)
    denial, _ = _read_section(reply, position, authority)
    return answer, denial


def _read_section(reply: bytes, position: int, count: int) -> tuple[list[RRset], int]:
    rrsets: dict[tuple[Name, int], RRset] = {}
    for _ in range(count):
        owner, position = read_name(reply, position)
        rtype, _, ttl, octets = _RECORD.unpack_from(reply, position)
        position += _RECORD.size
        rdata = _read_rdata(reply, rtype, position, octets)
        position += octets
        if rdata is not None:
            held = rrsets.get((owner, rtype), RRset(owner, rtype, ttl, ()))
            rdatas = (*held.rdatas, rdata)
            rrsets[owner, rtype] = replace(held, ttl=min(ttl, held.ttl), rdatas=rdatas)
    return list(rrsets.values()), position


def _read_rdata(reply: bytes, rtype: int, position: int, octets: int) -> Rdata | None:
    match rtype:
        case RRType.A:
            return A(IPv4Address(reply[position : position + octets]))
        case RRType.AAAA:
            return AAAA(IPv6Address(reply[position : position + octets]))
        case RRType.CNAME:
            return CNAME(read_name(reply, position)[0])
        case RRType.SOA:
            mname, position = read_name(reply, position)
            rname, position = read_name(reply, position)
            return SOA(mname, rname, *_SOA_TIMES.unpack_from(reply, position))
    return None


def read_name(reply: bytes, position: int) -> tuple[Name, int]:
    """The name that begins here, and where what follows it begins."""
    labels: list[bytes] = []
    end = 0
    while length := reply[position]:
        if length >= 0xC0:
            end = end or position + 2
            position = (length & 0x3F) << 8 | reply[position + 1]
        else:
            labels.append(reply[position + 1 : position + 1 + length].lower())
            position += 1 + length
    return Name(tuple(labels)), end or position + 1
