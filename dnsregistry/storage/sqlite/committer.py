"""Group commit: what comes while one commit runs shares the next, and waits for its sync.

In an outage everything that waits is refused, and the file is tried until it can be written. When
it can, each live lease has a full ttl from then: heartbeats may have been lost in the same trouble.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from time import perf_counter

import structlog

from dnsregistry.histogram import Histogram
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.sqlite.database import Database
from dnsregistry.storage.sqlite.edits import Edit, find_fault_of_array
from dnsregistry.storage.sqlite.faults import explain
from dnsregistry.storage.sqlite.plan import Plan
from dnsregistry.storage.sqlite.writer import Writer
from dnsregistry.storage.store import Outage
from dnsregistry.turns import take_turns

RETRY_SECONDS = 0.5
"""Between two tries whether the file can be written again."""
QUIET_TURNS = 4
"""Of the loop in which nothing came, until a commit begins: a request needs three to be read."""
LONGEST_GATHERING = 0.001
"""Seconds that a commit may be put off while more comes: a sync takes as long on a good disk."""
STALL_SECONDS = 2.0
"""A disk that has not answered for this long is away: whoever comes is better told than kept."""

log = structlog.get_logger("dnsregistry.storage")


class Committer:
    """Plans, writes and does edits, in the order in which they came.

    `mark` tells the serial to be written with a number of changes.
    """

    def __init__(
        self,
        database: Database,
        writer: Writer,
        registry: Registry,
        now: Callable[[], float],
        mark: Callable[[int], int | None],
    ) -> None:
        self.outage: Outage | None = None
        self.serial: int | None = None
        """The one that was written last."""
        self.commits = 0
        self.changes = 0
        self.outages = 0
        self.times = Histogram()
        """Seconds that the thread took for each commit, its sync included."""
        self._database = database
        self._writer = writer
        self._registry = registry
        self._now = now
        self._mark = mark
        self._loop = asyncio.get_running_loop()
        self._queue: deque[list[Edit]] = deque()
        self._open: list[Edit] | None = None
        self._is_crowded = False
        self._ended: list[Lease] = []
        self._wake = asyncio.Event()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name="store")

    @property
    def waiting(self) -> int:
        """How many changes wait for a commit to begin."""
        return sum(map(len, self._queue))

    def submit(self, edit: Edit) -> "asyncio.Future[Grant | None]":
        """Have an edit done with others; its answer. Refused at once in an outage."""
        edit.answer = answer = self._loop.create_future()
        if self.outage is not None:
            edit.fail(self._registry, StoreAway(self.outage.reason))
        elif self._open is not None:
            self._open.append(edit)
        else:
            self._open = [edit]
            self._queue.append(self._open)
            self._wake.set()
        return answer

    def submit_array(self, edits: list[Edit]) -> "asyncio.Future[Grant | None]":
        """Have edits done in one commit of their own; the answer to them all."""
        last = Edit(lambda _: ())
        last.answer = answer = self._loop.create_future()
        if self.outage is not None:
            last.fail(self._registry, StoreAway(self.outage.reason))
            return answer
        self._open = None
        self._queue.append([*edits, last])
        self._wake.set()
        return answer

    def put_off(self, ended: list[Lease]) -> None:
        """Have leases that could not be ended due again after the outage."""
        if self.outage is None:
            self._registry.give_back(ended)
        else:
            self._ended += ended

    async def stop(self) -> None:
        """Finish what waits, or refuse it in an outage."""
        self._closing.set()
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing.is_set():
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            if self._is_crowded:
                await self._gather()
            edits = self._queue.popleft()
            self._is_crowded = len(edits) > 1
            if edits is self._open:
                self._open = None
            try:
                await self._commit(edits)
            except (sqlite3.Error, OSError) as error:
                self._go_away(explain(error))
                self._refuse(edits)
            except Exception as error:
                log.exception("commit failed")
                for edit in edits:
                    edit.fail(self._registry, error)
            if self.outage is not None:
                await self._wait_for_return()

    async def _gather(self) -> None:
        """Have those who are on their way share the commit: each costs a sync, and a thread's turn.

        Those who were answered by the last one together come again together.
        """
        quiet, known, until = 0, self.waiting, perf_counter() + LONGEST_GATHERING
        while quiet < QUIET_TURNS and perf_counter() < until:
            await asyncio.sleep(0)
            quiet = quiet + 1 if self.waiting == known else 0
            known = self.waiting

    async def _commit(self, edits: list[Edit]) -> None:
        plan = Plan(self._registry, self._now)
        async for edit in take_turns(edits):
            edit.plan(plan)
        if fault := find_fault_of_array(edits):
            for edit in edits:
                edit.fail(self._registry, fault)
            return
        if not plan.is_empty:
            await self._write(plan)
        async for edit in take_turns(edits):
            self._do(edit)

    async def _write(self, plan: Plan) -> None:
        serial = self._mark(plan.changes)

        def write() -> None:
            began = perf_counter()
            self._database.commit(plan.batch(serial))
            self.times.note(perf_counter() - began)

        written = self._writer.call(write)
        stall = self._loop.call_later(STALL_SECONDS, self._stall)
        try:
            await written
        finally:
            stall.cancel()
        self.serial = serial
        self.commits += 1
        self.changes += plan.changes

    def _do(self, edit: Edit) -> None:
        try:
            edit.do(self._registry, self._now())
        except Exception as error:
            log.exception("a change that was written is not held")
            edit.fail(self._registry, error)
        else:
            edit.succeed(self._registry)

    def _stall(self) -> None:
        self._go_away(f"the disk has not answered for {STALL_SECONDS:g} seconds")

    def _go_away(self, reason: str) -> None:
        """Begin an outage, and tell everyone who waits."""
        if self.outage is None:
            self.outage = Outage(self._now(), reason)
            self.outages += 1
            log.error("the store takes no change; names are answered from memory", reason=reason)
        while self._queue:
            self._refuse(self._queue.popleft())
        self._open = None

    def _refuse(self, edits: list[Edit]) -> None:
        reason = "" if self.outage is None else self.outage.reason
        for edit in edits:
            edit.fail(self._registry, StoreAway(reason))

    async def _wait_for_return(self) -> None:
        while not self._closing.is_set():
            try:
                await self._writer.call(self._database.probe)
            except (sqlite3.Error, OSError):
                try:
                    async with asyncio.timeout(RETRY_SECONDS):
                        await self._closing.wait()
                except TimeoutError:
                    continue
            else:
                await self._return()
                return

    async def _return(self) -> None:
        outage = self.outage
        # Nothing is registered or ended before this is done: the outage lasts until then.
        async for lease in take_turns(self._registry.catalogue.after(0)):
            ttl, now = lease.instance.ttl, self._now()
            if ttl is not None and lease.is_live(now):
                lease.deadline = max(lease.deadline, now + ttl)
        ended, self._ended = self._ended, []
        self._registry.give_back(ended)
        self.outage = None
        seconds = 0.0 if outage is None else round(self._now() - outage.since, 1)
        log.warning("the store takes changes again", after_seconds=seconds)
