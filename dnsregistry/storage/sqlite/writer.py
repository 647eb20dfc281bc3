"""The thread that does what waits for the disk, one thing after another."""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")

_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]


class Writer:
    """Runs what it is given in a thread of its own; the thread ends with `stop`.

    Much less stands between the loop and the thread than in an executor: a hand-over costs a
    fifth of one there.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def call(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        """Have the thread do it; what it returns or raises is in the future."""
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put((work, future))
        return future

    def stop(self) -> None:
        """Let it finish what it was given, and wait for its end."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            work, future = item
            try:
                result, error = work(), None
            except BaseException as raised:  # noqa: BLE001 - it is the asker's
                result, error = None, raised
            try:
                self._loop.call_soon_threadsafe(_resolve, future, result, error)
            except RuntimeError:  # the loop has ended, and with it who asked
                return


def _resolve(future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
