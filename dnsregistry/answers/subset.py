"""Which records a client gets where not all can go: the same ones while nothing changes.

Rendezvous hashing: every record has a rank for each client, from its own data alone. Different
clients see different records, and one that comes or goes moves no other one in or out but
the last. A balancer that fills its slots from truncated answers then holds still.
Lower priorities come first, and the ranks follow the weights.
"""

from collections.abc import Sequence
from dataclasses import replace
from heapq import nsmallest
from zlib import crc32

from dnsregistry.answers.order import draw
from dnsregistry.zone.rdata import AAAA, SRV, A, Rdata
from dnsregistry.zone.rrset import Preference, RRset

_EVEN = Preference(0, 1)
# Fibonacci hashing: a CRC alone is linear, so that all clients' orders would be of one kind.
_GOLDEN, _MASK = 0x9E3779B1, (1 << 32) - 1


def choose(rrset: RRset, most: int, client: str) -> RRset:
    """Return the RRset with the `most` records that are the client's, best ones first."""
    preferences = rrset.preferences or (_EVEN,) * len(rrset.rdatas)
    seed = crc32(client.encode())
    best = nsmallest(
        most,
        range(len(rrset.rdatas)),
        key=lambda place: draw(preferences[place], _hash(rrset.rdatas[place], seed)),
    )
    return _pick(rrset, best)


def take(rrset: RRset, most: int) -> RRset:
    """Return the RRset with its first records."""
    return _pick(rrset, range(min(most, len(rrset.rdatas))))


def _pick(rrset: RRset, places: Sequence[int]) -> RRset:
    preferences = rrset.preferences
    return replace(
        rrset,
        rdatas=tuple(rrset.rdatas[place] for place in places),
        preferences=tuple(preferences[place] for place in places) if preferences else (),
    )


def _hash(rdata: Rdata, seed: int) -> float:
    """A number from [0, 1) that is the same in every process."""
    return (crc32(_data(rdata), seed) * _GOLDEN & _MASK) / (1 << 32)


def _data(rdata: Rdata) -> bytes:
    match rdata:
        case A(address) | AAAA(address):
            return address.packed
        case SRV(_, _, port, target):
            return b"%d.%b" % (port, b".".join(target.labels[:2]))
    return str(rdata).encode()
