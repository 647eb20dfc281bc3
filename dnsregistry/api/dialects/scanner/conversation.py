"""A connection that speaks JSON: queries one after another, each answered with a line.

Rules:
- A whole JSON object is a query, whether a newline, another query, an end or nothing follows it.
- The next query is read once the one before is answered and the client takes its answers.
- A query has `PATIENCE` seconds to come whole, counted from the last answer and not from the
  last octet. One that breaks off with a newline gets no more than `AFTER_LINE`.
- After an answer the connection is closed when no query follows within `AFTER_ANSWER`, because
  clients may read to its end.
- What is no query gets an error, and the connection is closed: nobody can tell where the next
  one would begin.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

from dnsregistry.api.dialects.entrance import PATIENCE
from dnsregistry.api.dialects.room import Room
from dnsregistry.api.problems import BODY_TOO_LARGE, BODY_TOO_SLOW, INVALID_JSON, Problem
from dnsregistry.jsonframe import NotAnObject, ObjectStream, ObjectTooLong

AFTER_ANSWER = 1.0
"""Seconds, well below the five that the document's clients wait for an answer's end."""
AFTER_LINE = 2.0
"""Seconds for the rest of a query that goes over several lines."""
MOST_OCTETS = 64 * 1024
"""Of one query: its longest member is an id of 63."""

Answer = Callable[[bytes], Awaitable[bytes]]
"""Answers a query; raises nothing."""
Refuse = Callable[[Problem], bytes]
"""Writes an error."""


class Conversation(asyncio.Protocol):
    """One connection, from its first query on."""

    def __init__(self, answer: Answer, refuse: Refuse, room: Room) -> None:
        self._answer = answer
        self._refuse = refuse
        self._room = room
        self._loop = asyncio.get_running_loop()
        self._stream = ObjectStream(MOST_OCTETS)
        self._writable = True
        self._ended = False
        self._answered = False
        self._last = b""
        self._answering: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a query."""
        self._transport = cast("asyncio.Transport", transport)
        self._since = self._loop.time()
        self._room.enter(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Take octets in; answer the query that they complete."""
        self._stream.feed(data)
        self._last = data[-1:]
        self._work()

    def eof_received(self) -> bool:
        """Keep the sending half open until what was asked is answered."""
        self._ended = True
        self._work()
        return True

    def pause_writing(self) -> None:
        """Answer no more while the client does not take its answers, and not for long."""
        self._writable = False
        self._set_timer(self._loop.time() + PATIENCE, self.abort)

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self._work()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection, with what was begun for it."""
        self._stop_timer()
        if self._answering is None:
            self._room.leave(self)
        else:
            self._answering.add_done_callback(lambda _: self._room.leave(self))
            self._answering.cancel()

    def abort(self) -> None:
        """Cut it."""
        self._transport.abort()

    def _work(self) -> None:
        if self._answering is not None or not self._writable or self._transport.is_closing():
            return
        try:
            query = self._stream.take()
        except NotAnObject:
            self._refuse_rest(Problem(INVALID_JSON, "a query is a JSON object: it begins with {"))
        except ObjectTooLong as error:
            self._refuse_rest(Problem(BODY_TOO_LARGE, str(error)))
        else:
            if query is not None:
                self._stop_timer()
                self._room.serve(self)
                self._transport.pause_reading()
                self._answering = self._loop.create_task(self._answer_one(query))
            elif not self._ended:
                self._wait()
            elif self._stream.rest:
                self._refuse_rest(Problem(INVALID_JSON, "the query breaks off"))
            else:
                self._close()

    async def _answer_one(self, query: bytes) -> None:
        answer = await self._answer(query)
        self._answering = None
        self._answered = True
        if self._transport.is_closing():
            return
        self._since = self._loop.time()
        self._transport.write(answer)
        self._transport.resume_reading()
        self._work()

    def _wait(self) -> None:
        """Wait for octets; what has waited longest makes room for others."""
        self._room.wait(self)
        due = self._since + PATIENCE
        if self._stream.rest and self._last == b"\n":
            due = min(due, self._loop.time() + AFTER_LINE)
        elif self._answered and not self._stream.rest:
            due = self._since + AFTER_ANSWER
        self._set_timer(due, self._give_up)

    def _give_up(self) -> None:
        if self._stream.rest:
            self._refuse_rest(Problem(BODY_TOO_SLOW, "the query did not come whole in time"))
        else:
            self._close()

    def _refuse_rest(self, problem: Problem) -> None:
        self._transport.write(self._refuse(problem))
        self._close()

    def _close(self) -> None:
        """Close once the client has taken its answers, or does not."""
        self._room.serve(self)
        self._transport.close()
        self._set_timer(self._loop.time() + PATIENCE, self.abort)

    def _set_timer(self, due: float, then: Callable[[], None]) -> None:
        self._stop_timer()
        self._timer = self._loop.call_at(due, then)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
