"""The store itself: the door to the committer, the sweep's share, and the serial's."""

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import structlog

from dnsregistry.histogram import Histogram
from dnsregistry.registry.check import Health
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry, Renewal, settle
from dnsregistry.registry.warrant import ANYONE, HOUSE, Warrant
from dnsregistry.storage.errors import StoreAway, StoreError
from dnsregistry.storage.rows import write_instance
from dnsregistry.storage.sqlite.committer import STALL_SECONDS, Committer
from dnsregistry.storage.sqlite.database import Batch, Database, Numbers, opened, told_of
from dnsregistry.storage.sqlite.edits import Edit
from dnsregistry.storage.sqlite.faults import explain
from dnsregistry.storage.sqlite.load import load_registry
from dnsregistry.storage.sqlite.writer import Writer
from dnsregistry.storage.store import Outage
from dnsregistry.turns import finish_in_turns

AHEAD_SECONDS = 3.0
"""How long before its deadline a lease is put off in an outage: more than the sweep may sleep."""
SPARE_SERIALS = 4096
"""Serials that may be told beyond the changes of the registry: more than there are publications of
static zones in a second. A run that was killed is followed by one that starts as far ahead."""
_SERIALS = 1 << 32

log = structlog.get_logger("dnsregistry.storage")


class SqliteStore:
    """Keeps the leases of a registry in a file. `now` is the registry's clock."""

    def __init__(self, path: Path, registry: Registry, now: Callable[[], float]) -> None:
        self._path = path.absolute()
        self._registry = registry
        self._now = now
        self._opened = ExitStack()
        self._tell_serial: Callable[[], int] | None = None
        self._last_serial: int | None = None
        self._lineage = secrets.token_hex(4)

    @property
    def lineage(self) -> str:
        """Of this run: another one may follow with an older copy of the file."""
        return self._lineage

    @property
    def outage(self) -> Outage | None:
        """What keeps the file from being written."""
        return self._committer.outage

    async def start(self) -> int | None:
        """Open the file and load it. Raises StoreError."""
        self._writer = writer = Writer()
        try:
            self._database: Database = await writer.call(self._open)
            numbers = await load_registry(
                self._path, self._database, writer, self._registry, self._now
            )
        except BaseException:
            writer.call(self._opened.close)
            writer.stop()
            raise
        self._last_serial = numbers.serial
        self._committer = Committer(self._database, writer, self._registry, self._now, self._mark)
        return numbers.serial

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """Keep the serial from now on: one that is ahead of it is written before this returns."""
        self._tell_serial = tell
        with told_of(self._path):
            try:
                await self._committer.submit(Edit(lambda plan: plan.mark()))
            except StoreAway as away:
                raise StoreError(away.reason) from None

    async def stop(self) -> None:
        """Finish what waits, write the serial as it is, close."""
        await self._committer.stop()
        if self._committer.outage is None:
            await self._write_end()
        await self._writer.call(self._opened.close)
        self._writer.stop()

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance; the commit that writes it has ended when this returns."""
        if self._committer.outage is not None:
            return self._renew_same(instance, self._committer.outage, expected, by=by)
        edit = _make_grant(instance, expected, by=by)
        self._registry.promise(instance)
        edit.promised = instance
        return _read(await self._committer.submit(edit))

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all in one commit, however it is cancelled from when that has begun."""
        edits = [_make_grant(instance, by=by) async for instance in finish_in_turns(instances)]
        answer = self._committer.submit_array(edits)
        cancelled: asyncio.CancelledError | None = None
        while not answer.done():
            try:
                await asyncio.wait([answer])
            except asyncio.CancelledError as error:
                cancelled = error
        answer.result()
        if cancelled is not None:
            raise cancelled
        return [edit.grant.lease async for edit in finish_in_turns(edits) if edit.grant]

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease. Nothing is written, nothing waited for."""
        return self._registry.renew(instance_id, self._now(), by=by)

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        return self._registry.renew_all(instance_ids, self._now(), by=by)

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        return await self._change(
            instance_id, lambda held: replace(held, status=status), expected, by=by
        )

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give an instance the verdict of its checks."""
        return await self._change(instance_id, lambda held: replace(held, health=health), by=HOUSE)

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        await self._committer.submit(Edit(lambda plan: plan.revoke(instance_id, expected, by=by)))

    async def expire(self, most: int) -> float | None:
        """End what is due, or put it off in an outage."""
        registry, committer, now = self._registry, self._committer, self._now()
        if committer.outage is not None:
            committer.put_off(registry.prolong(now, AHEAD_SECONDS, most))
            due = registry.next_deadline()
            return None if due is None else due - AHEAD_SECONDS
        if ended := registry.take_due(now, most):
            await self._end(ended)
        elif self._is_mark_near():
            await _wait(committer.submit(Edit(lambda plan: plan.mark())))
        return registry.next_deadline()

    @property
    def commit_times(self) -> Histogram | None:
        """Those of the file."""
        return self._committer.times

    def tell(self) -> Mapping[str, object]:
        """The file, how many commits have written how many changes, and how long they took."""
        committer = self._committer
        return {
            "engine": "sqlite",
            "path": str(self._path),
            "commits": committer.commits,
            "changes": committer.changes,
            "waiting": committer.waiting,
            "commit_seconds": committer.times.tell(),
            "outages": committer.outages,
        }

    async def _change(
        self,
        instance_id: str,
        make: Callable[[Instance], Instance],
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        edit = Edit(lambda plan: plan.change(instance_id, make, expected, by=by))
        return _read(await self._committer.submit(edit)).lease

    def _open(self) -> Database:
        return self._opened.enter_context(opened(self._path))

    async def _end(self, leases: list[Lease]) -> None:
        answer = self._committer.submit(Edit(lambda plan: plan.expire(leases)))
        answer.add_done_callback(partial(self._note_end, leases))
        await _wait(answer)

    def _note_end(self, leases: list[Lease], answer: "asyncio.Future[Grant | None]") -> None:
        if answer.exception() is not None:
            self._committer.put_off(leases)

    def _renew_same(
        self, instance: Instance, outage: Outage, expected: Expected | None, by: Warrant
    ) -> Grant:
        """What differs in nothing from what is held is a renewal, in an outage too."""
        now = self._now()
        lease = self._registry.catalogue.find(instance.id)
        held = lease.instance if lease is not None and lease.is_live(now) else None
        if lease is None or held is None or settle(held, instance, by=by) != held:
            raise StoreAway(outage.reason)
        if expected is not None:
            expected.check(instance.id, lease.revision)
        lease.renew(now)
        return Grant(lease, created=False)

    def _mark(self, changes: int) -> int | None:
        """A serial beyond all that are told until the next commit."""
        if self._tell_serial is None:
            return self._last_serial
        return (self._tell_serial() + changes + SPARE_SERIALS) % _SERIALS

    def _is_mark_near(self) -> bool:
        mark = self._committer.serial
        if self._tell_serial is None or mark is None:
            return False
        return (mark - self._tell_serial()) % _SERIALS < SPARE_SERIALS // 2

    async def _write_end(self) -> None:
        registry, serial = self._registry, self._last_serial
        if self._tell_serial is not None:
            serial = self._tell_serial()
        last = Batch("", "", Numbers(registry.feed.revision, registry.sequence, serial))
        try:
            await self._writer.call(partial(self._database.commit, last))
        except (sqlite3.Error, OSError) as error:
            log.error("the store's last serial is not written", reason=explain(error))


def _make_grant(
    instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
) -> Edit:
    text = write_instance(instance)
    return Edit(lambda plan: plan.grant(instance, text, expected, by=by))


def _read(answer: Grant | None) -> Grant:
    if answer is None:
        raise AssertionError("what holds a lease is answered with it")
    return answer


async def _wait(answer: "asyncio.Future[Grant | None]") -> None:
    """Wait for an answer, not for ever; in an outage it may be long in coming."""
    await asyncio.wait([answer], timeout=STALL_SECONDS)
    error = answer.exception() if answer.done() else None
    if error is not None and not isinstance(error, StoreAway):
        raise error
