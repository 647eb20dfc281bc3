"""The question as it is put to an upstream, and which replies belong to it (RFC 5452, 9.1)."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

from dnsregistry.answers.protocol import EDNS_UDP_OCTETS, HEADER_OCTETS, OPT, QR, RD, Rcode

RandomBits = Callable[[int], int]
"""Draws so many random bits, from a source that nobody can foretell."""

CD = 0x0010
OPCODE, RCODE = 0x7800, 0x000F
DNSSEC_OK = 0x8000

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_OPT = struct.Struct("!BHHIH")
_CASE_BIT = bytes(0x20 if chr(octet).isalpha() and octet < 128 else 0 for octet in range(256))


class Asked(NamedTuple):
    """What is asked: the name in lower case on the wire, and all that can change its answer."""

    name: bytes
    rtype: int
    rclass: int
    dnssec_ok: bool
    checking_disabled: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """One message to an upstream. `question` is that section's octets, in the case it was sent."""

    id: int
    question: bytes
    edns: bool
    mixed: bool
    message: bytes


class Match(Enum):
    """How a message fits what was sent: not at all, but for its case, without a question, or
    as a reply.
    """

    NOT = auto()
    OTHER_CASE = auto()
    BARE = auto()
    REPLY = auto()


def write(asked: Asked, random_bits: RandomBits, *, edns: bool, mixed: bool) -> Sent:
    """Write the question with an id of its own, its name in a case of its own if `mixed`."""
    name = _mix(asked.name, random_bits) if mixed else asked.name
    question = name + _TYPE_CLASS.pack(asked.rtype, asked.rclass)
    message_id = random_bits(16)
    flags = RD | (CD if asked.checking_disabled else 0)
    message = _HEADER.pack(message_id, flags, 1, 0, 0, 1 if edns else 0) + question
    if edns:
        ttl = DNSSEC_OK if asked.dnssec_ok else 0
        message += _OPT.pack(0, OPT, EDNS_UDP_OCTETS, ttl, 0)
    return Sent(message_id, question, edns, name != asked.name, message)


def match(message: bytes, sent: Sent) -> Match:
    """Tell whether a message answers what was sent. Total, and quick for what does not."""
    if len(message) < HEADER_OCTETS:
        return Match.NOT
    message_id, flags, questions, *records = _HEADER.unpack_from(message)
    if message_id != sent.id or not flags & QR or flags & OPCODE:
        return Match.NOT
    if questions == 0:
        # Servers from before EDNS turn a message away by its header alone (RFC 6891, 7).
        bare = len(message) == HEADER_OCTETS and not any(records)
        return Match.BARE if bare and flags & RCODE in (Rcode.FORMERR, Rcode.NOTIMP) else Match.NOT
    question = message[HEADER_OCTETS : HEADER_OCTETS + len(sent.question)]
    if questions != 1 or question[-4:] != sent.question[-4:]:
        return Match.NOT
    if question == sent.question:
        return Match.REPLY
    return Match.OTHER_CASE if question.lower() == sent.question.lower() else Match.NOT


def _mix(name: bytes, random_bits: RandomBits) -> bytes:
    """Turn the case of each letter or not (draft-vixie-dnsext-dns0x20).

    Length octets are below the letters, so that every octet can be treated alike.
    """
    size = len(name)
    turned = random_bits(8 * size) & int.from_bytes(name.translate(_CASE_BIT))
    return (int.from_bytes(name) ^ turned).to_bytes(size)
