"""Watching: changes come in from the feed, go into the history, and out to whoever watches.

Rules:
- What is told is answered in DNS: the feed has reached the zone before this hears of a change, and
  with workers, `settle` has had all of them know it.
- Revisions that come while a replica becomes what its store holds stand for others. Nothing of
  that is told; all get a reset at its end.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from dnsregistry.api.watching.event import Event
from dnsregistry.api.watching.history import History, Start
from dnsregistry.api.watching.seats import Seats
from dnsregistry.api.watching.sender import RETRY_SECONDS, Sender
from dnsregistry.api.watching.stream import Stream
from dnsregistry.api.watching.tally import WatchTally
from dnsregistry.api.watching.waits import Waits
from dnsregistry.registry.feed import Change, Feed

ERROR_SECONDS = 0.1
"""What a round that failed is taken for: one that fails each time must not keep us busy."""
REST = 3.0
"""Times that a round took, until the next: a quarter of the processor at most."""
BEATS = 4
"""Looks at the silent ones in the time that they may be silent."""
LAG_SECONDS = 1.0
"""That a node may be behind another one of its cluster, before it takes a revision that it does not
know for one of another life."""

_log = logging.getLogger(__name__)


async def nobody_else() -> None:
    """Settle: there is nobody else who has to know of a change."""


@dataclass(frozen=True, slots=True)
class WatchOptions:
    """As the settings of their names; `lag` is how long a revision to come is waited for."""

    streams: int = 2000
    streams_per_client: int = 500
    history: int = 10_000
    heartbeat: float = 15.0
    patience: float = 30.0
    lag: float = 0.0


class Watching:
    """Runs from `start` until `stop`, and hears of changes from when it is made."""

    def __init__(
        self,
        feed: Feed,
        write: Callable[[Event], bytes],
        options: WatchOptions,
        settle: Callable[[], Awaitable[None]] = nobody_else,
    ) -> None:
        self.options = options
        self.seats = Seats(options.streams, options.streams_per_client)
        self.waits = Waits()
        self._tally = WatchTally()
        self._feed = feed
        self._settle = settle
        self._history = History(feed.revision, options.history)
        self._sender = Sender(self._history, write, _now, options.patience, self._tally)
        self._pending: list[Change] = []
        self._touched: dict[str | None, None] = {}
        self._is_adopting = self._is_settling = False
        self._is_stopped = self._is_beat_due = False
        self._tears = 0
        self._work = asyncio.Event()
        self._caught_up: list[asyncio.Future[None]] = []
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._task: asyncio.Task[None] | None = None
        feed.subscribe(self._note)

    @property
    def tally(self) -> WatchTally:
        """What it has come to."""
        tally = self._tally
        tally.waiting, tally.refused = len(self.waits), self.seats.refused
        tally.remembered = len(self._history)
        return tally

    @property
    def revision(self) -> int:
        """Up to which streams are told."""
        return self._history.revision

    @property
    def now(self) -> int:
        """The last revision that there is."""
        return self._feed.revision

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.create_task(self._run(), name="watching")
        self._plan_beat()

    async def stop(self) -> None:
        """End all streams and waits at once."""
        self._is_stopped = True
        for timer in self._timers.values():
            timer.cancel()
        for stream in self._sender.all():
            # What a client does not take would hold up the stop.
            (stream.cut if stream.is_full else stream.end)()
        self.waits.wake_all()
        self._wake_caught_up()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def adopt(self, is_begun: bool) -> None:
        """A replica becomes what its store holds, not by the changes that are told for it."""
        self._is_adopting = is_begun
        if not is_begun:
            self._tear()

    async def begin(self, service: str | None, since: int | None) -> tuple[Start, int]:
        """A place after a revision, to be closed, and the revision of that place."""
        if since is not None and since > self._feed.revision:
            await self._wait_for(since, self.options.lag)
        await self._catch_up()
        if since is not None and since > self._feed.revision:
            since = -1
        start = self._history.open(service, since)
        if since is None or start.is_gap:
            return start, self._history.revision
        return start, since

    def close(self, service: str | None) -> None:
        """A place is no longer needed."""
        self._history.close(service)

    def enter(self, stream: Stream) -> None:
        """Send to a stream from now on."""
        self._sender.enter(stream)
        if self._is_stopped:
            stream.end()
        elif stream.position != stream.run.end:
            self._work.set()

    def leave(self, stream: Stream) -> None:
        """Send to it no more."""
        self._sender.leave(stream)

    def count_reset(self) -> None:
        """One was told at the beginning of a stream."""
        self._tally.resets += 1

    def count_cut(self) -> None:
        """One was cut by the kernel."""
        self._tally.cut += 1

    async def wait(
        self,
        service: str | None,
        since: int,
        seconds: float,
        lost: asyncio.Future[BaseException | None],
    ) -> None:
        """Return when the service may have changed after a revision, or the time is over.

        Also where `lost` is done: nobody waits any more.
        """
        until = _now() + seconds
        # Known to another node, whose client must not be told an older state for a newer one.
        await self._wait_for(since, min(seconds, self.options.lag))
        while not self._is_stopped and not lost.done():
            if since > self._feed.revision or self._history.may_have_changed(service, since):
                return
            changed = self.waits.enter(service)
            try:
                left = until - _now()
                done, _ = await asyncio.wait(
                    (changed, lost), timeout=left, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                self.waits.leave(service, changed)
            if not done:
                return

    def _note(self, change: Change) -> None:
        if not self._is_adopting:
            self._pending.append(change)
            self._work.set()

    def _tear(self) -> None:
        """Have everybody list again: what led to the revision of now cannot be told."""
        self._pending.clear()
        self._tears += 1
        self._history.tear(self._feed.revision)
        self.waits.wake_all()
        self._touched.update(dict.fromkeys(stream.service for stream in self._sender.all()))
        self._work.set()

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            spent = 0.0
            try:
                spent = await self._tell()
            except Exception:  # noqa: BLE001 - what fails for one must not end it for all
                self._tally.errors += 1
                _log.exception("changes could not be told: watchers are told to list again")
                self._is_settling = False
                self._tear()
                spent = ERROR_SECONDS
            await asyncio.sleep(spent * REST)

    async def _tell(self) -> float:
        """One round; returns the seconds of work."""
        await self._take_in()
        touched, self._touched = self._touched, {}
        spent = await self._sender.send(touched)
        if self._is_beat_due:
            self._is_beat_due = False
            spent += await self._sender.beat(self.options.heartbeat * (1 - 1 / BEATS))
        if self._sender.is_behind:
            self._plan("retry", RETRY_SECONDS, self._work.set)
        return spent

    async def _take_in(self) -> None:
        """Have the history hold what is settled, and wake whoever waits for it."""
        revision, tears = self._feed.revision, self._tears
        pending, self._pending = self._pending, []
        if pending:
            self._is_settling = True
            await self._settle()
            self._is_settling = False
        if not self._is_adopting and tears == self._tears:
            for change in pending:
                for service in self._history.add(change):
                    self._touched[service] = None
            if pending:
                self._touched[None] = None
            self._history.reach(revision)
        self.waits.wake(self._touched)
        self._wake_caught_up()

    async def _catch_up(self) -> None:
        """Return when the history holds all changes that there were at the call."""
        goal = self._feed.revision
        # A round that settles takes in what there was at its beginning: the next one has the rest.
        while (self._pending or self._is_settling) and self._history.revision < goal:
            if self._is_stopped:
                return
            caught_up = asyncio.get_running_loop().create_future()
            self._caught_up.append(caught_up)
            await caught_up
        if not self._is_adopting:
            self._history.reach(goal)

    def _wake_caught_up(self) -> None:
        waiting, self._caught_up = self._caught_up, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    async def _wait_for(self, revision: int, seconds: float) -> None:
        until = _now() + seconds
        while self._feed.revision < revision and (left := until - _now()) > 0:
            if self._is_stopped:
                return
            changed = self.waits.enter(None)
            try:
                await asyncio.wait((changed,), timeout=left)
            finally:
                self.waits.leave(None, changed)

    def _plan_beat(self) -> None:
        self._plan("beat", self.options.heartbeat / BEATS, self._beat)

    def _beat(self) -> None:
        self._is_beat_due = True
        self._work.set()
        self._plan_beat()

    def _plan(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        timer = self._timers.get(name)
        if timer is None or timer.when() <= _now() or timer.cancelled():
            self._timers[name] = asyncio.get_running_loop().call_later(seconds, call)


def _now() -> float:
    return asyncio.get_running_loop().time()
