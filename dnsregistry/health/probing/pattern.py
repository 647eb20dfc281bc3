"""Patterns that the body of an answer must hold: bounded in length, size, and the time they take.

A pattern can be written that takes longer than the world will last. It is looked for with a
clock, in a thread, and without holding up the interpreter. Another one takes more memory than
there is, or more stack: what must come several times is spelled out as often when a pattern is
compiled, so `(?:a|bb){1000000}` would end the process. It is measured first.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import regex

from dnsregistry.registry.check import Check, HttpProbe
from dnsregistry.registry.errors import InvalidField

SECONDS = 0.1
"""For 64 KiB: what takes longer backtracks without end."""
MOST_SPELLED_OUT = 5000
"""Elements of a compiled pattern: some hundredths of a second of compiling at worst."""

_REPEAT = re.compile(r"\+|\{([0-9]+)(?:,[0-9]*)?\}", re.ASCII)
_VERBOSE = re.compile(r"\(\?[A-Za-z0-9]*x")


class InvalidPattern(Exception):
    """A pattern is not taken; the text is the rule that it breaks."""


def search(pattern: str, body: bytes) -> bool:
    """Whether the body, read as UTF-8, holds the pattern. Raises TimeoutError, InvalidPattern."""
    text = body.decode("utf-8", "replace")
    return _compile(pattern).search(text, timeout=SECONDS, concurrent=True) is not None


def check_patterns(checks: Sequence[Check], field: str = "checks") -> None:
    """Refuse, with InvalidField, a pattern that is no regular expression."""
    for place, check in enumerate(checks):
        if isinstance(check.probe, HttpProbe) and check.probe.pattern is not None:
            try:
                _compile(check.probe.pattern)
            except InvalidPattern as error:
                raise InvalidField(f"{field}.{place}.body_pattern", str(error)) from None


@lru_cache(1024)
def _compile(pattern: str) -> Any:
    # Digits and parentheses could not be told from what stands between them.
    if _VERBOSE.search(pattern):
        raise InvalidPattern("must not have the flag x")
    if _measure(pattern) > MOST_SPELLED_OUT:
        raise InvalidPattern(
            "repeats too much: with every repetition written out it may have more than"
            f" {MOST_SPELLED_OUT} elements"
        )
    try:
        return regex.compile(pattern, regex.VERSION0)
    except (regex.error, ValueError, RecursionError, OverflowError, MemoryError) as error:
        raise InvalidPattern(f"is no regular expression: {error}") from None


def _measure(pattern: str) -> int:
    """No fewer elements than a pattern has once what it repeats is spelled out.

    Whatever is in a group is there as often as all groups together are repeated, at most.
    """
    single, groups = len(pattern), 1
    for repeat in _REPEAT.finditer(pattern):
        # `+` is one and any number more.
        times = int(repeat[1] or 1) + 1
        if pattern[: repeat.start()].endswith(")"):
            groups *= times
        else:
            single += times
    return single * groups
