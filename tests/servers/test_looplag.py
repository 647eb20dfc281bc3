"""How late the event loop is."""

import asyncio
import time

from dnsregistry.looplag import PERIOD, LoopLag
from tests.program import PATIENCE

STALL = 2 * PERIOD


async def test_what_holds_the_loop_up_is_told_with_its_length() -> None:
    lag = LoopLag()
    begun = time.monotonic()
    following = asyncio.create_task(lag.follow())
    await asyncio.sleep(0)
    time.sleep(PERIOD + STALL)  # noqa: ASYNC251
    async with asyncio.timeout(PATIENCE):
        while not lag.times.number:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)
    following.cancel()
    assert STALL - 0.01 <= lag.times.total <= time.monotonic() - begun - PERIOD + 0.01
