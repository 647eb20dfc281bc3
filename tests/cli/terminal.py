"""A terminal with a program in it: what stands on its screen, its size, its keys."""

import asyncio
import fcntl
import os
import pty
import re
import struct
import termios
from asyncio.subprocess import Process

from tests.program import PATIENCE

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
_MARK = "<end>"
HOME = "\x1b[H"
"""With which a drawing over the whole screen begins."""
ENTER, LEAVE = "\x1b[?1049h", "\x1b[?1049l"
"""The second screen, which leaves the first as it was."""


class Terminal:
    """A pseudo-terminal of so many lines and columns."""

    def __init__(self, lines: int = 30, columns: int = 120) -> None:
        self._leader, self.follower = pty.openpty()
        os.set_blocking(self._leader, False)
        self.resize(lines, columns)
        self.before = termios.tcgetattr(self.follower)
        self.seen = ""
        self.process: Process
        self._came = asyncio.Event()
        asyncio.get_running_loop().add_reader(self._leader, self._read)

    async def start(self, *command: str, **variables: str) -> None:
        """Run the program with the terminal as its own: its keys are signals to it."""
        self.process = await asyncio.create_subprocess_exec(
            *command,
            stdin=self.follower,
            stdout=self.follower,
            stderr=self.follower,
            env={**os.environ, "TERM": "xterm-256color", **variables},
            preexec_fn=self._take,
        )

    @property
    def screen(self) -> str:
        """The last drawing, without colours."""
        return _ESCAPE.sub("", self.seen.rpartition(HOME)[2]).replace("\r", "")

    @property
    def text(self) -> str:
        """All that was ever written, without colours."""
        return _ESCAPE.sub("", self.seen).replace("\r", "")

    async def see(self, *patterns: str) -> str:
        """The first screen on which all of them are; of it more may be to come."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not all(re.search(each, self.screen) for each in patterns):
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            raise AssertionError(f"{patterns} not seen in:\n{self.screen}") from None
        return self.screen

    def press(self, keys: bytes) -> None:
        os.write(self._leader, keys)

    def resize(self, lines: int, columns: int) -> None:
        """The kernel tells the program in the foreground."""
        fcntl.ioctl(self._leader, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def is_as_before(self) -> bool:
        """Whether the terminal shows what is typed, as a shell wants it."""
        return termios.tcgetattr(self.follower) == self.before

    async def finish(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def read_all(self) -> str:
        """All that was written, colours too, once the program has ended."""
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()
            # What is written last is read last.
            os.write(self.follower, _MARK.encode())
            while not self.seen.endswith(_MARK):
                self._came.clear()
                await self._came.wait()
        return self.seen.removesuffix(_MARK)

    async def close(self) -> None:
        if hasattr(self, "process") and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        asyncio.get_running_loop().remove_reader(self._leader)
        os.close(self.follower)
        os.close(self._leader)

    def _take(self) -> None:
        os.setsid()
        fcntl.ioctl(self.follower, termios.TIOCSCTTY, 0)

    def _read(self) -> None:
        try:
            self.seen += os.read(self._leader, 65536).decode(errors="replace")
        except OSError:
            asyncio.get_running_loop().remove_reader(self._leader)
        self._came.set()
