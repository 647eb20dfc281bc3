"""Sending: who is to be told what, in slices, so that DNS is answered meanwhile.

Rules:
- A stream's place in the history is all that it holds. Who is behind is tried again until it has
  come up, has lost its place and gets a reset, or has not read for too long and is cut.
- Streams at one place get the same octets: they are put together once.
- After a round there is a pause that grows with it. So what comes meanwhile goes out together, and
  any number of watchers takes a bounded share of the processor.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import chain
from time import perf_counter

from dnsregistry.api.watching.event import Event
from dnsregistry.api.watching.frames import Piece, write_place, write_reset
from dnsregistry.api.watching.history import History
from dnsregistry.api.watching.run import Run
from dnsregistry.api.watching.stream import Stream
from dnsregistry.api.watching.tally import WatchTally

PIECE = 32 * 1024
"""Octets that are put together, or a single event that is longer."""
SLICE = 0.001
"""Seconds of sending until the loop turns."""
RETRY_SECONDS = 0.05
"""Until those who were behind are tried again."""

Pieces = dict[tuple[Run, int], Piece]


class Sender:
    """The streams, by what they watch. `write` writes an event; `now` is the event loop's time."""

    def __init__(
        self,
        history: History,
        write: Callable[[Event], bytes],
        now: Callable[[], float],
        patience: float,
        tally: WatchTally,
    ) -> None:
        self._history = history
        self._write = write
        self._now = now
        self._patience = patience
        self._tally = tally
        self._streams: dict[str | None, dict[Stream, None]] = {}
        self._behind: dict[Stream, None] = {}

    @property
    def is_behind(self) -> bool:
        """Whether somebody is."""
        return bool(self._behind)

    def enter(self, stream: Stream) -> None:
        """Send to this one too; what it has missed already is sent with the next round."""
        stream.written_at = self._now()
        self._streams.setdefault(stream.service, {})[stream] = None
        self._behind[stream] = None
        self._tally.streams += 1

    def leave(self, stream: Stream) -> None:
        """Send to it no more."""
        streams = self._streams[stream.service]
        del streams[stream]
        if not streams:
            del self._streams[stream.service]
        self._behind.pop(stream, None)
        self._tally.streams -= 1

    def all(self) -> list[Stream]:
        """Every stream."""
        return list(chain.from_iterable(self._streams.values()))

    async def send(self, services: Iterable[str | None]) -> float:
        """Bring those up who watch these, and those behind; returns the seconds of work."""
        told = [stream for key in services for stream in self._streams.get(key, ())]
        streams = dict.fromkeys(chain(self._behind, told))
        spent = 0.0
        while streams:
            more: dict[Stream, None] = {}
            # Of this pass alone: streams far behind, each at a place of its own, would have the
            # whole history put together many times over.
            pieces: Pieces = {}

            def step(
                stream: Stream,
                now: float,
                more: dict[Stream, None] = more,
                pieces: Pieces = pieces,
            ) -> None:
                if self._step(stream, pieces, now):
                    more[stream] = None

            spent += await self._each(streams, step)
            streams = more
        return spent

    async def beat(self, silence: float) -> float:
        """Tell those their place who have heard nothing for so many seconds."""
        written: dict[int, Piece] = {}

        def beat(stream: Stream, now: float) -> None:
            if stream.is_full:
                self._note_behind(stream, now)
                return
            if now - stream.written_at < silence or stream.position != stream.run.end:
                return
            revision = self._history.revision
            if revision not in written:
                written[revision] = Piece.of(write_place(revision), 0, 0)
            stream.write(written[revision], now)

        return await self._each(self.all(), beat)

    async def _each(self, streams: Iterable[Stream], do: Callable[[Stream, float], None]) -> float:
        spent, began, now = 0.0, perf_counter(), self._now()
        for stream in streams:
            if not stream.ended.done() and not stream.transport.is_closing():
                do(stream, now)
            if (worked := perf_counter() - began) >= SLICE:
                spent += worked
                await asyncio.sleep(0)
                began, now = perf_counter(), self._now()
        return spent + perf_counter() - began

    def _step(self, stream: Stream, pieces: Pieces, now: float) -> bool:
        """Send the next piece, if the client has taken what was sent; whether there is more."""
        run = stream.run
        if stream.is_full:
            self._note_behind(stream, now)
            return False
        stream.behind_since = None
        self._behind.pop(stream, None)
        if stream.position < run.first:
            self._reset(stream, now)
        elif stream.position != run.end:
            place = (run, stream.position)
            piece = pieces.get(place)
            if piece is None:
                piece = pieces[place] = self._gather(run, stream.position)
            stream.write(piece, now)
            stream.position = piece.end
            self._tally.events += piece.events
        return stream.position != run.end

    def _reset(self, stream: Stream, now: float) -> None:
        stream.write(Piece.of(write_reset(self._history.revision), 0, 0), now)
        stream.position = stream.run.end
        self._tally.resets += 1

    def _note_behind(self, stream: Stream, now: float) -> None:
        self._behind[stream] = None
        if stream.behind_since is None:
            stream.behind_since = now
        elif now - stream.behind_since > self._patience:
            self._tally.cut += 1
            stream.cut()

    def _gather(self, run: Run, start: int) -> Piece:
        """The next piece of a run: at least one event."""
        blocks: list[bytes] = []
        octets, position = 0, start
        while position < run.end and octets < PIECE:
            event = run.at(position)
            if event.octets is None:
                event.octets = self._write(event)
            blocks.append(event.octets)
            octets += len(event.octets)
            position += 1
        return Piece.of(b"".join(blocks), len(blocks), position)
