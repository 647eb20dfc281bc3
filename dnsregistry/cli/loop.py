"""The event loop that the program runs in: uvloop where it is installed, else Python's own."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoopKind:
    """A kind of event loop by its name, and what makes one."""

    name: str
    make: Callable[[], asyncio.AbstractEventLoop]


def choose_loop() -> LoopKind:
    """The fastest one that there is.

    An HTTP request takes a fifth less of the CPU with uvloop. DNS over UDP takes as much with
    either: it reads and writes its socket itself, whenever the loop says that it may.
    """
    try:
        import uvloop
    except ImportError:  # the extra `speed`
        return LoopKind("asyncio", asyncio.new_event_loop)
    return LoopKind("uvloop", uvloop.new_event_loop)
