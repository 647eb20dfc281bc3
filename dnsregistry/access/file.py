"""The tokens file, followed: what it says counts within a second, and a broken one changes nothing.

A file that is gone is broken too: whoever wants no tokens left leaves it empty.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from dnsregistry.access.entries import Entry, TokensFault, parse_entries, read_file

POLL_SECONDS = 1.0

log = structlog.get_logger("dnsregistry.access")
_Stamp = tuple[int, int, int] | None


class TokensFile:
    """One file. `problem` tells why it is not followed at the moment; None while it is."""

    def __init__(self, path: Path, poll: float = POLL_SECONDS) -> None:
        self.problem: str | None = None
        self._path = path
        self._poll = poll
        self._stamp: _Stamp = None

    def load(self) -> Sequence[Entry]:
        """Read it. Raises TokensFault."""
        self._stamp = self._look()
        return parse_entries(read_file(self._path), self._path)

    async def follow(self, apply: Callable[[Sequence[Entry]], None]) -> None:
        """Read it again when it changes, until cancelled."""
        while True:
            await asyncio.sleep(self._poll)
            stamp = await asyncio.to_thread(self._look)
            if stamp == self._stamp:
                continue
            try:
                entries = await asyncio.to_thread(self.load)
            except TokensFault as fault:
                self._stamp = stamp
                self._complain(str(fault))
                continue
            apply(entries)
            self.problem = None
            log.info("tokens reloaded", file=str(self._path), tokens=len(entries))

    def _complain(self, text: str) -> None:
        if text != self.problem:
            self.problem = text
            log.error("tokens not reloaded; those of before count", reason=text)

    def _look(self) -> _Stamp:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
