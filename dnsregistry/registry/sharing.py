"""Values that many instances have, held once.

What is read from JSON is a new object each time. A million instances have a few thousand
services, versions, ports and sets of tags among them, and neighbours in time have the same.
"""

from functools import lru_cache
from typing import TypeVar, cast

from dnsregistry.registry.names import LABEL_OCTETS

MOST_SHARED = 4096
"""Values remembered: those last met, as long as they are met."""
MOST_ITEMS = 8
"""Of a tuple that is remembered: with the length of a text, what bounds the memory to a few MB."""

T = TypeVar("T", bound=str | int | float | tuple[object, ...])


def share(value: T) -> T:
    """Return the value, as the object that was last returned for it where that is remembered."""
    if isinstance(value, str) and len(value) > LABEL_OCTETS:
        return value
    if isinstance(value, tuple) and len(value) > MOST_ITEMS:
        return value
    return cast("T", _remember(value))


@lru_cache(MOST_SHARED, typed=True)
def _remember(value: object) -> object:
    return value
