"""Messages of the tests: queries as octets, replies in presentation format."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset

HEADER_OCTETS = 12
LENGTH_OCTETS = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as dnspython reads it: the oracle knows nothing of our own code."""

    wire: bytes
    message: dns.message.Message

    @classmethod
    def of(cls, wire: bytes) -> "Reply":
        """Read it whole; octets left over are an error."""
        # An RRset for each record: what is sent twice must be seen twice.
        return cls(wire, dns.message.from_wire(wire, one_rr_per_rrset=True))

    @property
    def id(self) -> int:
        return self.message.id

    @property
    def rcode(self) -> str:
        return dns.rcode.to_text(self.message.rcode())

    @property
    def flags(self) -> str:
        return dns.flags.to_text(self.message.flags)

    @property
    def question(self) -> list[str]:
        return _lines(self.message.question)

    @property
    def answer(self) -> list[str]:
        return _lines(self.message.answer)

    @property
    def authority(self) -> list[str]:
        return _lines(self.message.authority)

    @property
    def additional(self) -> list[str]:
        return _lines(self.message.additional)

    @property
    def opts(self) -> int:
        """How many OPT records it has: what the header counts beside the other records."""
        return int.from_bytes(self.wire[10:12]) - len(self.message.additional)

    @property
    def rdatas(self) -> list[str]:
        """The answer's data without owner, TTL, class and type."""
        return [line.split(" ", 4)[4] for line in self.answer]


def make_query(
    name: str,
    rtype: str = "A",
    *,
    rclass: str = "IN",
    id: int | None = None,
    rd: bool = True,
    edns: int | None = None,
    version: int = 0,
    dnssec_ok: bool = False,
    options: Sequence[dns.edns.Option] = (),
) -> bytes:
    """A query in octets; `edns` is the UDP size of its OPT, None leaves the OPT out."""
    message = dns.message.make_query(
        name,
        rtype,
        rclass,
        use_edns=-1 if edns is None else version,
        payload=edns or 0,
        ednsflags=dns.flags.DO if dnssec_ok else 0,
        options=list(options) if edns is not None else None,
        id=random.randrange(1 << 16) if id is None else id,
        flags=dns.flags.RD if rd else 0,
    )
    return message.to_wire()


def with_length(message: bytes) -> bytes:
    """The message as it goes over TCP (RFC 1035, 4.2.2)."""
    return len(message).to_bytes(LENGTH_OCTETS) + message


def _lines(rrsets: Sequence[dns.rrset.RRset]) -> list[str]:
    return [line for rrset in rrsets for line in rrset.to_text().splitlines()]
