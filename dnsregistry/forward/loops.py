"""Whether asking an upstream leads back to ourselves.

Each upstream is asked for a name that nobody can guess. Where a query for that name comes in at
our own door, its upstream forwards to us, and is asked no more. The name is under a label of
our own instead of `invalid` or `test`, which resolvers on the way answer by themselves (RFC
6761), and would hide the loop.
"""

import asyncio
from collections.abc import Iterable

from dnsregistry.answers.protocol import RRClass
from dnsregistry.forward.inquiry import Fault, Inquiry
from dnsregistry.forward.means import Means
from dnsregistry.forward.question import Asked
from dnsregistry.forward.reply import Reply
from dnsregistry.forward.upstream import Upstream
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType

MARK = "dnsregistry-loop"
NONCE_BITS = 64


class LoopWatch:
    """The probes that are on their way, by their wire name in lower case."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._probes: dict[bytes, tuple[Upstream, asyncio.Future[None]]] = {}

    def notice(self, name: bytes) -> bool:
        """Take a name that came in from outside; returns whether it is one of the probes."""
        probe = self._probes.get(name)
        if probe is None:
            return False
        upstream, over = probe
        upstream.loops = True
        if not over.done():
            over.set_result(None)
        return True

    async def detect(self, upstreams: Iterable[Upstream], seconds: float) -> list[Upstream]:
        """Return those that lead back to us, as far as it shows within so many seconds."""
        inquiries = []
        waits = []
        asked = list(upstreams)
        try:
            for upstream in asked:
                inquiry, over = self._begin(upstream)
                inquiries.append(inquiry)
                waits.append(over)
                inquiry.start()
            if waits:
                await asyncio.wait(waits, timeout=seconds)
        finally:
            for inquiry in inquiries:
                inquiry.close()
            self._probes.clear()
        return [upstream for upstream in asked if upstream.loops]

    def _begin(self, upstream: Upstream) -> tuple[Inquiry, "asyncio.Future[None]"]:
        over: asyncio.Future[None] = self._means.loop.create_future()

        def end(_: Inquiry, __: Reply | Fault) -> None:
            if not over.done():
                over.set_result(None)

        nonce = f"{self._means.random_bits(NONCE_BITS):016x}"
        name = Name((nonce.encode(), MARK.encode())).to_wire()
        self._probes[name] = upstream, over
        question = Asked(name, RRType.TXT, RRClass.IN, dnssec_ok=False, checking_disabled=False)
        return Inquiry(upstream, question, self._means, end), over
