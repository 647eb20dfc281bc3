"""Long work in slices of time, between which the event loop turns and DNS is answered."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from time import perf_counter
from typing import TypeVar

SLICE = 0.002
"""Seconds of work until the loop turns: what a DNS question may have to wait, as behind others."""

T = TypeVar("T")


async def take_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, letting the event loop turn whenever a slice of time is used up."""
    until = perf_counter() + SLICE
    for item in items:
        yield item
        if perf_counter() >= until:
            await asyncio.sleep(0)
            until = perf_counter() + SLICE


async def finish_in_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The same for work that is done whole or not at all: cancelled, it ends after the last item.

    Whoever takes the items waits for nothing else meanwhile.
    """
    cancelled: asyncio.CancelledError | None = None
    until = perf_counter() + SLICE
    for item in items:
        yield item
        if perf_counter() >= until:
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError as error:
                cancelled = error
            until = perf_counter() + SLICE
    if cancelled is not None:
        raise cancelled


def drain(items: list[T]) -> Iterator[T]:
    """The items, each let go of as it is handed out: freeing many at once is long work too."""
    items.reverse()
    while items:
        yield items.pop()
