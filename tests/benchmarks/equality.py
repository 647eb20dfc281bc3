"""Whether two servers say the same, as an independent reader of DNS reads them."""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.ours import LOOPBACK

_ID_OCTETS = 2
_WAIT_SECONDS = 5.0
_COMPARED_FLAGS = dns.flags.AA | dns.flags.TC | dns.flags.RD
"""Not RA: whether recursion is there is no part of the answer."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a reply says, in no order."""

    rcode: str
    flags: str
    answer: frozenset[str]
    authority: frozenset[str]
    additional: frozenset[str]


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
            left, right = _read_less_id(mine.recv(65535)), _read_less_id(other.recv(65535))
            if left != right:
                raise BenchmarkError(_describe(query, left, right))
            count += 1
    return count


def read(wire: bytes) -> Content:
    """The content of a reply. A record that comes twice is an error, as is anything left over."""
    message = dns.message.from_wire(wire, one_rr_per_rrset=True)
    return Content(
        rcode=dns.rcode.to_text(message.rcode()),
        flags=dns.flags.to_text(message.flags & _COMPARED_FLAGS),
        answer=_records(message.answer),
        authority=_records(message.authority),
        additional=_records(message.additional),
    )


@lru_cache(maxsize=1 << 16)
def _read_remembered(message: bytes) -> Content:
    return read(message)


def _read_less_id(wire: bytes) -> Content:
    """The same as `read`: most replies came before, under another id."""
    return _read_remembered(bytes(_ID_OCTETS) + wire[_ID_OCTETS:])


def _records(section: Sequence[dns.rrset.RRset]) -> frozenset[str]:
    records = frozenset(rrset.to_text().lower() for rrset in section)
    if len(records) != len(section):
        raise BenchmarkError(f"a record twice in one section: {section}")
    return records


def _connect(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(_WAIT_SECONDS)
    sock.connect((LOOPBACK, port))
    return sock


def _describe(query: bytes, mine: Content, theirs: Content) -> str:
    [question] = dns.message.from_wire(query).question
    return f"the answers to {question} differ: ours {mine}, theirs {theirs}"
