"""Rounds that take turns, so that a slow minute of the machine hurts all alike."""

from collections.abc import Callable, Mapping
from typing import TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


def alternate(
    rounds: int, measures: Mapping[Key, Callable[[int], Result]]
) -> dict[Key, list[Result]]:
    """Call each measure once a round, with the round's number, from 0; results by round.

    Each round begins with another one.
    """
    keys = list(measures)
    results: dict[Key, list[Result]] = {key: [] for key in keys}
    for number in range(rounds):
        turn = number % len(keys)
        for key in keys[turn:] + keys[:turn]:
            results[key].append(measures[key](number))
    return results
