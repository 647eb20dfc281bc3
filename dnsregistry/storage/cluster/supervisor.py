"""What keeps a node with its store: seeks it, joins, stays until something fails, seeks again."""

import asyncio
from collections.abc import Callable, Iterable
from random import random

import structlog

from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.address import Sentinels, Server
from dnsregistry.storage.cluster.following import Following
from dnsregistry.storage.cluster.joining import Joining, names_in
from dnsregistry.storage.cluster.link import Link, LinkDown, LinkRefused, open_link
from dnsregistry.storage.cluster.nodes import Nodes
from dnsregistry.storage.cluster.pauses import Pauses
from dnsregistry.storage.cluster.replica import Replica
from dnsregistry.storage.cluster.serial import ClusterSerial
from dnsregistry.storage.cluster.tasks import run_together
from dnsregistry.storage.cluster.writer import Behind, Torn, Writer
from dnsregistry.storage.store import Outage

PAUSE_SECONDS = 0.3
"""Between two tries to reach the store, give or take a half, so that nodes do not come at once."""
SHAKEN_SECONDS = 1.0
"""A second failure within this is an outage, though the store could be reached in between."""

log = structlog.get_logger("dnsregistry.storage")


class Supervisor:
    """`link` is there while the node is with its store, `outage` while the store is away.

    `settled` is set once the store was found or is known to be away; `refusal` is why it would not
    have this node at the first try. `outages` counts.
    """

    def __init__(
        self,
        address: Server | Sentinels,
        prefix: str,
        registry: Registry,
        replica: Replica,
        joining: Joining,
        following: Following,
        writer: Writer,
        serial: ClusterSerial,
        nodes: Nodes,
        now: Callable[[], float],
    ) -> None:
        self._address = address
        self._prefix = prefix
        self._registry = registry
        self._replica = replica
        self._joining = joining
        self._following = following
        self._writer = writer
        self._serial = serial
        self._nodes = nodes
        self._now = now
        self.link: Link | None = None
        self.outage: Outage | None = None
        self.outages = 0
        self.refusal: LinkRefused | None = None
        self.settled = asyncio.Event()
        self._link_held = False
        self._shaken_at = -SHAKEN_SECONDS
        self._pauses = Pauses(PAUSE_SECONDS)
        self._is_torn = False
        self._loaded: Callable[[], None] = lambda: None
        self._beaten: dict[str, float] = {}

    def when_loaded(self, call: Callable[[], None]) -> None:
        """Call this once the replica holds something to answer from; at once where it does."""
        self._loaded = call
        if self._replica.is_loaded:
            call()

    def note_beats(self, keys: Iterable[str]) -> None:
        """Note heartbeats that could not be told: what has sent one is put again if it ended."""
        now, find = self._now(), self._registry.catalogue.find
        for key in keys:
            if find(key) is not None:
                self._beaten[key] = now

    async def run(self) -> None:
        """Seek the store without end, and stay with it whenever it is found."""
        while True:
            pauses, pause = self._pauses, PAUSE_SECONDS
            try:
                await self._stay(await open_link(self._address, self._prefix))
            except Behind as error:
                self._is_torn = self._is_torn or isinstance(error, Torn)
                pause = pauses.after(self._now())
                if not pauses.are_due:
                    log.info("the replica is brought up to the store", reason=str(error))
                    continue
                self._link_held = False
                self._lose(error)
            except LinkDown as error:
                held, self._link_held = self._link_held, False
                if held:
                    pause = pauses.after(self._now())
                if held and self._now() - self._shaken_at > SHAKEN_SECONDS:
                    # A connection that is lost is no outage yet: the next one may be there at once.
                    self._shaken_at = self._now()
                    continue
                self._lose(error)
            except Exception as error:
                log.exception("the store's task failed")
                pause = pauses.after(self._now())
                self._lose(LinkDown(f"an error of ours: {error!r}"))
            await asyncio.sleep(pause * (0.5 + random()))  # noqa: S311 - only spreads

    async def _stay(self, link: Link) -> None:
        """Join, then follow until something fails."""
        try:
            self._serial.base = await self._joining.join(link, self._beaten, self._is_torn)
            self._is_torn = False
            reply = await self._joining.tick(link, 0)
            self._nodes.find(names_in(reply))
            self._find(link)
            await run_together(
                self._following.follow_log(link),
                self._following.look_after(link),
                self._writer.run(link, self._replica.epoch),
                self._following.pay_notes(link),
            )
        finally:
            self.link = None
            await link.close()

    def _find(self, link: Link) -> None:
        if self.outage is not None:
            away = round(self._now() - self.outage.since, 1)
            log.info("the store is back", place=link.place, away_seconds=away)
        self.outage = None
        self._beaten.clear()
        self.link = link
        self._link_held = True
        self._pauses.begin(self._now())
        self._serial.tell()
        self._loaded()
        self.settled.set()

    def _lose(self, error: LinkDown) -> None:
        if self.outage is None:
            self.outages += 1
            log.warning("the store is away; answering from memory", reason=str(error))
            self.outage = Outage(self._now(), str(error))
        else:
            self.outage = Outage(self.outage.since, str(error))
        if isinstance(error, LinkRefused) and not self.settled.is_set():
            self.refusal = error
        self._writer.fail(str(error))
        self.settled.set()
