"""The main process's end of the stream to one worker."""

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from time import perf_counter
from typing import Any, cast

from dnsregistry.answers.access import Client
from dnsregistry.answers.copies import Copy
from dnsregistry.answers.responder import Responder
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.udp import ORDERLY, TURN_SECONDS
from dnsregistry.servers.workers.demand import Wanted
from dnsregistry.servers.workers.frames import (
    MOST_ASKED,
    Fields,
    Kind,
    Reader,
    pack,
    pack_copy,
    read_number,
)
from dnsregistry.servers.workers.refill import export

MOST_UNREAD = 64 << 20
"""Octets told that a worker has not read; one that is further behind is stuck."""
MOST_HEARD = 1 << 16
"""Octets that are read at once: some hundreds of questions."""
GLANCE_SECONDS = 0.0005
"""Of answering between two requests over HTTP: about what one of them takes, so that a flood of
questions leaves them half of the time."""


class Link(asyncio.Protocol):
    """Tells one worker, and answers what it asks: a bounded part of each turn of the loop.

    `heard` is called for frames of other kinds, `told` for a copy that the worker was sent, with
    the question that it answers. `lost` is called once at the end.
    """

    def __init__(
        self,
        exchange: Exchange,
        responder: Responder,
        heard: Callable[["Link", Kind, Fields], None],
        told: Callable[[Copy, Wanted], None],
        lost: Callable[[], None],
        reached: asyncio.Event,
    ) -> None:
        self.has_come = self.is_ready = False
        self.table = (0, 0)
        """How many entries its table holds, and their octets."""
        self.lines_dropped = 0
        """Lines of its log that had no room."""
        self.reached = reached
        self.synced = 0
        """The number of the last SYNC that the worker has come to."""
        self._exchange = exchange
        self._responder = responder
        self._heard = heard
        self._told = told
        self._lost = lost
        self._reader = Reader()
        self._asked: deque[Fields] = deque(maxlen=MOST_ASKED)
        self._working: asyncio.Handle | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._ear: socket.socket | None = None
        """The stream once more, to read from without the loop."""

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Start a process that serves these sockets. Raises OSError."""
        loop = asyncio.get_running_loop()
        ours, theirs = socket.socketpair()
        with ExitStack() as opened:
            opened.enter_context(ours)
            with theirs:
                descriptors = [theirs.fileno(), *(sock.fileno() for sock in sockets)]
                await self._launch(descriptors)
            ear = opened.enter_context(ours.dup())
            await loop.create_unix_connection(lambda: self, sock=ours)
            self._ear = ear
            opened.pop_all()

    async def _launch(self, descriptors: Sequence[int]) -> None:
        command = [*_program(), *map(str, descriptors)]
        launching = asyncio.ensure_future(
            asyncio.to_thread(
                subprocess.Popen, command, pass_fds=descriptors, stdin=subprocess.DEVNULL
            )
        )
        try:
            self._process = await asyncio.shield(launching)
        except asyncio.CancelledError:
            # It is under way: only what has started can be ended, and until then the
            # descriptors that it is to inherit must stay what they are.
            with suppress(OSError):
                self._process = await launching
            raise

    async def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._working is not None:
            self._working.cancel()
        if self._transport is not None:
            self._transport.abort()
        if self._process is not None:
            self._process.kill()
            await asyncio.to_thread(self._process.wait)

    def tell(self, frames: bytes) -> None:
        """Tell the worker something; one that does not listen is given up."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(frames)
        if transport.get_write_buffer_size() > MOST_UNREAD:
            transport.abort()

    def listen(self) -> None:
        """Answer what has been asked by now, for a moment: the loop may be long in looking."""
        if self._ear is None:
            return
        # Whatever is wrong with the stream, or its end, is for the loop to find.
        with suppress(OSError):
            self._sort(self._ear.recv(MOST_HEARD, socket.MSG_DONTWAIT))
        if self._asked:
            self._answer_for(GLANCE_SECONDS)

    def give_up_unready(self) -> None:
        """Have done with a worker that has not become ready by now; `lost` follows."""
        if not self.has_come and self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the stream."""
        # No isinstance: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.WriteTransport", transport)

    def data_received(self, data: bytes) -> None:
        """Take in what was said, and answer."""
        self._sort(data)
        if self._asked and self._working is None:
            self._take_turn()

    def _sort(self, data: bytes) -> None:
        for kind, fields in self._reader.feed(data):
            if kind is Kind.ASK:
                self._asked.append(fields)
            elif kind is Kind.COUNTED:
                self._count(json.loads(fields[0]))
            elif kind is Kind.SYNCED:
                self.synced = read_number(fields[0])
                self._heard(self, kind, fields)
            else:
                self._heard(self, kind, fields)

    def connection_lost(self, error: Exception | None) -> None:
        """The worker is gone."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        self._asked.clear()
        self._lost()

    def _count(self, counted: Mapping[str, Any]) -> None:
        self._exchange.tally.add(counted)
        entries, octets = counted["table"]
        self.table = (entries, octets)
        self.lines_dropped = counted["lines_dropped"]

    def _take_turn(self) -> None:
        self._working = None
        self._answer_for(TURN_SECONDS)
        if self._asked:
            self._working = asyncio.get_running_loop().call_soon(self._take_turn)

    def _answer_for(self, seconds: float) -> None:
        until = perf_counter() + seconds
        asked = self._asked
        while asked:
            # As at a socket: in order while few wait, then the newest first.
            self._answer(*(asked.pop() if len(asked) > ORDERLY else asked.popleft()))
            if perf_counter() >= until:
                break

    def _answer(self, number: bytes, address: bytes, message: bytes, wanted: bytes) -> None:
        client = Client(address.decode(), tcp=False)
        reply = self._exchange.answer(message, client)
        if isinstance(reply, asyncio.Future):
            reply.add_done_callback(partial(self._answer_later, number, message, client))
            return
        if wanted == b"1":
            self._send_copy(message, client)
        self.tell(pack(Kind.REPLY, number, reply or b""))

    def _send_copy(self, message: bytes, client: Client) -> None:
        wanted = Wanted(message, client)
        copy = export(self._responder, wanted)
        if copy is not None:
            self._told(copy, wanted)
            self.tell(pack_copy(copy))

    def _answer_later(
        self, number: bytes, message: bytes, client: Client, reply: asyncio.Future[bytes]
    ) -> None:
        octets = self._exchange.take(reply, message, client)
        self.tell(pack(Kind.REPLY, number, octets or b""))


def _program() -> list[str]:
    """The worker's command, without the descriptors; raises OSError.

    It looks for modules in the working directory only where this process does too.
    """
    trusted = "" in sys.path or os.getcwd() in sys.path
    safely = [] if trusted else ["-P"]
    return [sys.executable, *safely, "-m", "dnsregistry.servers.workers.process"]
