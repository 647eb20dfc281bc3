"""An event loop in a thread of its own, for programs that have none."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Loop(asyncio.SelectorEventLoop):
    """Counts as closed in a forked child, and says nothing there.

    The child shares the connections with the parent, and what the system watches of them. What is
    dropped there would else be closed, and with it the parent's.
    """

    def __init__(self) -> None:
        self._process = os.getpid()
        super().__init__()

    def is_closed(self) -> bool:
        return super().is_closed() or self._process != os.getpid()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.is_closed():
            super().call_exception_handler(context)


class LoopThread:
    """Runs coroutines in a background thread, which starts with the first of them.

    A forked child has the object but not the thread; there it counts as ended.
    """

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the thread lives, in this process."""
        return self._loop is not None and not self._loop.is_closed()

    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, which runs. Raises RuntimeError in a forked child, where it does not."""
        # Several threads may come with the first coroutine at once.
        with self._starting:
            if self._loop is None:
                return self._start()
            if self._loop.is_closed():
                raise RuntimeError("it was used before the fork; make another one in the child")
            return self._loop

    def run(self, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What the coroutine returns or raises. Not to be called in an event loop's thread.

        Raises concurrent.futures.CancelledError where another thread stops this one meanwhile.
        """
        future = asyncio.run_coroutine_threadsafe(_call(make), self.loop())
        try:
            return future.result()
        except BaseException:
            # An interrupt of the caller's ends what it waited for.
            future.cancel()
            raise

    def dismiss(self, make: Callable[[], Coroutine[Any, Any, T]]) -> None:
        """Have the coroutine run, without waiting for it; that may be asked for in any thread."""
        asyncio.run_coroutine_threadsafe(_call(make), self.loop())

    def stop(self) -> None:
        """End the thread and its loop."""
        if not self.is_running or self._loop is None or self._thread is None:
            return
        loop, self._loop = self._loop, None
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join()

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = _Loop()
        self._thread = threading.Thread(
            target=_run, args=(loop,), name="dnsregistry client", daemon=True
        )
        self._thread.start()
        self._loop = loop
        return loop


async def _call(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return await make()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        # Whoever waits in another thread for one of them would else wait for ever.
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
