"""Tasks that run and end together."""

import asyncio
from collections.abc import Coroutine, Sequence

CANCEL_SECONDS = 0.1
"""What a task gets to end in before it is asked again."""


async def run_together(*works: Coroutine[None, None, None]) -> None:
    """Run all until one fails, and raise that."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await end_tasks(tasks)


async def end_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: redis-py loses a cancellation while it connects."""
    left = {task for task in tasks if not task.done()}
    cancelled: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=CANCEL_SECONDS)
        except asyncio.CancelledError as error:
            # Whoever asks again must not leave one of them behind.
            cancelled = error
        left = {task for task in left if not task.done()}
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled is not None:
        raise cancelled
