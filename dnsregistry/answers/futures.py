"""Futures of replies."""

import asyncio
from collections.abc import Callable


def map_future(
    future: asyncio.Future[bytes], change: Callable[[bytes], bytes]
) -> asyncio.Future[bytes]:
    """A future of the changed result; cancelling it cancels the first one."""
    changed: asyncio.Future[bytes] = future.get_loop().create_future()

    def pass_on(done: asyncio.Future[bytes]) -> None:
        if done.cancelled():
            changed.cancel()
        elif not changed.cancelled():
            try:
                changed.set_result(change(done.result()))
            except Exception as error:  # noqa: BLE001 - told to whoever waits, not swallowed
                changed.set_exception(error)

    def withdraw(done: asyncio.Future[bytes]) -> None:
        if done.cancelled():
            future.cancel()

    future.add_done_callback(pass_on)
    changed.add_done_callback(withdraw)
    return changed
