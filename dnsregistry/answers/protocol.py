"""The numbers of the protocol (RFC 1035, 4.1.1; RFC 6895)."""

from enum import IntEnum


class Opcode(IntEnum):
    """What a message is for."""

    QUERY = 0


class Rcode(IntEnum):
    """How an answer went. Above 15 the high bits travel in the OPT record (RFC 6891, 6.1.3)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    NOTAUTH = 9
    BADVERS = 16


class Ede(IntEnum):
    """Why an answer is what it is, for people (RFC 8914, 4)."""

    # None of the others; the text says it.
    OTHER = 0
    # What it names fails its checks, and is answered for a while none the less.
    STALE = 3
    NOT_READY = 14
    PROHIBITED = 18
    NOT_AUTHORITATIVE = 20
    NOT_SUPPORTED = 21


class RRClass(IntEnum):
    """The classes that are told apart."""

    IN = 1
    CH = 3


OPT = 41
TSIG = 250
IXFR = 251
AXFR = 252
ANY = 255
META_TYPES = range(128, 256)
"""QTYPEs that ask for something other than data (RFC 6895, 3.1)."""

HEADER_OCTETS = 12
QR, AA, TC, RD, RA = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080
CLASSIC_UDP_OCTETS = 512
"""The longest UDP message to a client that sent no OPT (RFC 1035, 4.2.1)."""
EDNS_UDP_OCTETS = 1232
"""Ours over UDP: it fits one IPv6 packet of the least MTU, so none is fragmented (RFC 9715)."""
TCP_OCTETS = 65535
"""The longest message that a two-octet length can announce (RFC 1035, 4.2.2)."""
