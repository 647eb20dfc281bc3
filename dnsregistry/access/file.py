"""The tokens file, followed: what it says counts two looks later, and a broken one changes nothing.

Rules:
- What has changed is read once it has kept still from one look to the next: a file that is being
  written anew in its place is empty at first, and empty is a file without tokens.
- A file that is gone is broken too: whoever wants no tokens left leaves it empty.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog

from dnsregistry.access.entries import Entry, TokensFault, parse_entries, read_file

POLL_SECONDS = 0.5

log = structlog.get_logger("dnsregistry.access")
_Stamp = tuple[int, int, int] | None


class TokensFile:
    """One file. `problem` tells why it is not followed at the moment; None while it is."""

    def __init__(self, path: Path, poll: float = POLL_SECONDS) -> None:
        self.problem: str | None = None
        self._path = path
        self._poll = poll
        self._stamp: _Stamp = None
        self._seen: _Stamp = None

    def load(self) -> Sequence[Entry]:
        """Read it. Raises TokensFault."""
        self._stamp = self._look()
        return parse_entries(read_file(self._path), self._path)

    async def follow(self, apply: Callable[[Sequence[Entry]], None]) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._poll)
            await self.look(apply)

    async def look(self, apply: Callable[[Sequence[Entry]], None]) -> None:
        """Read the file where it has changed and kept still since the look before."""
        stamp = await asyncio.to_thread(self._look)
        seen, self._seen = self._seen, stamp
        if stamp == self._stamp or stamp != seen:
            return
        try:
            entries = await asyncio.to_thread(self.load)
        except TokensFault as fault:
            self._stamp = stamp
            self._complain(str(fault))
            return
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
