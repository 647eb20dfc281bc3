"""The worker process: `python -m dnsregistry.servers.workers.process CONTROL SOCKET…`.

Its arguments are descriptors that it inherits: its end of the stream to the main process, and a
UDP socket for each address. It ends when that stream does.
"""

import asyncio
import gc
import json
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, cast

from dnsregistry.garbage import Sweeper
from dnsregistry.log.form import LogFormat
from dnsregistry.servers.batch import Batch
from dnsregistry.servers.intake import Single
from dnsregistry.servers.querylog import QueryLog
from dnsregistry.servers.scatter import is_available
from dnsregistry.servers.udp import UdpServer
from dnsregistry.servers.workers.frames import Fields, Kind, Reader, pack
from dnsregistry.servers.workers.precedence import ask_for_precedence
from dnsregistry.servers.workers.replica import Configuration, Replica

if TYPE_CHECKING:
    from dnsregistry.log.configure import Log

MOST_UNREAD = 1 << 20
"""Octets written that the main process has not read, until nothing more is asked of it."""
COUNT_SECONDS = 1.0
"""Between two tellings of what was counted."""
MOST_HEARD = 1 << 14
"""Octets that are read at once: two or three of the longest answers."""
MOST_HELD = 1 << 18
"""Octets that were read and not looked at: a few thousandths of a second's work."""
TURN_SECONDS = 0.00002
"""Of listening to the main process, while questions wait: an answer that it has made anew takes
longer, so that there is one a turn."""
SWEEP_SECONDS = 0.001
"""From what was told to a look through what it brought, each of a tenth of a millisecond. One look
is enough: hardly anything here comes in a ring."""
RESTING_COLLECTIONS = 50_000
"""Objects between two garbage collections: entries are freed by themselves, and never in a ring."""


class Process(asyncio.BufferedProtocol):
    """The worker's end of the stream; serves once it has heard what there is."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets
        self._buffer = bytearray(MOST_HEARD)
        self._reader = Reader()
        self._frames: Iterator[tuple[Kind, Fields]] = iter(())
        self._working: asyncio.Handle | None = None
        self._replica: Replica | None = None
        self._servers: list[UdpServer] = []
        self._sweeper = Sweeper(SWEEP_SECONDS, rounds=1)
        self._log: Log | None = None
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Tell that it is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(MOST_UNREAD)
        self._transport.write(pack(Kind.READY))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Where the next piece of what was told is put."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take in what was told, a bounded part of each turn of the loop."""
        self._frames = self._reader.feed(self._buffer[:nbytes])
        if self._reader.held > MOST_HELD:
            # What is behind it stays in the stream, where the main process sees it.
            self._transport.pause_reading()
        if self._working is None:
            self._take_turn()

    def _take_turn(self) -> None:
        self._working = None
        until = perf_counter() + TURN_SECONDS
        for kind, fields in self._frames:
            self._hear(kind, fields)
            if perf_counter() >= until:
                self._working = asyncio.get_running_loop().call_soon(self._take_turn)
                return
        if not self._transport.is_reading():
            self._transport.resume_reading()

    def pause_writing(self) -> None:
        """The main process does not read, or not as fast as is written."""
        if self._replica is not None:
            self._replica.is_heard = False

    def resume_writing(self) -> None:
        """It has read."""
        if self._replica is not None:
            self._replica.is_heard = True

    def connection_lost(self, error: Exception | None) -> None:
        """End: without the main process nothing here is known to be true."""
        for server in self._servers:
            server.stop()
        if self._log is not None:
            self._log.close()
        if not self.ended.done():
            self.ended.set_result(None)

    def _hear(self, kind: Kind, fields: Fields) -> None:
        if self._replica is None:
            configuration = Configuration(**json.loads(fields[0]))
            ask_for_precedence(goes_first=configuration.goes_first)
            self._replica = Replica(configuration, time.monotonic, self._transport.write)
            self._open_log(configuration)
            return
        self._replica.hear(kind, fields)
        self._sweeper.note()
        if kind is Kind.SYNC and not self._servers:
            self._serve(self._replica)

    def _open_log(self, configuration: Configuration) -> None:
        """Lines of this process's own, on the standard error that it shares; only where asked."""
        if not configuration.query_sample or self._replica is None:
            return
        # Some megabytes, which a worker that logs nothing goes without.
        from dnsregistry.log.configure import configure

        self._log = configure(LogFormat(configuration.log_format))
        self._replica.queries = QueryLog(self._log.emit, configuration.query_sample)

    def _serve(self, replica: Replica) -> None:
        for sock in self._sockets:
            intake = Batch(sock, replica, replica.queries) if is_available() else Single(sock)
            server = UdpServer(sock, replica, intake)
            server.start()
            self._servers.append(server)
        self._count(replica)

    def _count(self, replica: Replica) -> None:
        if not self.ended.done():
            replica.count(0 if self._log is None else self._log.writer.dropped)
            asyncio.get_running_loop().call_later(COUNT_SECONDS, self._count, replica)


async def serve(control: socket.socket, sockets: Sequence[socket.socket]) -> None:
    """Serve until the stream ends."""
    loop = asyncio.get_running_loop()
    _, process = await loop.create_unix_connection(lambda: Process(sockets), sock=control)
    await process.ended


def main() -> None:
    """Run with the descriptors that the arguments name."""
    # What ends the main process ends the stream. A keyboard's interrupt comes to both, and so does
    # what a service manager sends, or a terminal that is closed: a worker that went first would be
    # started anew.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.set_threshold(RESTING_COLLECTIONS)
    control, *sockets = [socket.socket(fileno=int(number)) for number in sys.argv[1:]]
    for sock in (control, *sockets):
        sock.setblocking(False)
    asyncio.run(serve(control, sockets))


if __name__ == "__main__":
    main()
