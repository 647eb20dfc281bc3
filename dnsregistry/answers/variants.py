"""The orders in which a kept answer's records take turns.

Rules:
- Each record stands first as often as its weight says, among those of the lowest priority: exactly,
  where a round of `MOST_TURNS` turns can say it, else within one turn of a round, and on average.
- Behind the first, the order is drawn.
- A record is moved as octets: a pointer to the question, numbers, and data without pointers.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle, repeat
from math import gcd

from dnsregistry.answers.order import ZERO_WEIGHT, Chance, draw, is_alike
from dnsregistry.zone.rrset import Preference, RRset

MOST_VARIANTS = 24
"""Of one answer, or one a record: enough for weights like 3:1:2 to have one each turn."""
MOST_TURNS = 1000
"""Of a round, an octet each: enough for the turn of a weight of 0."""

_LENGTH = struct.Struct("!H")
_POINTER_TO_DATA = 10
"""Octets of a record from its owner, a pointer, to the length of its data."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Records in several orders, and what stands behind them.

    `turns` are places among the variants, those of one round; empty: each has one turn.
    """

    variants: Sequence[bytes]
    turns: bytes
    rest: bytes


def go_round(variants: Sequence[bytes], turns: bytes) -> Iterator[bytes]:
    """Give the variants in their turns, for ever."""
    if not turns:
        return cycle(variants)
    return map(variants.__getitem__, chain.from_iterable(repeat(turns)))


def make_variants(reply: bytes, start: int, rrset: RRset | None, chance: Chance) -> Parts:
    """Return the records behind the question in as many orders as there are, and the rest.

    The question ends at `start`. `rrset` is the one RRset of the answer section in the order of
    the reply; without one there is one variant. It fits a datagram.
    """
    tail = reply[start:]
    if rrset is None or len(rrset.rdatas) < 2 or not rrset.preferences:
        return Parts([b""], b"", tail)
    records, end = _split(tail, len(rrset.rdatas))
    orders, turns = _arrange(rrset.preferences, chance)
    variants = [b"".join([records[place] for place in order]) for order in orders]
    return Parts(variants, turns, tail[end:])


def _split(tail: bytes, count: int) -> tuple[list[bytes], int]:
    records = []
    position = 0
    for _ in range(count):
        (octets,) = _LENGTH.unpack_from(tail, position + _POINTER_TO_DATA)
        end = position + _POINTER_TO_DATA + _LENGTH.size + octets
        records.append(tail[position:end])
        position = end
    return records, position


def _arrange(preferences: Sequence[Preference], chance: Chance) -> tuple[list[list[int]], bytes]:
    """Orders of the places, and their turns: mixed, so as to be fair over a short while too."""
    if is_alike(preferences):
        return _arrange_alike(len(preferences), chance), b""
    places = range(len(preferences))
    orders: list[list[int]] = []
    turns: list[int] = []
    shares = _share_first(preferences, chance)
    round_length = sum(shares.values())
    for first, share in shares.items():
        if round_length > MOST_VARIANTS:
            variants = max(1, share * MOST_VARIANTS // round_length)
        else:
            variants = share
        turns += [len(orders) + turn % variants for turn in range(share)]
        for _ in range(variants):
            rest = [place for place in places if place != first]
            rest.sort(key=lambda place: draw(preferences[place], chance()))
            orders.append([first, *rest])
    turns.sort(key=lambda _: chance())
    if len(turns) == len(orders):
        return [orders[turn] for turn in turns], b""
    return orders, bytes(turns)


def _arrange_alike(count: int, chance: Chance) -> list[list[int]]:
    """The same for records of one preference: from one drawn order, cut anew behind each first."""
    drawn = sorted(range(count), key=lambda _: chance())
    orders = []
    for place in range(count):
        rest = drawn[:place] + drawn[place + 1 :]
        cut = int(chance() * len(rest))
        orders.append([drawn[place], *rest[cut:], *rest[:cut]])
    return orders


def _share_first(preferences: Sequence[Preference], chance: Chance) -> Mapping[int, int]:
    """How many turns of a round each place stands first that has any, by the weights."""
    best = min(preference.priority for preference in preferences)
    weights = {
        place: preference.weight
        for place, preference in enumerate(preferences)
        if preference.priority == best
    }
    if not any(weights.values()):
        return dict.fromkeys(weights, 1)
    common = gcd(*weights.values())
    if all(weights.values()) and sum(weights.values()) // common <= MOST_TURNS:
        return {place: weight // common for place, weight in weights.items()}
    return _draw_shares({place: weight or ZERO_WEIGHT for place, weight in weights.items()}, chance)


def _draw_shares(weights: Mapping[int, float], chance: Chance) -> Mapping[int, int]:
    """A whole round, in which each share is rounded up or down by one drawn number.

    So a place whose share is less than a turn has one in as many rounds as it should.
    """
    turn = sum(weights.values()) / MOST_TURNS
    shares: dict[int, int] = {}
    passed, taken = chance(), 0
    for place, weight in weights.items():
        passed += weight / turn
        if share := int(passed) - taken:
            shares[place] = share
            taken += share
    return shares
