"""A thousand watchers in a process of its own: `python -m tests.benchmarks.watchers`.

Prints a line once all are open. At the first line on its standard input it reads on until every one
has come to the revision there, or a reset; then prints one line of JSON.
"""

import json
import os
import re
import select
import socket
import sys
import time

_NUMBER = re.compile(rb"\nid: (\d+)\nevent: (\w+)\n")
_READ = 1 << 18
_KEPT = 64
"""Octets kept of what was looked at: a place may come in two parts."""
_PATIENCE = 60.0


class Watcher:
    """One stream; what it was told is checked as it comes and not kept."""

    def __init__(self, port: int, since: int) -> None:
        self.last = since
        self.events = self.resets = self.faults = 0
        self._rest = b""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.sendall(b"GET /v1/watch?since=%d HTTP/1.1\r\nHost: benchmark\r\n\r\n" % since)
        head = self.socket.recv(4096)
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode(errors="replace"))
        self.socket.setblocking(False)

    def read(self) -> bool:
        """Take what has come; False at the end."""
        received = self.socket.recv(_READ)
        octets = self._rest + received
        end = 0
        last = self.last
        for match in _NUMBER.finditer(octets):
            revision = int(match[1])
            if match[2] == b"reset":
                self.resets += 1
            else:
                self.events += 1
                if revision != last + 1:
                    self.faults += 1
            last = revision
            end = match.end()
        self.last = last
        self._rest = octets[max(end, len(octets) - _KEPT) :]
        return bool(received)


def main(port: int, count: int, since: int) -> None:
    """Open them, read until the revision that is told, and tell what they saw."""
    watchers = [Watcher(port, since) for _ in range(count)]
    poll = select.epoll()
    by_number = {watcher.socket.fileno(): watcher for watcher in watchers}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    told = sys.stdin.fileno()
    poll.register(told, select.EPOLLIN)
    print("open", flush=True)
    target, until, closed = None, 0.0, 0
    while target is None or (
        time.monotonic() < until and any(watcher.last < target for watcher in by_number.values())
    ):
        for number, _ in poll.poll(0.1):
            if number == told:
                target = int(os.read(told, 100))
                until = time.monotonic() + _PATIENCE
                poll.unregister(told)
            elif not by_number[number].read():
                poll.unregister(number)
                closed += 1
    faults = sum(watcher.faults for watcher in watchers)
    behind = sum(watcher.last < target for watcher in watchers)
    events = [watcher.events for watcher in watchers]
    print(
        json.dumps(
            {
                "events": sum(events),
                "resets": sum(watcher.resets for watcher in watchers),
                "faults": faults,
                "behind": behind,
                "closed": closed,
            }
        )
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
