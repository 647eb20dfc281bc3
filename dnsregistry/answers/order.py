"""Which record stands first: clients that take the first one are spread by weight.

Rules:
- Records of a lower priority come before those of a higher one.
- Among equals, each stands first in proportion to its weight: every record draws a waiting
  time at the rate of its weight, and the shortest goes first (Efraimidis and Spirakis, 2006).
- A weight of 0 has "a very small chance of being selected" (RFC 2782).
"""

import math
from collections.abc import Callable, Sequence

from dnsregistry.zone.rrset import Preference, RRset

Chance = Callable[[], float]
"""Draws a number from [0, 1), evenly."""

MOST_DRAWN = 256
"""Records that are drawn for one by one; more take turns as they stand in their priority."""
ZERO_WEIGHT = 0.001
"""Takes one turn in a thousand beside one record of weight 1."""


def order(rrset: RRset, chance: Chance) -> RRset:
    """Return the RRset with its records in an order drawn by priority and weight."""
    if len(rrset.rdatas) < 2 or not rrset.preferences:
        return rrset
    if len(rrset.rdatas) > MOST_DRAWN:
        start = int(chance() * len(rrset.rdatas))
        turned = (*range(start, len(rrset.rdatas)), *range(start))
        drawn = sorted(turned, key=lambda place: rrset.preferences[place].priority)
    elif is_alike(rrset.preferences):
        drawn = sorted(range(len(rrset.rdatas)), key=lambda _: chance())
    else:
        drawn = sorted(
            range(len(rrset.rdatas)),
            key=lambda place: draw(rrset.preferences[place], chance()),
        )
    rdatas, preferences = rrset.rdatas, rrset.preferences
    return RRset(
        rrset.owner,
        rrset.rtype,
        rrset.ttl,
        tuple([rdatas[place] for place in drawn]),
        tuple([preferences[place] for place in drawn]),
    )


def is_alike(preferences: Sequence[Preference]) -> bool:
    """Whether all records of a set want to stand in front as much: each order is as good then."""
    return preferences.count(preferences[0]) == len(preferences)


def draw(preference: Preference, number: float) -> tuple[int, float]:
    """What to sort records by, from a number of [0, 1) each."""
    return preference.priority, -math.log(1 - number) / (preference.weight or ZERO_WEIGHT)
