"""The order in which endpoints are tried (RFC 2782). Pure: chance comes in as an argument."""

from collections.abc import Callable, Iterable
from itertools import groupby
from math import log

from dnsregistry.client.values import Endpoint


def arrange(endpoints: Iterable[Endpoint], draw: Callable[[], float]) -> list[Endpoint]:
    """All of them, lowest priority first; within one, drawn by weight.

    An endpoint of weight 0 is taken before others only by the small chance that the RFC gives it:
    here that of weight 1/100.
    """
    arranged: list[Endpoint] = []
    ordered = sorted(endpoints, key=lambda endpoint: endpoint.priority)
    for _, group in groupby(ordered, key=lambda endpoint: endpoint.priority):
        # The smallest of exponential times, of rates that are the weights, comes first with
        # just the chance of its weight; so one sort draws the whole order.
        arranged += sorted(group, key=lambda endpoint: _wait(endpoint.weight, draw()))
    return arranged


def _wait(weight: int, chance: float) -> float:
    return -log(1.0 - chance) / (weight or 0.01)
