"""ZeroMQ's side of the agents dialect: a ROUTER socket that connections are handed on to.

Rules:
- It listens on a socket file of the process's own: libzmq takes over no connection that somebody
  else has accepted, so their octets are carried there (`splice.py`).
- REQ clients get one answer each request; DEALER clients may have several on their way. The
  envelope, up to the empty frame where there is one, goes back as it came.
- A message has at most `MOST_OCTETS`, what is larger ends its connection; a handshake has
  `HANDSHAKE_SECONDS`. Nothing lingers: who has gone gets no answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import zmq
import zmq.asyncio

MOST_OCTETS = 16 * 1024 * 1024
"""More than any request that is taken, so that one that is too large is told so."""
HANDSHAKE_SECONDS = 10.0
AT_ONCE = 64
"""Requests that are answered at the same time; most wait for the store."""
WAITING = 100
"""Messages that wait on one connection, each way."""

Answer = Callable[[bytes], Awaitable[bytes]]
"""Answers a request; raises nothing."""

_log = logging.getLogger(__name__)


class Router:
    """Receives requests and sends answers, from the start to the stop."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._answering: set[asyncio.Task[None]] = set()
        self._receiving: asyncio.Task[None] | None = None
        self._open = ExitStack()

    async def start(self) -> str:
        """Listen; returns the path of the socket file."""
        folder = self._open.enter_context(TemporaryDirectory(prefix="dnsregistry-"))
        path = str(Path(folder, "agents"))
        context = zmq.asyncio.Context()
        self._open.callback(context.term)
        self._socket = context.socket(zmq.ROUTER)
        self._open.callback(self._socket.close, linger=0)
        for option, value in (
            (zmq.LINGER, 0),
            (zmq.MAXMSGSIZE, MOST_OCTETS),
            (zmq.HANDSHAKE_IVL, round(HANDSHAKE_SECONDS * 1000)),
            (zmq.RCVHWM, WAITING),
            (zmq.SNDHWM, WAITING),
            (zmq.BACKLOG, 1024),
            # A client that comes back under its own identity is not kept out by its last self.
            (zmq.ROUTER_HANDOVER, 1),
        ):
            self._socket.setsockopt(option, value)
        self._socket.bind(f"ipc://{path}")
        self._receiving = asyncio.create_task(self._receive(), name="agents")
        return path

    async def stop(self) -> None:
        """Receive no more, and close; what is being answered is given up."""
        tasks = [*self._answering]
        if self._receiving is not None:
            tasks.append(self._receiving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._open.close()

    async def _receive(self) -> None:
        free = asyncio.Semaphore(AT_ONCE)
        while True:
            await free.acquire()
            frames = await self._socket.recv_multipart()
            task = asyncio.create_task(self._answer_one(frames))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            task.add_done_callback(lambda _: free.release())

    async def _answer_one(self, frames: list[bytes]) -> None:
        envelope, parts = _open(frames)
        # Of several parts no document speaks; together they are at most a request cut in pieces.
        answer = await self._answer(b"".join(parts))
        try:
            await self._socket.send_multipart([*envelope, answer])
        except zmq.ZMQError as error:
            _log.debug("an answer was not sent: %s", error)


def _open(frames: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The envelope and the parts of the message: behind the empty frame, if there is one."""
    identity, *rest = frames
    if b"" in rest:
        end = rest.index(b"") + 1
        return [identity, *rest[:end]], rest[end:]
    return [identity], rest
