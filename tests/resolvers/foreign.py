"""A program that runs beside the test and says nothing when it is ready."""

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tests.program import PATIENCE

T = TypeVar("T")
PAUSE = 0.02
"""Seconds between two looks at a program that tells of no event."""
ENDING = 5.0
"""Seconds a program has to end in by itself."""


class Foreign:
    """A running program and what it has said."""

    def __init__(self, process: Process, output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    async def until(self, look: Callable[[], Awaitable[T | None]], limit: float = PATIENCE) -> T:
        """The first thing seen that is not None or false; looks again and again meanwhile.

        Raises AssertionError with what the program said, where the limit passes or it ends.
        """
        deadline = time.monotonic() + limit
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    seen = await look()
            except (ConnectionError, FileNotFoundError):
                seen = None
            if seen is not None and seen is not False:
                return seen
            ended = self.process.returncode
            assert ended is None, f"it ended with {ended}: {self.output[-4000:]}"
            assert time.monotonic() < deadline, f"not within {limit} s: {self.output[-4000:]}"
            await asyncio.sleep(PAUSE)

    async def stop(self) -> None:
        """End it by its own handle, and wait for that."""
        if self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(ENDING):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
