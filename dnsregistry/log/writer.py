"""Lines on their way to a file descriptor: a thread writes them, so that nobody waits for it.

Rules:
- Whoever logs never waits: a terminal that is stopped and a pipe that nobody reads would
  hold up DNS otherwise.
- What waits is bounded, in lines and octets. One too many is dropped and counted; the next line
  that is written tells how many there were.
- The end waits `FLUSH_SECONDS` for the rest, and no longer.
"""

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable

MOST_LINES = 10_000
MOST_OCTETS = 4 << 20
"""Waiting at once: some seconds of a busy query log, and no burden to a small machine."""
MOST_AT_ONCE = 4096
"""Octets in one write: a pipe takes up to so many from one process unmixed with others'."""
FLUSH_SECONDS = 2.0

Tell = Callable[[int], str]
"""Writes the line that tells how many were dropped."""


class LogWriter:
    """Writes lines to a descriptor, in order. `dropped` counts those that had no room."""

    def __init__(self, descriptor: int, tell_dropped: Tell) -> None:
        self.dropped = 0
        self._descriptor = descriptor
        self._tell_dropped = tell_dropped
        self._told = 0
        self._lines: deque[bytes] = deque()
        self._octets = 0
        self._lock = threading.Lock()
        self._woken = threading.Condition(self._lock)
        self._idle = True
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Lines that wait."""
        return len(self._lines)

    def write(self, line: str) -> None:
        """Have a line written, without its end; dropped where too many wait."""
        octets = line.encode(errors="backslashreplace") + b"\n"
        with self._lock:
            if (
                self._closed
                or len(self._lines) >= MOST_LINES
                or self._octets + len(octets) > MOST_OCTETS
            ):
                self.dropped += 1
                return
            self._lines.append(octets)
            self._octets += len(octets)
            if self._idle:
                self._woken.notify()

    def flush(self, seconds: float = FLUSH_SECONDS) -> None:
        """Wait until all is written, for so long at most."""
        deadline = time.monotonic() + seconds
        with self._lock:
            while self._lines or not self._idle:
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                self._woken.wait(min(left, 0.05))

    def close(self) -> None:
        """Write what waits, as far as that can be done soon, and take nothing more."""
        self.flush()
        with self._lock:
            self._closed = True
            self._woken.notify_all()
        self._thread.join(0.1)

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._lines:
                    self._idle = True
                    if self._closed:
                        return
                    self._woken.wait()
                self._idle = False
                lines = self._take()
            if not self._put(b"".join(lines)):
                with self._lock:
                    self.dropped += len(lines)
            elif self._told < self.dropped:
                told, self._told = self._told, self.dropped
                self._put(self._tell_dropped(self._told - told).encode() + b"\n")

    def _take(self) -> list[bytes]:
        """Whole lines for one write; one that is longer goes alone."""
        taken = [self._lines.popleft()]
        octets = len(taken[0])
        while self._lines and octets + len(self._lines[0]) <= MOST_AT_ONCE:
            taken.append(self._lines.popleft())
            octets += len(taken[-1])
        self._octets -= octets
        return taken

    def _put(self, octets: bytes) -> bool:
        """Write octets, however long that takes; False where nobody will ever read them."""
        rest = memoryview(octets)
        while rest:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                # Someone else that has the same file made it non-blocking.
                select.select((), (self._descriptor,), ())
            except OSError:
                return False
        return True
