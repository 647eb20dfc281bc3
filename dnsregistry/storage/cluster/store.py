"""The engine: a node of a cluster that shares one Redis or Valkey.

Rules:
- A change is answered when the store has it and the own replica has applied it.
- While the store is away the replica stands still: nothing ends, and changes are refused.
  Heartbeats are refused too, but noted: what has sent one is put again if it ended meanwhile.
- The store is sought without end. Each time it is found, `Joining` decides what is to be done.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import random

import structlog

from dnsregistry.registry.check import Health
from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import HeldLease, Lease
from dnsregistry.registry.registry import Grant, Registry, Renewal
from dnsregistry.storage.cluster.address import Sentinels, Server
from dnsregistry.storage.cluster.beats import MOST_IN_SCRIPT, Beats
from dnsregistry.storage.cluster.joining import Joining
from dnsregistry.storage.cluster.link import (
    Link,
    LinkDown,
    LinkRefused,
    Reply,
    describe_refusal,
    find_master,
    open_link,
)
from dnsregistry.storage.cluster.nodes import Nodes
from dnsregistry.storage.cluster.replica import Hole, Replica
from dnsregistry.storage.cluster.scripts import Script, load_scripts
from dnsregistry.storage.cluster.snapshot import SnapshotKeeper
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.waiting import Waiters
from dnsregistry.storage.cluster.wire import (
    ForeignContent,
    key_of,
    label_of,
    read_change,
    ttl_of,
    write_body,
    write_state,
)
from dnsregistry.storage.cluster.writer import Behind, Writer
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.store import Outage
from dnsregistry.turns import take_turns

ANSWER_SECONDS = 3.0
"""What a change may take until its client is told to try again: two failures of the link."""
TICK_SECONDS = 0.35
"""Between two looks at the store, give or take a quarter: three a second, as its scripts expect."""
PAUSE_SECONDS = 0.3
"""Between two tries to reach the store, give or take a half, so that nodes do not come at once."""
SHAKEN_SECONDS = 1.0
"""A second failure within this is an outage, though the store could be reached in between."""
SILENT_TICKS = 10
"""Ticks that the log may be ahead of the replica without a word: its connection is dead then."""
MASTER_TICKS = 6
"""Ticks between two questions to the Sentinels."""
LOG_MOST = 500
"""Changes read at once."""
MOST_LOOKS = 20 * MOST_IN_SCRIPT
"""Deadlines asked for in one tick: 100,000 leases of 30 seconds need a fifth of it."""
CANCEL_SECONDS = 0.1
"""What a task gets to end in before it is asked again."""
ARRAY_PART = 500
"""Instances of an array in one script: ten milliseconds of the store's time."""

_MODULUS = 1 << 32

log = structlog.get_logger("dnsregistry.storage")


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """How the store is used.

    `prefix` stands before all keys. `replicas` must have a write before it is answered.
    `first_base` is what the SOA serial is counted from where the cluster is new. `snapshot` is a
    file of this node's own, from which it answers while the store is not there.
    """

    prefix: str = "dnsregistry"
    replicas: int = 0
    first_base: Callable[[], int] = lambda: 0
    snapshot: Path | None = None


class ClusterStore:
    """One node. `now` is the registry's clock. `nodes` are those that live, this one among them."""

    def __init__(
        self,
        address: Server | Sentinels,
        options: ClusterOptions,
        registry: Registry,
        now: Callable[[], float],
    ) -> None:
        registry.hand_over()
        self._address = address
        self._options = options
        self._registry = registry
        self._now = now
        self._clock = StoreClock(now)
        self._scripts = load_scripts()
        self._waiters = Waiters(lambda key: registry.catalogue.find(key) if key else None)
        self._replica = Replica(registry, self._hear)
        self._writer = Writer(options.replicas)
        self._beats = Beats(self._send_beats)
        self.nodes = Nodes(_draw(), now)
        self._joining = Joining(
            self.nodes.name,
            registry,
            self._replica,
            self._clock,
            self._scripts,
            _draw,
            options.first_base,
        )
        self._keeper = (
            SnapshotKeeper(options.snapshot, registry, self._replica, self._clock)
            if options.snapshot
            else None
        )
        self._keeping: asyncio.Task[None] | None = None
        self._link: Link | None = None
        self._outage: Outage | None = None
        self._outages = 0
        self._refusal: LinkRefused | None = None
        self._link_held = False
        self._shaken_at = -SHAKEN_SECONDS
        self._settled = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._base = 0
        self._lead: Callable[[int], None] = lambda serial: None
        self._loaded: Callable[[], None] = lambda: None
        self._beaten: dict[str, float] = {}
        self._owed = 0
        self._owing = asyncio.Event()
        self._last_heard = 0

    @property
    def outage(self) -> Outage | None:
        """Since when the store is away."""
        return self._outage

    @property
    def is_loaded(self) -> bool:
        """Whether the replica holds what the cluster held at a time."""
        return self._replica.is_loaded

    async def start(self) -> int | None:
        """Seek the store; returns once it is found and read, or away."""
        if self._keeper is not None:
            base = await self._keeper.load()
            if base is not None:
                self._base, self._replica.is_followed = base, True
            self._keeping = asyncio.create_task(
                self._keeper.follow(lambda: self._base), name="snapshot"
            )
        self._task = asyncio.create_task(self._seek(), name="store")
        await self._settled.wait()
        if self._refusal is not None:
            await self.stop()
            raise describe_refusal(self._refusal)
        self._replica.is_followed = True
        return self._serial() if self.is_loaded else None

    async def follow_serial(self, tell: Callable[[], int]) -> None:
        """The serial is the store's: see `lead_serial`."""

    def lead_serial(self, lead: Callable[[int], None]) -> None:
        """Tell the SOA serial, which follows the store's revision, at once and with each change."""
        self._lead = lead
        if self.is_loaded:
            lead(self._serial())

    def when_loaded(self, call: Callable[[], None]) -> None:
        """Call this once the replica holds something to answer from; at once where it does."""
        self._loaded = call
        if self.is_loaded:
            call()

    async def stop(self) -> None:
        """Let go of the store."""
        if self._task is not None:
            await _end([self._task])
            self._task = None
        if self._keeper is not None:
            if self._keeping is not None:
                await _end([self._keeping])
            await self._keeper.write(self._base)
            self._keeper.close()
        self._writer.fail("it is being closed")
        await self._beats.stop()

    async def grant(self, instance: Instance) -> Grant:
        """Register an instance."""
        self._registry.promise(instance)
        try:
            with self._bounded():
                async with asyncio.timeout(ANSWER_SECONDS):
                    return (await self._put([instance]))[0]
        finally:
            self._registry.release(instance)

    async def grant_all(self, instances: Sequence[Instance]) -> list[Lease]:
        """Register all, in parts.

        An array of one part is held whole or not at all. A longer one may be held in part where
        the store goes away in between, or another node takes a host label; it is safe to send it
        again.
        """
        task = asyncio.ensure_future(self._put_parts(instances))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.gather(task, return_exceptions=True)
            raise

    async def renew(self, instance_id: str) -> Lease:
        """Renew one lease."""
        key = key_of(instance_id)
        with self._bounded([key]):
            async with asyncio.timeout(ANSWER_SECONDS):
                if not await self._beats.renew(key):
                    raise UnknownInstance(instance_id)
                lease = self._registry.catalogue.find(key)
                if lease is None:
                    # Registered through another node a moment ago.
                    lease = await self._waiters.wait(self._last_heard, key)
        if lease is None:
            raise UnknownInstance(instance_id)
        self._renewed(lease)
        return lease

    async def renew_all(self, instance_ids: Sequence[str]) -> Renewal:
        """Renew many leases."""
        unknown: list[str] = []
        for start in range(0, len(instance_ids), MOST_IN_SCRIPT):
            part = instance_ids[start : start + MOST_IN_SCRIPT]
            keys = [key_of(instance_id) for instance_id in part]
            with self._bounded(keys):
                async with asyncio.timeout(ANSWER_SECONDS):
                    missing = await self._send_beats(keys)
            for place, key in enumerate(keys):
                if place in missing:
                    unknown.append(part[place])
                elif (lease := self._registry.catalogue.find(key)) is not None:
                    self._renewed(lease)
        return Renewal(len(instance_ids) - len(unknown), unknown)

    async def set_status(self, instance_id: str, status: Status) -> Lease:
        """Give an instance another status."""
        return await self._set_state(instance_id, "status", status.value)

    async def set_health(self, instance_id: str, health: Health) -> Lease:
        """Give an instance the verdict of its checks."""
        return await self._set_state(instance_id, "health", health.value)

    async def _set_state(self, instance_id: str, part: str, word: str) -> Lease:
        key = key_of(instance_id)
        with self._bounded():
            async with asyncio.timeout(ANSWER_SECONDS):
                reply, _ = await self._ask(self._scripts.status, _draw(), key, part, word)
                if reply == [b"unknown"]:
                    raise UnknownInstance(instance_id)
                lease = await self._waiters.wait(reply[2], key)
        if lease is None:
            raise UnknownInstance(instance_id)
        return lease

    async def revoke(self, instance_id: str) -> None:
        """End a lease."""
        key = key_of(instance_id)
        with self._bounded():
            async with asyncio.timeout(ANSWER_SECONDS):
                reply, again = await self._ask(self._scripts.revoke, _draw(), key)
                if reply != [b"unknown"]:
                    await self._waiters.wait(reply[2])
                elif not again:
                    raise UnknownInstance(instance_id)

    async def expire(self, most: int) -> float | None:
        """End what is due by the store's clock; whichever node comes first ends it."""
        link = self._link
        if link is None:
            return None
        try:
            reply = await self._joining.tick(link, most)
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._waiters.wait(reply[2])
        except (LinkDown, TimeoutError):
            return None
        return self._next_due(reply)

    def note(self) -> None:
        """Have the SOA serial move for a change that is not the registry's, now or later."""
        self._owed += 1
        self._owing.set()

    def tell(self) -> Mapping[str, object]:
        """The replica's place, and how often the store was away."""
        return {
            "engine": "redis",
            "place": self._link.place if self._link else self._address.place,
            "epoch": self._replica.epoch,
            "replica_revision": self._replica.revision,
            "outages": self._outages,
        }

    async def _seek(self) -> None:
        while True:
            try:
                await self._stay(await open_link(self._address, self._options.prefix))
            except Behind as error:
                log.info("the replica is brought up to the store", reason=str(error))
                continue
            except LinkDown as error:
                held, self._link_held = self._link_held, False
                if held and self._now() - self._shaken_at > SHAKEN_SECONDS:
                    # A connection that is lost is no outage yet: the next one may be there at once.
                    self._shaken_at = self._now()
                    continue
                self._lose(error)
            except Exception as error:
                log.exception("the store's task failed")
                self._lose(LinkDown(f"an error of ours: {error!r}"))
            await asyncio.sleep(PAUSE_SECONDS * (0.5 + random()))  # noqa: S311 - only spreads

    async def _stay(self, link: Link) -> None:
        """Join, then follow until something fails."""
        try:
            self._base = await self._joining.join(link, self._beaten)
            reply = await self._joining.tick(link, 0)
            self.nodes.find(_names(reply))
            self._find(link)
            await _run_together(
                self._follow(link),
                self._look_after(link),
                self._writer.run(link, self._replica.epoch),
                self._pay_notes(link),
            )
        finally:
            self._link = None
            await link.close()

    async def _follow(self, link: Link) -> None:
        replica, clock = self._replica, self._clock
        while True:
            entries = await link.read_log(replica.revision, LOG_MOST)
            try:
                async for entry, fields in take_turns(entries):
                    if replica.apply(read_change(entry, fields), clock.to_local):
                        self._lead(self._serial())
            except (Hole, ForeignContent) as error:
                raise Behind(str(error)) from None

    async def _look_after(self, link: Link) -> None:
        silent = ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS * (0.75 + random() / 2))  # noqa: S311 - only spreads
            before = self._replica.revision
            reply = await self._joining.tick(link, 0)
            self.nodes.hear(_names(reply))
            if reply[0] != b"same":
                raise Behind(f"the log is {reply[0].decode()}")
            silent = silent + 1 if before < reply[2] and before == self._replica.revision else 0
            if silent > SILENT_TICKS:
                raise LinkDown(f"the log of {link.place} is not heard")
            ticks += 1
            if isinstance(self._address, Sentinels) and ticks % MASTER_TICKS == 0:
                host, port = await find_master(self._address)
                if link.place != f"{host}:{port}":
                    raise Behind(f"{host}:{port} is the master now")
            await self._look_at_deadlines(link)

    async def _look_at_deadlines(self, link: Link) -> None:
        looked = 0
        while looked < MOST_LOOKS and (
            leases := self._replica.take_looks(self._now(), MOST_IN_SCRIPT)
        ):
            looked += len(leases)
            keys = [key_of(lease.instance.id) for lease in leases]
            reply = await self._joining.ask(link, self._scripts.look, self._replica.epoch, *keys)
            for lease, deadline in zip(leases, reply[2], strict=True):
                if deadline is not None:
                    self._replica.move(lease, self._clock.to_local(int(float(deadline))))

    async def _pay_notes(self, link: Link) -> None:
        while True:
            await self._owing.wait()
            while self._owed:
                await self._joining.ask(link, self._scripts.note, self._replica.epoch, _draw())
                self._owed -= 1
            self._owing.clear()

    async def _ask(self, script: Script, *arguments: object) -> tuple[Reply, bool]:
        if self._outage is not None:
            raise StoreAway(self._outage.reason)
        return await self._writer.ask(script, *arguments)

    async def _put(self, instances: Sequence[Instance]) -> list[Grant]:
        words: list[object] = []
        for instance in instances:
            key = key_of(instance.id)
            words += [key, label_of(key), ttl_of(instance), write_state(instance)]
            words.append(write_body(instance))
        reply, _ = await self._ask(self._scripts.put, _draw(), *words)
        if reply[0] == b"clash":
            raise self._clash(instances[reply[1]], reply[2].decode())
        grants: list[Grant] = []
        for instance, revision, created in zip(instances, reply[2::2], reply[3::2], strict=True):
            lease = await self._waiters.wait(revision, key_of(instance.id))
            now = self._now()
            if lease is None:
                # Registered, and gone again by another's word before this one could be told.
                lease = HeldLease(instance, self._registry.sequence, revision, now)
            if created:
                lease.granted_at = now
            self._renewed(lease)
            grants.append(Grant(lease, bool(created)))
        return grants

    async def _put_parts(self, instances: Sequence[Instance]) -> list[Lease]:
        leases: list[Lease] = []
        for start in range(0, len(instances), ARRAY_PART):
            with self._bounded():
                async with asyncio.timeout(ANSWER_SECONDS):
                    grants = await self._put(instances[start : start + ARRAY_PART])
            leases += [grant.lease for grant in grants]
        return leases

    async def _send_beats(self, keys: Sequence[str]) -> frozenset[int]:
        reply, _ = await self._ask(self._scripts.renew, *keys)
        self._last_heard = reply[2]
        unknown = frozenset(reply[3:])
        link = self._link
        if link is not None and any(self._registry.catalogue.find(keys[n]) for n in unknown):
            # Has it ended, or has the store lost it? The replica's place in the log tells.
            try:
                verdict = (await self._joining.tick(link, 0))[0]
            except LinkDown as error:
                raise StoreAway(str(error)) from None
            if verdict == b"apart":
                raise StoreAway("it has lost changes, which are being brought back")
        return unknown

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

    def _next_due(self, reply: Reply) -> float | None:
        *_, key, deadline = (*reply, None, None)[:6]
        if key is None:
            return None
        lease = self._registry.catalogue.find(key.decode())
        due = self._clock.to_local(deadline)
        return due if lease is None else max(due, lease.deadline)

    def _serial(self) -> int:
        return (self._base + self._replica.revision) % _MODULUS or 1

    def _hear(self, revision: int) -> None:
        self._waiters.reach(revision)

    def _find(self, link: Link) -> None:
        if self._outage is not None:
            away = round(self._now() - self._outage.since, 1)
            log.info("the store is back", place=link.place, away_seconds=away)
        self._outage = None
        self._beaten.clear()
        self._link = link
        self._link_held = True
        self._lead(self._serial())
        self._loaded()
        self._settled.set()

    def _lose(self, error: LinkDown) -> None:
        if self._outage is None:
            self._outages += 1
            log.warning("the store is away; answering from memory", reason=str(error))
            self._outage = Outage(self._now(), str(error))
        else:
            self._outage = Outage(self._outage.since, str(error))
        if isinstance(error, LinkRefused) and not self._settled.is_set():
            self._refusal = error
        self._writer.fail(str(error))
        self._settled.set()

    @contextmanager
    def _bounded(self, keys: Sequence[str] = ()) -> Iterator[None]:
        """Tell whoever waits too long that the store is away, and note the heartbeats refused."""
        try:
            yield
        except TimeoutError:
            self._note_beats(keys)
            raise StoreAway("it does not answer in time") from None
        except StoreAway:
            self._note_beats(keys)
            raise

    def _note_beats(self, keys: Sequence[str]) -> None:
        now, find = self._now(), self._registry.catalogue.find
        for key in keys:
            if find(key) is not None:
                self._beaten[key] = now


def _names(reply: Reply) -> list[str]:
    return [name.decode() for name in reply[3]]


def _draw() -> str:
    return secrets.token_hex(6)


async def _run_together(*works: Coroutine[None, None, None]) -> None:
    """Run all until one fails, and raise that."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        waiting = set(tasks)
        while waiting:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        await _end(tasks)


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: redis-py loses a cancellation while it connects."""
    left = {task for task in tasks if not task.done()}
    cancelled: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=CANCEL_SECONDS)
        except asyncio.CancelledError as error:
            # Whoever asks again must not leave one of them behind.
            cancelled = error
        left = {task for task in left if not task.done()}
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled is not None:
        raise cancelled
