"""What a node does while it has a link: follow the log, say that it is there, look at deadlines.

Each part runs until something fails, and raises LinkDown then.
"""

import asyncio
from random import random

from dnsregistry.storage.cluster.address import Sentinels, Server
from dnsregistry.storage.cluster.beats import MOST_IN_SCRIPT
from dnsregistry.storage.cluster.joining import Joining, names_in
from dnsregistry.storage.cluster.link import Link, LinkDown, find_master
from dnsregistry.storage.cluster.nodes import Nodes
from dnsregistry.storage.cluster.replica import Hole, Replica
from dnsregistry.storage.cluster.scripts import Scripts, draw_nonce
from dnsregistry.storage.cluster.serial import ClusterSerial
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import ForeignContent, key_of, read_change
from dnsregistry.storage.cluster.writer import Behind, Torn
from dnsregistry.turns import take_turns

TICK_SECONDS = 0.35
"""Between two looks at the store, give or take a quarter: three a second, as its scripts expect."""
SILENT_TICKS = 10
"""Ticks that the log may be ahead of the replica without a word: its connection is dead then."""
MASTER_TICKS = 3
"""Ticks between two questions to the Sentinels: half of what leases are given for it."""
LOG_MOST = 500
"""Changes read at once."""
MOST_LOOKS = 20 * MOST_IN_SCRIPT
"""Deadlines asked for in one tick: 100,000 leases of 30 seconds need a fifth of it."""


class Following:
    """The parts of it; what is noted meanwhile is paid now or later."""

    def __init__(
        self,
        address: Server | Sentinels,
        replica: Replica,
        joining: Joining,
        scripts: Scripts,
        clock: StoreClock,
        serial: ClusterSerial,
        nodes: Nodes,
    ) -> None:
        self._address = address
        self._replica = replica
        self._joining = joining
        self._scripts = scripts
        self._clock = clock
        self._serial = serial
        self._nodes = nodes
        self.lag = 0
        """By how many changes the replica was behind the store when that was last asked."""
        self._owed = 0
        self._owing = asyncio.Event()

    def note(self) -> None:
        """Have the SOA serial move for a change that is not the registry's, now or later."""
        self._owed += 1
        self._owing.set()

    async def follow_log(self, link: Link) -> None:
        """Apply each change as the log tells it."""
        replica, clock = self._replica, self._clock
        while True:
            entries = await link.read_log(replica.revision, LOG_MOST)
            try:
                async for entry, fields in take_turns(entries):
                    if replica.apply(read_change(entry, fields), clock.to_local):
                        self._serial.tell()
            except (Hole, ForeignContent) as error:
                raise Torn(str(error)) from None

    async def look_after(self, link: Link) -> None:
        """Tell the store three times a second that this node is there; look if all is well."""
        silent = ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS * (0.75 + random() / 2))  # noqa: S311 - only spreads
            before = self._replica.revision
            reply = await self._joining.tick(link, 0)
            self._nodes.hear(names_in(reply))
            if reply[0] != b"same":
                raise Behind(f"the log is {reply[0].decode()}")
            self.lag = max(0, reply[2] - self._replica.revision)
            silent = silent + 1 if before < reply[2] and before == self._replica.revision else 0
            if silent > SILENT_TICKS:
                raise LinkDown(f"the log of {link.place} is not heard")
            ticks += 1
            if isinstance(self._address, Sentinels) and ticks % MASTER_TICKS == 0:
                host, port = await find_master(self._address)
                if link.place != f"{host}:{port}":
                    raise Behind(f"{host}:{port} is the master now")
            await self._look_at_deadlines(link)

    async def pay_notes(self, link: Link) -> None:
        """Bring to the store what was noted."""
        while True:
            await self._owing.wait()
            while self._owed:
                await self._joining.ask(link, self._scripts.note, self._replica.epoch, draw_nonce())
                self._owed -= 1
            self._owing.clear()

    async def _look_at_deadlines(self, link: Link) -> None:
        looked = 0
        while looked < MOST_LOOKS and (
            leases := self._replica.take_looks(self._clock.now(), MOST_IN_SCRIPT)
        ):
            looked += len(leases)
            keys = [key_of(lease.instance.id) for lease in leases]
            reply = await self._joining.ask(link, self._scripts.look, self._replica.epoch, *keys)
            for lease, deadline in zip(leases, reply[2], strict=True):
                if deadline is not None:
                    self._replica.move(lease, self._clock.to_local(int(float(deadline))))
