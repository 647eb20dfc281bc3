"""The workers: started, told of changes, and started again when they are gone.

Rules:
- A change is told to all workers before it is acknowledged: who changes something calls `settle`.
- A worker that is not through in `SETTLE_SECONDS` is ended, and with it all that it might have
  said: a stopped process answers nobody.
- What is to be forgotten but is asked for is refilled with the change, so that hardly a question
  waits for the main process because of one.
- A service that has just gone counts as there: of it there is more to tell than its absence, which
  only the main process can.
- The sockets stay open here. What comes while a worker is away waits, and its next one answers.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Container, Sequence

import structlog

from dnsregistry.answers.copies import Copy
from dnsregistry.answers.responder import Responder
from dnsregistry.registry.feed import Change
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.sockets import ListenError
from dnsregistry.servers.workers.demand import Wanted
from dnsregistry.servers.workers.frames import Fields, Kind, pack, pack_number
from dnsregistry.servers.workers.link import Link
from dnsregistry.servers.workers.refill import Refill
from dnsregistry.servers.workers.replica import Configuration
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.name import Name

SETTLE_SECONDS = 2.0
"""Until a worker that does not acknowledge a change is taken for stuck: a thousand of its turns."""
LEAST_PAUSE, MOST_PAUSE = 0.05, 5.0
"""Seconds between the end of a worker and its next start; doubled while they end at once."""
START_SECONDS = 60.0
"""Until a worker that does not serve never will: a hundred times what one takes."""
WATCH_SECONDS = 5.0
"""Between two looks whether all workers still listen, since one that hangs while nothing changes
would leave its share of the clients unanswered; and who is no longer remembered to have gone."""
MOST_TOLD = 1 << 19
"""Names that workers may hold answers to: more than fit their tables. Past it they forget all."""
NAMES_A_FRAME = 1000

log = structlog.get_logger("dnsregistry.workers")


class Pool:
    """As many workers as there are lists of sockets; each serves its own."""

    def __init__(
        self,
        sockets: Sequence[Sequence[socket.socket]],
        configuration: Configuration,
        registry: Registry,
        zones: Authority,
        exchange: Exchange,
        responder: Responder,
        departed: Container[str] = frozenset(),
    ) -> None:
        """`departed` are the services that instances have left a short while ago."""
        self.restarts = 0
        self._lines_dropped = 0
        self._sockets = sockets
        self._configuration = configuration
        self._catalogue = registry.catalogue
        self._zones = zones
        self._exchange = exchange
        self._responder = responder
        self._links: set[Link] = set()
        self._reached = [asyncio.Event() for _ in sockets]
        """Of each place: set when its worker is there, and once more when it serves."""
        self._is_serving = False
        self._told: set[bytes] = set()
        self._refill = Refill(exchange, responder)
        self._has_denials = False
        """Whether a worker may hold an answer with the SOA; else it need not be woken for a change
        of names that it was never asked for."""
        self._serial = 0
        """The last one that they have to tell."""
        self._departed = departed
        self._present: set[str] = set()
        self._remembered: set[str] = set()
        """Those of the present that have just gone."""
        self._pending: dict[tuple[Kind, *tuple[bytes, ...]], None] = {}
        self._sync = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._flushing: asyncio.Handle | None = None
        self._tasks: list[asyncio.Task[None]] = []
        registry.feed.subscribe(self.apply)
        zones.watch(self.clear)

    @property
    def working(self) -> int:
        """How many workers are serving."""
        return sum(link.is_ready for link in self._links)

    def tables(self) -> list[tuple[int, int]]:
        """For each worker how many entries its table holds, and their octets."""
        return [link.table for link in self._links]

    @property
    def lines_dropped(self) -> int:
        """Lines of the workers' logs that had no room."""
        return self._lines_dropped + sum(link.lines_dropped for link in self._links)

    async def start(self) -> None:
        """Start the workers; returns when each is there. Raises ListenError where one is not.

        They answer nothing before `serve`: starting takes its time, answering at last does not.
        """
        name = ""
        while names := self._catalogue.services_after(name, NAMES_A_FRAME):
            self._present.update(names)
            name = names[-1]
        for sockets, event in zip(self._sockets, self._reached, strict=True):
            keep = self._keep(sockets, event)
            self._tasks.append(asyncio.create_task(keep, name="worker"))
        self._tasks.append(asyncio.create_task(self._watch(), name="watch over workers"))
        await self._wait_for_all()

    async def serve(self) -> None:
        """Have them answer; returns when each does. Raises ListenError where one does not."""
        self._is_serving = True
        for event in self._reached:
            event.clear()
        for link in tuple(self._links):
            if link.has_come:
                self._introduce(link)
        await self._wait_for_all()

    async def _wait_for_all(self) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                for event in self._reached:
                    await event.wait()
        except TimeoutError:
            raise ListenError("WORKERS: a DNS process does not start") from None

    async def stop(self) -> None:
        """End the workers."""
        if self._flushing is not None:
            self._flushing.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def apply(self, change: Change) -> None:
        """Note which services there are after a change."""
        for instance in (change.before, change.after):
            if instance is not None:
                self._note_service(instance.service)

    def _note_service(self, service: str) -> None:
        present = self._catalogue.has_service(service)
        if present or service not in self._departed:
            self._remembered.discard(service)
        else:
            self._remembered.add(service)
            present = True
        if present != (service in self._present):
            (self._present.add if present else self._present.discard)(service)
            before, after = (Kind.GONE, Kind.PRESENT) if present else (Kind.PRESENT, Kind.GONE)
            self._pending.pop((before, service.encode()), None)
            self._note(after, service.encode())

    def forget(self, name: bytes) -> None:
        """Have the workers forget what was answered for a wire name."""
        if name in self._told:
            self._note(Kind.FORGET, name)

    def renumber(self, _origin: Name, serial: int) -> None:
        """Have them tell this serial of the live zone."""
        if self._has_denials:
            self._serial = serial
            self._note(Kind.RENUMBER)

    def clear(self) -> None:
        """Have them forget everything: the zones are others."""
        self._told.clear()
        self._refill.clear()
        self._note(Kind.CLEAR)

    async def settle(self) -> None:
        """Return when all that has changed is known to every worker that serves."""
        self._flush()
        for link in tuple(self._links):
            link.listen()
        number = self._sync
        if self._slowest() >= number:
            return
        settled = asyncio.get_running_loop().create_future()
        self._waiting.append((number, settled))
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                await settled
        except TimeoutError:
            await self._give_up_those_behind(number)

    def _note(self, kind: Kind, *name: bytes) -> None:
        self._pending[kind, *name] = None
        if self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """Tell all workers what has changed since this was last done."""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        by_kind: dict[Kind, list[bytes]] = {}
        for kind, *names in pending:
            by_kind.setdefault(kind, []).extend(names)
        if Kind.RENUMBER in by_kind:
            by_kind[Kind.RENUMBER] = [pack_number(self._serial)]
        frames, forgotten = self._refill.make(by_kind.pop(Kind.FORGET, ()))
        self._told.difference_update(forgotten)
        if forgotten:
            by_kind[Kind.FORGET] = forgotten
        frames += [pack(kind, *fields) for kind, fields in by_kind.items()]
        if Kind.CLEAR in by_kind:
            frames.append(self._tell_alone())
        self._tell(frames)

    def _tell(self, frames: Sequence[bytes]) -> None:
        """Tell all that serve, and have them say that they have come to here."""
        self._sync += 1
        told = b"".join((*frames, pack(Kind.SYNC, pack_number(self._sync))))
        for link in tuple(self._links):
            if link.is_ready:
                link.tell(told)

    def _tell_alone(self) -> bytes:
        return pack(Kind.ALONE, b"0" if self._zones.alone() is None else b"1")

    def _slowest(self) -> int:
        """The last SYNC that all workers that serve have come to."""
        return min((link.synced for link in self._links if link.is_ready), default=self._sync)

    def _tell_who_waits(self) -> None:
        slowest = self._slowest()
        while self._waiting and self._waiting[0][0] <= slowest:
            _, settled = self._waiting.popleft()
            if not settled.done():
                settled.set_result(None)

    async def _give_up_those_behind(self, number: int) -> None:
        for link in tuple(self._links):
            if link.is_ready and link.synced < number:
                log.error("worker does not keep up")
                link.is_ready = False
                await link.stop()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            for service in tuple(self._remembered):
                self._note_service(service)
            self._tell(())
            await self.settle()

    async def _keep(self, sockets: Sequence[socket.socket], reached: asyncio.Event) -> None:
        """Have a worker for these sockets, whatever becomes of it."""
        pause = LEAST_PAUSE
        while True:
            gone = asyncio.Event()
            link = Link(
                self._exchange, self._responder, self._hear, self._note_copy, gone.set, reached
            )
            loop = asyncio.get_running_loop()
            began = loop.time()
            late = loop.call_later(START_SECONDS, link.give_up_unready)
            try:
                await link.start(sockets)
                self._links.add(link)
                await gone.wait()
            except OSError as error:
                log.error("worker cannot be started", reason=str(error))
            finally:
                late.cancel()
                self._links.discard(link)
                await link.stop()
                self._tell_who_waits()
            self.restarts += 1
            self._lines_dropped += link.lines_dropped
            log.error("worker has ended, and is started anew")
            lived = loop.time() - began
            pause = LEAST_PAUSE if lived > MOST_PAUSE else min(MOST_PAUSE, pause * 2)
            await asyncio.sleep(pause)

    def _hear(self, link: Link, kind: Kind, fields: Fields) -> None:
        match kind:
            case Kind.READY:
                link.has_come = True
                if self._is_serving:
                    self._introduce(link)
                else:
                    link.reached.set()
            case Kind.SYNCED:
                link.reached.set()
                self._refill.confirm(fields[1:])
                self._tell_who_waits()

    def _note_copy(self, copy: Copy, wanted: Wanted) -> None:
        """Note what a worker holds from now on."""
        if len(self._told) >= MOST_TOLD:
            self.clear()
        self._has_denials = self._has_denials or copy.denies
        if copy.key:
            self._told.add(copy.name)
        self._refill.note(copy, wanted)

    def _introduce(self, link: Link) -> None:
        """Tell a new worker all that it has to know before it serves."""
        self._flush()
        link.is_ready = True
        link.tell(pack(Kind.CONFIGURE, self._configuration.to_json()))
        names = [name.encode() for name in self._present]
        for start in range(0, len(names), NAMES_A_FRAME):
            link.tell(pack(Kind.PRESENT, *names[start : start + NAMES_A_FRAME]))
        link.tell(self._tell_alone() + pack(Kind.SYNC, pack_number(self._sync)))
