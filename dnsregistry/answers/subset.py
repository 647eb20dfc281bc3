"""Which records a client gets where not all can go: the same ones while nothing changes.

Rendezvous hashing: every record has a rank for each client, from its own data alone. Different
clients see different records, and one that comes or goes moves no other one in or out but
the last. A balancer that fills its slots from truncated answers then holds still.
Lower priorities come first, and the ranks follow the weights.
"""

from dataclasses import replace
from hashlib import blake2b

from dnsregistry.answers.order import draw
from dnsregistry.zone.rrset import Preference, RRset

_EVEN = Preference(0, 1)


def rank(rrset: RRset, client: str) -> RRset:
    """Return the RRset with its records in the client's order, the first to be had first."""
    preferences = rrset.preferences or (_EVEN,) * len(rrset.rdatas)
    ranked = sorted(
        range(len(rrset.rdatas)),
        key=lambda place: draw(preferences[place], _hash(client, str(rrset.rdatas[place]))),
    )
    return _pick(rrset, ranked)


def choose(rrset: RRset, most: int, client: str) -> RRset:
    """Return the RRset with the `most` records that are the client's."""
    if len(rrset.rdatas) <= most:
        return rrset
    ranked = rank(rrset, client)
    return _pick(ranked, list(range(most)))


def _pick(rrset: RRset, places: list[int]) -> RRset:
    preferences = rrset.preferences
    return replace(
        rrset,
        rdatas=tuple(rrset.rdatas[place] for place in places),
        preferences=tuple(preferences[place] for place in places) if preferences else (),
    )


def _hash(client: str, record: str) -> float:
    """A number from [0, 1) that is the same in every process."""
    digest = blake2b(record.encode(), digest_size=6, key=client.encode()[:64]).digest()
    return int.from_bytes(digest) / (1 << 48)
