"""How late the event loop is: what everything that it serves has to wait for."""

import asyncio

from dnsregistry.histogram import Histogram

PERIOD = 0.25
"""Seconds between two looks: a stall is seen soon, and looking costs nothing."""


class LoopLag:
    """`times` are seconds by which the loop came back later than was asked."""

    def __init__(self) -> None:
        self.times = Histogram()

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + PERIOD
            await asyncio.sleep(PERIOD)
            self.times.note(max(0.0, loop.time() - due))
