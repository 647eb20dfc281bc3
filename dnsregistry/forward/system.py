"""The machine's own name servers, as its resolv.conf tells them, and tells them anew."""

import os
from collections.abc import Callable
from pathlib import Path

from dnsregistry.forward.endpoint import Endpoint, parse_endpoint

RESOLV_CONF = Path("/etc/resolv.conf")
LOOK_SECONDS = 2.0
"""Between two looks at the file's date: a laptop that changes networks waits no longer."""
MOST_SERVERS = 8
"""The C libraries use three; a file that names more than this is no resolv.conf."""
MOST_OCTETS = 64 * 1024


class SystemServers:
    """The name servers of a resolv.conf, without those that `leave_out` says are ourselves.

    A file that cannot be read leaves the servers as they were.
    """

    def __init__(
        self, path: Path = RESOLV_CONF, leave_out: Callable[[Endpoint], bool] = lambda _: False
    ) -> None:
        self._path = path
        self._leave_out = leave_out
        self._endpoints: tuple[Endpoint, ...] = ()
        self._looked_at: float | None = None
        self._mark: tuple[int, int, int] | None = None

    def current(self, now: float) -> tuple[Endpoint, ...]:
        """The servers; looks at the file's date now and then, and at the file when that moved."""
        if self._looked_at is None or not 0 <= now - self._looked_at < LOOK_SECONDS:
            self._looked_at = now
            self._look()
        return self._endpoints

    def _look(self) -> None:
        try:
            status = os.stat(self._path)
            # The inode too: the file is mostly replaced by renaming another one over it.
            mark = (status.st_ino, status.st_mtime_ns, status.st_size)
            if mark == self._mark:
                return
            with self._path.open("rb") as file:
                text = file.read(MOST_OCTETS).decode("utf-8", "replace")
        except OSError:
            return
        self._mark = mark
        named = [server for server in parse_resolv_conf(text) if not self._leave_out(server)]
        self._endpoints = tuple(named)


def parse_resolv_conf(text: str) -> tuple[Endpoint, ...]:
    """Return the servers of `nameserver` lines in their order, each once; other lines say nothing.

    As in resolv.conf(5), a line whose address cannot be read is passed over.
    """
    found: dict[Endpoint, None] = {}
    for line in text.splitlines():
        words = line.split()
        # Brackets and ports are no part of resolv.conf: an address alone is taken.
        if len(words) < 2 or words[0] != "nameserver" or "]" in words[1]:
            continue
        try:
            endpoint = parse_endpoint(f"[{words[1]}]")
        except ValueError:
            continue
        found[endpoint] = None
    return tuple(found)[:MOST_SERVERS]
