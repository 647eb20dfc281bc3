"""A forwarder with a clock set by hand, asked as by a client; upstreams are real sockets."""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from dnsregistry.answers.protocol import CLASSIC_UDP_OCTETS, TCP_OCTETS
from dnsregistry.answers.query import Query, decode
from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.flight import Flight
from dnsregistry.forward.forwarder import Bounds, Forwarder
from dnsregistry.forward.groups import Groups
from dnsregistry.forward.plan import Plan, Route
from dnsregistry.zone.name import Name
from tests.forward.fakes import Behaviour, FakeUpstream
from tests.wire import Reply, make_query

PATIENCE = 30.0
"""Seconds until a test gives up waiting; nothing takes so long on a machine that lives."""


class House:
    """One forwarder and its clock."""

    def __init__(self, plan: Plan, bounds: Bounds) -> None:
        self.now = 1000.0
        self.groups = Groups(plan)
        self.forwarder = Forwarder(self.groups, bounds, lambda: self.now, secrets.randbits)
        self.tally = self.forwarder.tally
        self._idle = asyncio.Event()
        end = self.forwarder._end

        def end_and_tell(flight: Flight) -> None:
            end(flight)
            if not self.forwarder._flights:
                self._idle.set()

        self.forwarder._end = end_and_tell  # type: ignore[method-assign]

    async def rest(self) -> None:
        """Wait until no question is on its way."""
        async with asyncio.timeout(PATIENCE):
            while self.forwarder._flights:
                self._idle.clear()
                await self._idle.wait()

    def begin(
        self, name: str = "www.example.", rtype: str = "A", *, tcp: bool = False, **more: object
    ) -> "bytes | asyncio.Future[bytes]":
        """Hand a query in as the responder does."""
        message = make_query(name, rtype, **more)  # type: ignore[arg-type]
        return self.begin_with(message, tcp=tcp)

    def begin_with(self, message: bytes, *, tcp: bool = False) -> "bytes | asyncio.Future[bytes]":
        """Hand in a query in octets."""
        query = decode(message)
        assert isinstance(query, Query)
        limit = CLASSIC_UDP_OCTETS
        if query.edns is not None:
            limit = max(limit, min(query.edns.udp_octets, 1232))
        return self.forwarder.answer(query, message, TCP_OCTETS if tcp else limit)

    async def ask(self, name: str = "www.example.", rtype: str = "A", **more: object) -> Reply:
        """Ask and wait."""
        return await wait(self.begin(name, rtype, **more))  # type: ignore[arg-type]

    def ask_at_once(self, name: str = "www.example.", rtype: str = "A", **more: object) -> Reply:
        """Ask what has to be answered without waiting."""
        reply = self.begin(name, rtype, **more)  # type: ignore[arg-type]
        assert isinstance(reply, bytes)
        return Reply.of(reply)


async def wait(reply: "bytes | asyncio.Future[bytes]") -> Reply:
    """The reply, now or when it comes."""
    if isinstance(reply, bytes):
        return Reply.of(reply)
    async with asyncio.timeout(PATIENCE):
        return Reply.of(await reply)


Build = Callable[..., House]
Listen = Callable[..., Awaitable[FakeUpstream]]


@pytest.fixture
async def build() -> AsyncIterator[Build]:
    """Build a forwarder over endpoints or upstreams; at the end no socket of it may be left."""
    houses: list[House] = []
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))

    def make(
        *upstreams: FakeUpstream | Endpoint,
        routes: dict[str, FakeUpstream] | None = None,
        bounds: Bounds | None = None,
    ) -> House:
        plan = Plan(
            tuple(
                upstream.endpoint if isinstance(upstream, FakeUpstream) else upstream
                for upstream in upstreams
            ),
            routes=tuple(
                Route(Name.from_text(suffix), (upstream.endpoint,))
                for suffix, upstream in (routes or {}).items()
            ),
        )
        houses.append(House(plan, bounds or Bounds()))
        return houses[-1]

    yield make
    for house in houses:
        await house.forwarder.stop()
        assert house.forwarder._means.open_sockets == 0
        assert not house.forwarder._flights
        assert all(group.asking == 0 for group in house.groups._routes.values())
        assert house.forwarder._waiting == 0
    # What a callback raises reaches nobody but the loop.
    assert not errors


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Start an upstream that behaves in some way."""
    running: list[FakeUpstream] = []

    async def start(behave: Behaviour, **more: object) -> FakeUpstream:
        upstream = FakeUpstream(behave, **more)  # type: ignore[arg-type]
        running.append(upstream)
        return await upstream.__aenter__()

    yield start
    for upstream in running:
        await upstream.stop()


@pytest.fixture
def nobody() -> Endpoint:
    """A port on which nobody listens: the kernel answers that it is unreachable."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return Endpoint("127.0.0.1", sock.getsockname()[1])
