"""A kept reply, or a denial of service, written for one client.

Rules:
- The client's id, and its question in its own case. RD and CD come back as they were sent (RFC
  4035, 3.2.2), RA is set: recursion is what was done. AA is clear: nothing here is ours.
- AD is always clear. It would say that we vouch for the upstream's word (RFC 4035, 4.9.3),
  which came over UDP. A client that wants proof sets DO and gets the signatures.
- An OPT is answered by ours; no option of the upstream's goes on.
- What does not fit: additional records are left out, all of them, without TC; where one of the
  other records does not fit, TC is set and nothing follows it (RFC 2181, 9).
"""

import struct
from bisect import bisect_right
from dataclasses import dataclass
from enum import IntEnum

from dnsregistry.answers.protocol import EDNS_UDP_OCTETS, HEADER_OCTETS, OPT, QR, RA, RD, TC, Rcode
from dnsregistry.answers.query import Query
from dnsregistry.forward.question import CD, DNSSEC_OK, Asked
from dnsregistry.forward.reply import Reply

EDE = 15
"""The option code of an extended error (RFC 8914, 2)."""


class Ede(IntEnum):
    """Why an answer is less than it could be (RFC 8914, 4)."""

    STALE_ANSWER = 3
    CACHED_ERROR = 13
    STALE_NXDOMAIN = 19
    NO_REACHABLE_AUTHORITY = 22


_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_OPT = struct.Struct("!BHHIH")
_EDE = struct.Struct("!HHH")
_CD_OCTET = 3


@dataclass(frozen=True, slots=True)
class Asker:
    """A client's query, and in how many octets the reply has to fit.

    `options` are octets to put into the OPT of the reply beside ours, as a cookie.
    """

    query: Query
    checking_disabled: bool
    limit: int
    options: bytes = b""

    @classmethod
    def of(cls, query: Query, message: bytes, limit: int, options: bytes) -> "Asker":
        """Take the CD bit, which a query leaves out, from its message."""
        return cls(query, bool(message[_CD_OCTET] & CD), limit, options)

    @property
    def asked(self) -> Asked:
        """What it asks for, whoever asks."""
        question, edns = self.query.question, self.query.edns
        return Asked(
            question.wire.lower(),
            question.rtype,
            question.rclass,
            edns is not None and edns.dnssec_ok,
            self.checking_disabled,
        )


def relay(asker: Asker, reply: Reply, body: bytes, ede: Ede | None = None) -> bytes:
    """Write a reply; `body` is the reply's own, with the TTLs of this moment."""
    opt = _write_opt(asker, ede)
    question = _write_question(asker)
    answers, authority, additional = reply.counts
    room = asker.limit - HEADER_OCTETS - len(question) - len(opt)
    truncated = 0
    if len(body) > room:
        fitting = bisect_right(reply.ends, room)
        if fitting < answers + authority:
            truncated = TC
            answers, authority = min(answers, fitting), max(0, fitting - answers)
        additional = 0
        kept = answers + authority
        body = body[: reply.ends[kept - 1] if kept else 0]
    flags = _flags(asker, reply.rcode) | RA | truncated
    counts = (1, answers, authority, additional + bool(opt))
    return _HEADER.pack(asker.query.id, flags, *counts) + question + body + opt


def deny(asker: Asker, rcode: Rcode, ede: Ede | None = None, *, available: bool = True) -> bytes:
    """Write a reply that has only an rcode; `available` says whether RA is set."""
    opt = _write_opt(asker, ede)
    flags = _flags(asker, rcode) | (RA if available else 0)
    header = _HEADER.pack(asker.query.id, flags, 1, 0, 0, bool(opt))
    return header + _write_question(asker) + opt


def _flags(asker: Asker, rcode: int) -> int:
    flags = QR | rcode & 0xF
    if asker.query.recursion_desired:
        flags |= RD
    if asker.checking_disabled:
        flags |= CD
    return flags


def _write_question(asker: Asker) -> bytes:
    question = asker.query.question
    return question.wire + _TYPE_CLASS.pack(question.rtype, question.rclass)


def _write_opt(asker: Asker, ede: Ede | None) -> bytes:
    edns = asker.query.edns
    if edns is None:
        return b""
    options = asker.options + (_EDE.pack(EDE, 2, ede) if ede is not None else b"")
    ttl = DNSSEC_OK if edns.dnssec_ok else 0
    return _OPT.pack(0, OPT, EDNS_UDP_OCTETS, ttl, len(options)) + options
