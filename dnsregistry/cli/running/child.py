"""A program and whatever it starts: one process group, begun, told of signals, and ended.

Rules:
- The program leads a process group of its own. Signals go to all of it, and what it leaves
  behind when it ends is ended as well: nothing serves that is not registered.
- Every child is reaped, whoever's it was: as process 1 of a container we inherit orphans.
- Where we hold the terminal it is handed to the program, so that it reads and Ctrl-C reaches it.
"""

import asyncio
import os
import signal
from collections.abc import Sequence

_POLL_SECONDS = 0.05
_TERMINAL = 0


class Child:
    """Started by `start`; `ended` is its exit code then, 128+n for a signal."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._loop = asyncio.get_running_loop()
        self._pid = 0
        self._has_terminal = False
        self.ended: asyncio.Future[int] = self._loop.create_future()

    def start(self) -> None:
        """Start the program. Raises OSError where it cannot be run."""
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)
        self._pid = os.posix_spawnp(
            self._command[0],
            list(self._command),
            os.environ,
            setpgroup=0,
            setsigmask=(),
            # Python ignores these, and what is ignored stays so in a new program.
            setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
        )
        self._has_terminal = _holds_terminal()
        if self._has_terminal:
            _hand_terminal(self._pid)
            # It may have been stopped for reading before the terminal was its own.
            self.send(signal.SIGCONT)

    def send(self, number: int) -> None:
        """Send a signal to the whole group, if there is anybody left."""
        try:
            os.killpg(self._pid, number)
        except (ProcessLookupError, PermissionError):
            """Nobody is left, or only who has become somebody else."""

    async def end(self, number: int, grace: float) -> bool:
        """Send a signal, and SIGKILL after `grace` seconds; whether that was needed."""
        self.send(number)
        done, _ = await asyncio.wait([self.ended], timeout=grace)
        if done:
            return False
        self.send(signal.SIGKILL)
        await asyncio.wait([self.ended])
        return True

    async def sweep(self, grace: float) -> None:
        """End what the program has left behind in its group."""
        deadline = self._loop.time() + grace
        while self._is_anybody_left():
            if self._loop.time() >= deadline:
                self.send(signal.SIGKILL)
                return
            await asyncio.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Take the terminal back."""
        self._loop.remove_signal_handler(signal.SIGCHLD)
        if self._has_terminal:
            _hand_terminal(os.getpgrp())

    def _is_anybody_left(self) -> bool:
        try:
            os.killpg(self._pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid != self._pid:
                continue
            if os.WIFSTOPPED(status):
                self._stop_along()
            elif not self.ended.done():
                # Before anybody waits: the number of the group is not given to others meanwhile.
                self.send(signal.SIGTERM)
                self.send(signal.SIGCONT)
                code = os.waitstatus_to_exitcode(status)
                self.ended.set_result(code if code >= 0 else 128 - code)

    def _stop_along(self) -> None:
        """Ctrl-Z: the shell that started us gets the terminal, until it has us go on."""
        if self._has_terminal:
            _hand_terminal(os.getpgrp())
            os.kill(os.getpid(), signal.SIGSTOP)
            if _holds_terminal():
                _hand_terminal(self._pid)
            self.send(signal.SIGCONT)


def _holds_terminal() -> bool:
    try:
        return os.tcgetpgrp(_TERMINAL) == os.getpgrp()
    except OSError:
        return False


def _hand_terminal(group: int) -> None:
    # Who is not in front any more would be stopped for saying who is.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTOU})
    try:
        os.tcsetpgrp(_TERMINAL, group)
    except OSError:
        """The terminal is gone, or the group is."""
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
