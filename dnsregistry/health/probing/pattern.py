"""Patterns that the body of an answer must hold: bounded in length, and in the time they take.

A pattern can be written that takes longer than the world will last. It is looked for with a
clock, in a thread, and without holding up the interpreter.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import regex

from dnsregistry.registry.check import Check, HttpProbe
from dnsregistry.registry.errors import InvalidField

SECONDS = 0.1
"""For 64 KiB: what takes longer backtracks without end."""


def search(pattern: str, body: bytes) -> bool:
    """Whether the body, read as UTF-8, holds the pattern. Raises TimeoutError."""
    text = body.decode("utf-8", "replace")
    return _compile(pattern).search(text, timeout=SECONDS, concurrent=True) is not None


def check_patterns(checks: Sequence[Check], field: str = "checks") -> None:
    """Refuse, with InvalidField, a pattern that is no regular expression."""
    for place, check in enumerate(checks):
        if isinstance(check.probe, HttpProbe) and check.probe.pattern is not None:
            try:
                _compile(check.probe.pattern)
            except (regex.error, RecursionError, OverflowError, MemoryError) as error:
                rule = f"is no regular expression: {error}"
                raise InvalidField(f"{field}.{place}.body_pattern", rule) from None


@lru_cache(1024)
def _compile(pattern: str) -> Any:
    return regex.compile(pattern, regex.VERSION0)
