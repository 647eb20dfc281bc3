"""SIGTERM, taken notice of before whoever owned the signal gets it.

Rules:
- The owner's handler (uvicorn's, gunicorn's, the default that ends the process) is not replaced:
  it gets the same signal once we are done, or at once when the signal comes a second time.
- In a forked child, which has the handler but not the loop, the owner gets the signal at once.
- A handler of an event loop (aiohttp's `run_app`) is left alone: it cannot be put off, and it ends
  in a shutdown in which the registration is left anyway.
"""

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

_LOOPS = ("asyncio.", "uvloop.")


class Termination:
    """Stands before the handler of SIGTERM. `begin` is called once, in the main thread, at once.

    Where it returns False, nothing can be begun, and the owner gets the signal.
    """

    def __init__(self, begin: Callable[[], bool]) -> None:
        self._begin = begin
        self._owner: Any = None
        self._installed = False
        self._process = 0
        self._begun = False
        self._passed = False

    @property
    def ends_process(self) -> bool:
        """Whether nobody else handles the signal, so that the process ends by it."""
        return self._owner is signal.SIG_DFL

    def install(self) -> bool:
        """Take the place; False where that cannot be, in another thread for one."""
        if threading.current_thread() is not threading.main_thread():
            return False
        owner = signal.getsignal(signal.SIGTERM)
        module = getattr(owner, "__module__", None) or ""
        # None is a handler that is not Python's, and cannot be called by us.
        if owner is None or owner is signal.SIG_IGN or module.startswith(_LOOPS):
            return False
        self._owner = owner
        signal.signal(signal.SIGTERM, self._handle)
        self._installed, self._process = True, os.getpid()
        return True

    def restore(self) -> None:
        """Leave the place to the owner; where others stand before us by now, let all pass."""
        self._begun = True
        if (
            self._installed
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) == self._handle
        ):
            signal.signal(signal.SIGTERM, self._owner)
            self._installed = False

    def pass_on(self) -> None:
        """Have the owner get the signal, in the main thread, from any thread; once at most."""
        main = threading.main_thread().ident
        if main is not None and not self._passed:
            signal.pthread_kill(main, signal.SIGTERM)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if not self._begun and self._process == os.getpid():
            self._begun = True
            if self._begin():
                return
        self._passed = True
        if callable(self._owner):
            self._owner(number, frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
