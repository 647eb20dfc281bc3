"""The orders in which a kept answer's records take turns.

Rules:
- Each record stands first as often as its weight says, among those of the lowest priority: as
  exactly as so many variants can say it. Behind the first, the order is drawn.
- A record is moved as octets: a pointer to the question, numbers, and data without pointers.
"""

import struct
from collections.abc import Sequence
from math import gcd

from dnsregistry.answers.order import Chance, draw, is_alike
from dnsregistry.zone.rrset import Preference, RRset

MOST_VARIANTS = 24
"""Of one answer: enough for weights like 3:1:2 to come out exactly, or nearly so."""

_LENGTH = struct.Struct("!H")
_POINTER_TO_DATA = 10
"""Octets of a record from its owner, a pointer, to the length of its data."""


def make_variants(
    reply: bytes, start: int, rrset: RRset | None, chance: Chance
) -> tuple[list[bytes], bytes]:
    """Return the records behind the question in as many orders as there are, and the rest.

    The question ends at `start`. `rrset` is the one RRset of the answer section in the order of
    the reply; without one there is one variant.
    """
    tail = reply[start:]
    if rrset is None or len(rrset.rdatas) < 2 or not rrset.preferences:
        return [b""], tail
    records, end = _split(tail, len(rrset.rdatas))
    orders = _arrange(rrset.preferences, chance)
    return [b"".join([records[place] for place in order]) for order in orders], tail[end:]


def _split(tail: bytes, count: int) -> tuple[list[bytes], int]:
    records = []
    position = 0
    for _ in range(count):
        (octets,) = _LENGTH.unpack_from(tail, position + _POINTER_TO_DATA)
        end = position + _POINTER_TO_DATA + _LENGTH.size + octets
        records.append(tail[position:end])
        position = end
    return records, position


def _arrange(preferences: Sequence[Preference], chance: Chance) -> list[list[int]]:
    """Orders of the places, mixed, so that turns are fair over a short while too."""
    if is_alike(preferences):
        return _arrange_alike(len(preferences), chance)
    places = range(len(preferences))
    orders = []
    for first in _share_first(preferences):
        rest = [place for place in places if place != first]
        rest.sort(key=lambda place: draw(preferences[place], chance()))
        orders.append([first, *rest])
    orders.sort(key=lambda _: chance())
    return orders


def _arrange_alike(count: int, chance: Chance) -> list[list[int]]:
    """The same for records of one preference: from one drawn order, cut anew behind each first."""
    drawn = sorted(range(count), key=lambda _: chance())
    orders = []
    for place in range(count):
        rest = drawn[:place] + drawn[place + 1 :]
        cut = int(chance() * len(rest))
        orders.append([drawn[place], *rest[cut:], *rest[:cut]])
    return orders


def _share_first(preferences: Sequence[Preference]) -> list[int]:
    """The places that stand first, one a variant, in proportion to the weights."""
    best = min(preference.priority for preference in preferences)
    weights = {
        place: preference.weight
        for place, preference in enumerate(preferences)
        if preference.priority == best
    }
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1)
    total = sum(weights.values())
    variants = total // gcd(*weights.values())
    if variants > MOST_VARIANTS:
        variants = max(MOST_VARIANTS, sum(1 for weight in weights.values() if weight))
    shares = {place: weight * variants / total for place, weight in weights.items()}
    counts = {place: int(share) for place, share in shares.items()}
    by_rest = sorted(shares, key=lambda place: counts[place] - shares[place])
    for place in by_rest[: variants - sum(counts.values())]:
        counts[place] += 1
    return [place for place, count in counts.items() for _ in range(count)]
