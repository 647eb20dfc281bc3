"""How a node comes to a store: where do they stand, who brings back what, what is to be read.

    claim ─▶ (restore, drop, settle) ─▶ (revive) ─▶ follow on, or read everything

A store that has no epoch is new, or has lost its data: the first node to come begins one. What a
replica knows later than the store goes back first, one node after the other. Only then does the
node follow the log.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.beats import MOST_IN_SCRIPT
from dnsregistry.storage.cluster.link import Fields, Link, LinkDown, Reply
from dnsregistry.storage.cluster.loading import Loading
from dnsregistry.storage.cluster.merge import Standing, plan
from dnsregistry.storage.cluster.nodes import LIVING_SECONDS
from dnsregistry.storage.cluster.replica import Hole, Replica, Snapshot
from dnsregistry.storage.cluster.scripts import Script, Scripts
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import (
    ForeignContent,
    key_of,
    label_of,
    read_change,
    ttl_of,
    write_body,
    write_state,
)
from dnsregistry.storage.cluster.writer import Behind
from dnsregistry.turns import take_turns

WAIT_SECONDS = 0.1
"""Until a node asks again whether another one has brought back what it had to."""
NO_LINEAGE = "-"
LOG_PAGE = 500
PAST_READ = 2000
"""Changes from before a node came of which it learns the nonces: more than a failover may lose."""

_LIVING_MS = round(LIVING_SECONDS * 1000)

log = structlog.get_logger("dnsregistry.storage")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store says of itself."""

    epoch: str
    base: int
    last: int
    nonce: str
    merged: int
    locked: bool


class Joining:
    """Brings a replica and a store together over a link. Raises LinkDown."""

    def __init__(
        self,
        node: str,
        registry: Registry,
        replica: Replica,
        clock: StoreClock,
        scripts: Scripts,
        draw: Callable[[], str],
        first_base: Callable[[], int],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._node = node
        self._registry = registry
        self._replica = replica
        self._clock = clock
        self._scripts = scripts
        self._draw = draw
        self._first_base = first_base
        self._pause = pause

    async def join(self, link: Link, beaten: Mapping[str, float], anew: bool = False) -> int:
        """Have the replica hold what the store holds, and the other way round.

        `beaten` are keys of heartbeats that could not be told, with their times. `anew` has it read
        everything, since the log cannot be followed from where it is. Returns the base of the SOA
        serial.
        """
        verdict = await self._compare(link)
        common, is_sure = await self._find_common(link) if verdict == "apart" else (-1, True)
        facts = await self._claim(link, common)
        if facts.locked:
            replica = self._replica
            here = Standing(replica.epoch, replica.revision, facts.merged, is_sure)
            await self._merge(link, here, facts.epoch)
            facts = await self._claim(link, -1)
        revived = await self._revive(link, facts.epoch, beaten)
        if anew or verdict != "same" or revived or facts.epoch != self._replica.epoch:
            await self._load(link, facts)
        return facts.base

    async def ask(self, link: Link, script: Script, *arguments: object) -> Reply:
        """Run a script whose second word is the store's time. Raises Behind in another epoch."""
        asked = self._clock.now()
        reply = await link.run(script, *arguments)
        if len(reply) < 2:
            if reply == [b"epoch"]:
                raise Behind("another epoch has begun")
            return reply
        self._clock.measure(asked, reply[1])
        return reply

    async def tick(self, link: Link, most: int) -> Reply:
        """Say that this node is there, and end up to `most` leases; the reply of the script."""
        replica = self._replica
        return await self.ask(
            link,
            self._scripts.tick,
            *(replica.epoch, self._node, replica.revision, replica.past.nonce()),
            *(self._draw(), most, _LIVING_MS),
        )

    async def _compare(self, link: Link) -> str:
        if not self._replica.is_loaded:
            return "new"
        try:
            reply = await self.tick(link, 0)
        except Behind:
            return "epoch"
        verdict: str = reply[0].decode()
        return verdict

    async def _find_common(self, link: Link) -> tuple[int, bool]:
        """The last revision that the log shares with the replica, and whether that is sure."""
        past, found = self._replica.past, []
        start = self._replica.revision
        newest = await link.read_back(1 << 53, 0, 1)
        last = _revision(newest[0][0]) if newest else 0
        while entries := await link.read_back(start, past.oldest(), LOG_PAGE):
            page = [pair for entry, fields in entries for pair in _nonces(entry, fields)]
            found += page
            start = _revision(entries[-1][0]) - 1
            if past.knows_any(page) or start < past.oldest():
                break
        common = past.find_common(found)
        if common is not None:
            return common, True
        # The log is back where it was before anything that is remembered here.
        return max(0, min(last, past.oldest() - 1)), False

    async def _claim(self, link: Link, common: int) -> Facts:
        replica = self._replica
        while True:
            reply = await self.ask(
                link,
                self._scripts.claim,
                *(self._node, replica.epoch, replica.revision, common),
                *(self._draw(), self._first_base(), self._draw()),
            )
            if reply != [b"wait"]:
                break
            await self._pause(WAIT_SECONDS)
        _, _, epoch, base, last, nonce, merged, locked = reply
        return Facts(epoch.decode(), int(base), last, nonce.decode(), merged, bool(locked))

    async def _merge(self, link: Link, standing: Standing, epoch: str) -> None:
        snapshot = await self._read_pages(link, epoch)
        merge = plan(self._registry, standing, snapshot)
        log.warning(
            "the store had lost changes: bringing back what this node holds",
            instances=len(merge.restore),
            ended=len(merge.drop),
        )
        floors = [standing.common] * len(merge.restore)
        await self._restore(link, epoch, standing.lineage, standing.common, merge.restore, floors)
        for start in range(0, len(merge.drop), MOST_IN_SCRIPT):
            pairs = [word for pair in merge.drop[start : start + MOST_IN_SCRIPT] for word in pair]
            await self.ask(link, self._scripts.drop, epoch, self._node, self._draw(), *pairs)
        await self.ask(
            link, self._scripts.settle, epoch, self._node, standing.lineage, standing.revision
        )

    async def _revive(self, link: Link, epoch: str, beaten: Mapping[str, float]) -> int:
        """Put again what has sent heartbeats to this node alone; returns how many were gone."""
        now, find = self._clock.now(), self._registry.catalogue.find
        leases = [
            lease
            for key, time in beaten.items()
            if (lease := find(key)) is not None
            and lease.instance.ttl is not None
            and now < time + lease.instance.ttl
        ]
        floors = [lease.revision for lease in leases]
        filed = await self._restore(link, epoch, NO_LINEAGE, 0, leases, floors)
        for lease in leases:
            self._replica.move(lease, now + (lease.instance.ttl or 0))
        return filed

    async def _restore(
        self,
        link: Link,
        epoch: str,
        lineage: str,
        common: int,
        leases: Sequence[Lease],
        floors: Sequence[int],
    ) -> int:
        filed = 0
        for start in range(0, len(leases), MOST_IN_SCRIPT):
            arguments: list[object] = []
            stop = start + MOST_IN_SCRIPT
            async for lease, floor in take_turns(
                zip(leases[start:stop], floors[start:stop], strict=True)
            ):
                arguments += self._describe(lease, floor)
            reply = await self.ask(
                link,
                self._scripts.restore,
                *(epoch, self._node, self._draw(), lineage, common),
                *arguments,
            )
            filed += reply[2]
        return filed

    def _describe(self, lease: Lease, floor: int) -> Sequence[object]:
        instance, key = lease.instance, key_of(lease.instance.id)
        return (
            *(key, label_of(key), ttl_of(instance), write_state(instance), lease.revision, floor),
            *(lease.sequence, self._clock.to_store(lease.granted_at), write_body(instance)),
        )

    async def _load(self, link: Link, facts: Facts) -> None:
        before = await link.read_back(facts.last - 1, 0, PAST_READ) if facts.last else []
        past = [_nonces(entry, fields)[0] for entry, fields in reversed(before)]
        loading = Loading(facts.epoch, facts.last, facts.nonce, past)
        await self._read_into(link, loading)
        try:
            while entries := await link.read_forward(loading.revision, LOG_PAGE):
                async for entry, fields in take_turns(entries):
                    loading.take_change(read_change(entry, fields))
        except (Hole, ForeignContent) as error:
            raise Behind(str(error)) from None
        snapshot = loading.finish()
        steps = (
            self._replica.adopt(snapshot, self._clock.to_local)
            if self._replica.is_followed
            else self._replica.restore(snapshot, self._clock.to_local)
        )
        async for _ in take_turns(steps):
            pass

    async def _read_pages(self, link: Link, epoch: str) -> Snapshot:
        loading = Loading(epoch, 0, NO_LINEAGE)
        await self._read_into(link, loading)
        return loading.finish()

    async def _read_into(self, link: Link, loading: Loading) -> None:
        try:
            async for page in link.read_all():
                async for key, value, deadline in take_turns(page):
                    loading.take_value(key, value, deadline)
        except ForeignContent as error:
            raise LinkDown(
                f"{link.place} holds something else under this prefix: {error}"
            ) from None


def names_in(reply: Reply) -> list[str]:
    """The nodes that live, of the reply to a tick."""
    return [name.decode() for name in reply[3]]


def _nonces(entry_id: bytes, fields: Fields) -> list[tuple[int, str]]:
    """The nonces that an entry tells: its own, and that of the one before it."""
    revision = _revision(entry_id)
    return [
        (revision, fields.get(b"n", b"").decode()),
        (revision - 1, fields.get(b"p", b"").decode()),
    ]


def _revision(entry_id: bytes) -> int:
    return int(entry_id.partition(b"-")[2])
