"""A node's changes: each is answered when the store has it and the own replica has applied it.

Where the link ends between the two, nobody may have it any more: the store of the next link may
be a replica that had not got it. It is asked for again then, by the same nonce.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from dnsregistry.registry.errors import InvalidField, NotOwner, RevisionDiffers, UnknownInstance
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import HeldLease, Lease
from dnsregistry.registry.registry import Grant, Registry, Renewal
from dnsregistry.registry.warrant import ANYONE, HOUSE, Warrant
from dnsregistry.storage.cluster.beats import MOST_IN_SCRIPT, Beats
from dnsregistry.storage.cluster.joining import Joining
from dnsregistry.storage.cluster.link import LinkDown
from dnsregistry.storage.cluster.replica import Replica
from dnsregistry.storage.cluster.scripts import Script, Scripts, draw_nonce
from dnsregistry.storage.cluster.supervisor import Supervisor
from dnsregistry.storage.cluster.waiting import Waiters
from dnsregistry.storage.cluster.wire import (
    key_of,
    label_of,
    ttl_of,
    write_body,
    write_expected,
    write_seals,
    write_state,
)
from dnsregistry.storage.cluster.writer import Answer, Writer
from dnsregistry.storage.errors import StoreAway
from dnsregistry.turns import take_turns

ANSWER_SECONDS = 3.0
"""What a change may take until its client is told to try again: two failures of the link."""
ARRAY_PART = 500
"""Instances of an array in one script: ten milliseconds of the store's time."""

_T = TypeVar("_T")


class _LinkOver(StoreAway):
    """The link that told of a change has ended before the replica came to it."""


class Changes:
    """What the Protocol of stores says of each change is kept here."""

    def __init__(
        self,
        registry: Registry,
        replica: Replica,
        joining: Joining,
        scripts: Scripts,
        writer: Writer,
        waiters: Waiters,
        supervisor: Supervisor,
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._replica = replica
        self._joining = joining
        self._scripts = scripts
        self._writer = writer
        self._waiters = waiters
        self._supervisor = supervisor
        self._now = now
        self._beats = Beats(self._send_beats)
        self._last_heard: Answer | None = None

    async def stop(self) -> None:
        """End what is on its way."""
        self._writer.fail("it is being closed")
        await self._beats.stop()

    async def grant(
        self, instance: Instance, expected: Expected | None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        self._check_held(instance, by)
        self._registry.promise(instance)
        try:
            with self._bounded():
                grants = await self._carry(partial(self._put, [instance], expected=expected, by=by))
                return grants[0]
        finally:
            self._registry.release(instance)

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all, in parts.

        An array of one part is held whole or not at all. A longer one may be held in part where
        the store goes away in between, or another node takes a host label; it is safe to send it
        again.
        """
        async for instance in take_turns(instances):
            self._check_held(instance, by)
        task = asyncio.ensure_future(self._put_parts(instances, by))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease."""
        key = key_of(instance_id)
        held = self._registry.catalogue.find(key)
        if held is not None:
            by.check(held.instance)
        with self._bounded([key]):
            async with asyncio.timeout(ANSWER_SECONDS):
                if not await self._beats.renew(key):
                    raise UnknownInstance(instance_id)
                lease = self._registry.catalogue.find(key)
                heard = self._last_heard
                if lease is None and heard is not None:
                    # Registered through another node a moment ago.
                    lease = await self._follow(heard, heard.reply[2], key)
        if lease is None:
            raise UnknownInstance(instance_id)
        self._renewed(lease)
        self._registry.renewals += 1
        return lease

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        unknown: list[str] = []
        given = instance_ids
        forbidden = [one for one in given if not self._allows(key_of(one), by)]
        if forbidden:
            refused = set(forbidden)
            instance_ids = [one for one in given if one not in refused]
        for start in range(0, len(instance_ids), MOST_IN_SCRIPT):
            part = instance_ids[start : start + MOST_IN_SCRIPT]
            keys = [key_of(instance_id) for instance_id in part]
            with self._bounded(map(key_of, instance_ids[start:])):
                async with asyncio.timeout(ANSWER_SECONDS):
                    missing = await self._send_beats(keys)
            for place, key in enumerate(keys):
                if place in missing:
                    unknown.append(part[place])
                elif (lease := self._registry.catalogue.find(key)) is not None:
                    self._renewed(lease)
        renewed = len(instance_ids) - len(unknown)
        self._registry.renewals += renewed
        return Renewal(renewed, unknown, forbidden)

    async def set_state(
        self, instance_id: str, part: str, word: str, expected: Expected | None, by: Warrant = HOUSE
    ) -> Lease:
        """Give a part of an instance's state, `status` or `health`, another word."""
        key = key_of(instance_id)
        self._check(key, by)
        words = (key, part, word, write_expected(expected), write_seals(key, by))

        async def change(nonce: str, again: bool) -> Lease | None:
            answer = await self._ask(self._scripts.status, nonce, *words)
            if answer.reply == [b"unknown"]:
                return None
            if answer.reply == [b"owned"]:
                raise NotOwner(instance_id)
            _check_difference(answer, instance_id, again=again)
            return await self._follow(answer, answer.reply[2], key)

        with self._bounded():
            lease = await self._carry(change)
        if lease is None:
            raise UnknownInstance(instance_id)
        return lease

    async def revoke(
        self, instance_id: str, expected: Expected | None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        key = key_of(instance_id)
        self._check(key, by)
        words = (key, write_expected(expected), write_seals(key, by))

        async def change(nonce: str, again: bool) -> bool:
            answer = await self._ask(self._scripts.revoke, nonce, *words)
            if answer.reply == [b"owned"]:
                raise NotOwner(instance_id)
            if answer.reply == [b"unknown"]:
                return again or answer.is_second
            _check_difference(answer, instance_id, again=again)
            await self._follow(answer, answer.reply[2])
            return True

        with self._bounded():
            if not await self._carry(change):
                raise UnknownInstance(instance_id)

    async def _carry(self, change: Callable[[str, bool], Awaitable[_T]]) -> _T:
        """Make a change until it has come by over the link that told it.

        It takes its nonce, and whether the store has told it before.
        """
        nonce, again = draw_nonce(), False
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                try:
                    return await change(nonce, again)
                except _LinkOver:
                    again = True

    async def _ask(self, script: Script, *arguments: object) -> Answer:
        if self._supervisor.outage is not None:
            raise StoreAway(self._supervisor.outage.reason)
        return await self._writer.ask(script, *arguments)

    async def _follow(self, answer: Answer, revision: int, key: str = "") -> Lease | None:
        """The key's lease as of a revision that was told. Raises _LinkOver."""
        lease = await self._waiters.wait(revision, key)
        if self._writer.is_over(answer):
            raise _LinkOver("its connection has ended")
        return lease

    async def _put(
        self,
        instances: Sequence[Instance],
        nonce: str,
        again: bool,
        expected: Expected | None = None,
        by: Warrant = ANYONE,
    ) -> list[Grant]:
        words: list[object] = []
        for instance in instances:
            key = key_of(instance.id)
            words += [key, label_of(key), ttl_of(instance), write_state(instance)]
            words += [write_seals(key, by, instance.owner), write_body(instance)]
        condition = write_expected(expected)
        answer = await self._ask(self._scripts.put, nonce, condition, *words)
        reply = answer.reply
        if reply[0] == b"clash":
            raise self._clash(instances[reply[1]], reply[2].decode())
        if reply[0] == b"owned":
            raise NotOwner(instances[reply[1]].id)
        _check_difference(answer, instances[0].id, again=again)
        grants: list[Grant] = []
        for instance, revision, created in zip(instances, reply[2::2], reply[3::2], strict=True):
            lease = await self._follow(answer, revision, key_of(instance.id))
            now = self._now()
            if lease is None:
                # Registered, and gone again by another's word before this one could be told.
                lease = HeldLease(instance, self._registry.sequence, revision, now)
            if created:
                lease.granted_at = now
            self._renewed(lease)
            grants.append(Grant(lease, bool(created)))
        return grants

    async def _put_parts(self, instances: Sequence[Instance], by: Warrant) -> list[Lease]:
        leases: list[Lease] = []
        for start in range(0, len(instances), ARRAY_PART):
            part = instances[start : start + ARRAY_PART]
            with self._bounded():
                grants = await self._carry(partial(self._put, part, by=by))
            leases += [grant.lease for grant in grants]
        return leases

    async def _send_beats(self, keys: Sequence[str]) -> frozenset[int]:
        answer = await self._ask(self._scripts.renew, *keys)
        self._last_heard = answer
        unknown = frozenset(answer.reply[3:])
        link = self._supervisor.link
        if link is not None and any(self._registry.catalogue.find(keys[n]) for n in unknown):
            # Has it ended, or has the store lost it? The replica's place in the log tells.
            try:
                verdict = (await self._joining.tick(link, 0))[0]
            except LinkDown as error:
                raise StoreAway(str(error)) from None
            if verdict == b"apart":
                raise StoreAway("it has lost changes, which are being brought back")
        return unknown

    # Which services a warrant reaches is asked of the replica, owners' seals are compared by the
    # scripts: of two nodes only one can be first there.
    def _check(self, key: str, by: Warrant) -> None:
        lease = self._registry.catalogue.find(key)
        if lease is not None:
            by.check_service(lease.instance.service)
        elif by.reaches is not None:
            # It may be held by another node's word a moment ago, of a service that is not known.
            raise UnknownInstance(key)

    def _allows(self, key: str, by: Warrant) -> bool:
        lease = self._registry.catalogue.find(key)
        return lease is None or by.allows(lease.instance)

    def _check_held(self, instance: Instance, by: Warrant) -> None:
        lease = self._registry.catalogue.find(instance.id)
        if lease is not None:
            by.check_service(lease.instance.service)

    def _clash(self, instance: Instance, key: str) -> InvalidField:
        lease = self._registry.catalogue.find(key)
        held_id = key if lease is None else lease.instance.id
        return InvalidField(
            "id",
            f"{instance.id!r} would share the host name of the instance"
            f" {held_id!r}; choose another id",
        )

    def _renewed(self, lease: Lease) -> None:
        now, ttl = self._now(), lease.instance.ttl
        if ttl is not None:
            self._replica.move(lease, now + ttl)
        lease.renewed_at = now

    @contextmanager
    def _bounded(self, keys: Iterable[str] = ()) -> Iterator[None]:
        """Tell whoever waits too long that the store is away, and note the heartbeats refused."""
        try:
            yield
        except TimeoutError:
            self._supervisor.note_beats(keys)
            raise StoreAway("it does not answer in time") from None
        except StoreAway:
            self._supervisor.note_beats(keys)
            raise


def _check_difference(answer: Answer, instance_id: str, *, again: bool) -> None:
    """Raise RevisionDiffers where a script says so, and it can have been for no change of ours."""
    if answer.reply[0] != b"differs":
        return
    if again or answer.is_second:
        raise StoreAway("the connection failed, and whether the change was made is not known")
    raise RevisionDiffers(instance_id, answer.reply[2] or None)
