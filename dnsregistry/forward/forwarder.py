"""The door: a query for a name that is not ours, and the reply to it, at once or later.

Rules:
- What is kept and fresh is answered at once. Equal questions are asked once, and all who wait
  get the one answer.
- Stale data stands in where asking fails, where it takes longer than `STALE_AFTER_SECONDS`, and
  at once where no upstream has answered lately; asking goes on behind it (RFC 8767, 5).
- A question that failed is not asked again for a moment (RFC 9520).
- Past a bound: stale data, else SERVFAIL, at once. Where there are routes, none of them gets
  more than half, so that a dead network behind one leaves room for the others.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from dnsregistry.answers.protocol import ANY, META_TYPES, OPT, Rcode, RRClass
from dnsregistry.answers.query import Query
from dnsregistry.forward.cache import Cache, CacheBounds, Entry
from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.failures import FAILURE_SECONDS, STALE_RECHECK_SECONDS, Failures
from dnsregistry.forward.flight import Flight
from dnsregistry.forward.groups import Group, Groups
from dnsregistry.forward.health import demoted, rank
from dnsregistry.forward.loops import LoopWatch
from dnsregistry.forward.means import Means
from dnsregistry.forward.outlook import Outlook, Prospect
from dnsregistry.forward.question import Asked, RandomBits
from dnsregistry.forward.race import Lost, Race
from dnsregistry.forward.relay import Asker, Ede, deny, relay
from dnsregistry.forward.reply import Reply
from dnsregistry.forward.reviews import Reviews
from dnsregistry.forward.tally import ForwardTally
from dnsregistry.forward.upstream import Upstream

STALE_AFTER_SECONDS = 1.8
"""Before a stub asks its next server (RFC 8767, 5)."""
LOOP_SECONDS = 2.0
"""For a probe to come back: more than any chain of forwarders in a house takes."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may be going on at once.

    Flights are different questions on their way, waiters the clients that wait for them. The
    sockets stay below the 1,024 files that a process has where nobody says otherwise, and are
    more than half of the flights, which is the share of one route, can hold at two each.
    """

    cache: CacheBounds = field(default_factory=CacheBounds)
    flights: int = 500
    waiters: int = 10_000
    sockets: int = 800


class Forwarder:
    """Built on the running loop. `now` is the cache's clock in seconds; timers are the loop's."""

    def __init__(
        self, groups: Groups, bounds: Bounds, now: Callable[[], float], random_bits: RandomBits
    ) -> None:
        self.tally = ForwardTally()
        self._groups = groups
        self._bounds = bounds
        self._now = now
        self._means = Means(random_bits, bounds.sockets)
        self._cache = Cache(bounds.cache)
        self._failures = Failures()
        self._flights: dict[Asked, Flight] = {}
        self._waiting = 0
        self._reviews = Reviews(self._means)
        self._loops = LoopWatch(self._means)
        self._stopped = False

    def answer(
        self, query: Query, message: bytes, limit: int, options: bytes = b""
    ) -> "bytes | asyncio.Future[bytes]":
        """Return the reply to a query, or a future that has it within RACE_SECONDS.

        `message` is the query as it came, `limit` the octets that the reply may have, `options`
        what else goes into its OPT. Who may ask was decided before. The future may be cancelled.
        """
        self.tally.queries += 1
        asker = Asker.of(query, message, limit, options)
        asked = asker.asked
        if not _may_be_asked(query) or self._loops.notice(asked.name):
            return self._refuse(asker)
        now = self._now()
        entry = self._cache.find(asked, now)
        if entry is not None and entry.is_fresh(now):
            self.tally.hits += 1
            return relay(asker, entry.reply, entry.body(now))
        flight = self._flights.get(asked)
        if flight is None:
            begun = self._begin(asker, asked, entry, now)
            if isinstance(begun, bytes):
                return begun
            flight = begun
        else:
            self.tally.joined += 1
        if flight.stale_given and flight.stale is not None:
            return self._write_stale(asker, flight.stale)
        if self._waiting >= self._bounds.waiters:
            return self._turn_away(asker, flight.stale)
        self._waiting += 1
        return flight.join(asker, self._means.loop)

    def inspect(self, query: Query, message: bytes, limit: int) -> Outlook:
        """Tell what `answer` would do now; nobody is asked, and nothing is counted."""
        asker = Asker.of(query, message, limit, b"")
        now = self._now()
        group = self._groups.find(asker.asked.name)
        if not _may_be_asked(query) or group is None:
            return Outlook(Prospect.REFUSED)
        named = tuple(str(upstream.endpoint) for upstream in group.upstreams(now))
        entry = self._cache.find(asker.asked, now, used=False)
        if entry is not None and entry.is_fresh(now):
            return Outlook(Prospect.CACHED, named, relay(asker, entry.reply, entry.body(now)))
        if entry is not None:
            return Outlook(Prospect.STALE, named)
        failed = self._failures.holds(asker.asked, now)
        return Outlook(Prospect.FAILED if failed else Prospect.ASKED, named)

    async def detect_loops(self, seconds: float = LOOP_SECONDS) -> list[Endpoint]:
        """Return the upstreams that ask us in turn; from then on they are not asked.

        To be called once our own listeners accept, and their queries reach `answer`.
        """
        upstreams = self._groups.all_upstreams(self._now())
        found = await self._loops.detect(upstreams, seconds)
        return [upstream.endpoint for upstream in found]

    async def stop(self) -> None:
        """End what is on its way with SERVFAIL, and close every socket."""
        self._stopped = True
        for flight in list(self._flights.values()):
            flight.race.close()
            self._end(flight)
            self._waiting -= flight.deliver(_fail, self._means.loop)
        self._reviews.close()
        await asyncio.gather(*self._means.tasks, return_exceptions=True)

    def upstreams(self) -> list[Upstream]:
        """Those that are asked now, each once, with their health and counts."""
        return self._groups.all_upstreams(self._now())

    def cached(self) -> tuple[int, int]:
        """How many entries the cache holds, and about how many octets they take."""
        return len(self._cache), self._cache.octets

    def _begin(self, asker: Asker, asked: Asked, stale: Entry | None, now: float) -> Flight | bytes:
        """Begin to ask, or return what is answered instead."""
        if self._failures.holds(asked, now):
            if stale is not None:
                return self._write_stale(asker, stale)
            self.tally.failed += 1
            return deny(asker, Rcode.SERVFAIL, Ede.CACHED_ERROR)
        group = self._groups.find(asked.name)
        if group is None:
            return self._refuse(asker)
        if self._is_full(group):
            return self._turn_away(asker, stale)
        named = group.upstreams(now)
        if not named:
            self.tally.failed += 1
            return deny(asker, Rcode.SERVFAIL, Ede.NO_REACHABLE_AUTHORITY)
        self.tally.asked += 1
        return self._start(asked, group, named, stale)

    def _start(
        self, asked: Asked, group: Group, named: list[Upstream], stale: Entry | None
    ) -> Flight:
        flight = Flight(asked, group, stale)
        if stale is not None:
            flight.stale_given = all(upstream.health.is_down for upstream in named)
            flight.stale_timer = self._means.loop.call_later(
                STALE_AFTER_SECONDS, self._stand_in, flight, stale
            )
        ranked = rank(named)
        flight.race = Race(asked, ranked, self._means, partial(self._land, flight))
        self._flights[asked] = flight
        group.asking += 1
        flight.race.start()
        self._reviews.consider(demoted(named, ranked), asked)
        return flight

    def _land(self, flight: Flight, outcome: Reply | Lost) -> None:
        self._end(flight)
        now = self._now()
        if isinstance(outcome, Reply):
            self._cache.keep(flight.asked, outcome, now)
            write = partial(relay, reply=outcome, body=outcome.body)
        elif flight.stale is not None:
            self._failures.note(flight.asked, now + STALE_RECHECK_SECONDS)
            write = partial(self._write_stale, stale=flight.stale)
        else:
            self._failures.note(flight.asked, now + FAILURE_SECONDS)
            write = partial(_fail, ede=None if outcome.heard else Ede.NO_REACHABLE_AUTHORITY)
        if isinstance(outcome, Lost):
            if outcome.heard:
                self.tally.faults += 1
            else:
                self.tally.timeouts += 1
        self._waiting -= flight.deliver(write, self._means.loop)

    def _end(self, flight: Flight) -> None:
        del self._flights[flight.asked]
        flight.group.asking -= 1
        if flight.stale_timer is not None:
            flight.stale_timer.cancel()

    def _stand_in(self, flight: Flight, stale: Entry) -> None:
        flight.stale_given = True
        write = partial(self._write_stale, stale=stale)
        self._waiting -= flight.deliver(write, self._means.loop)

    def _write_stale(self, asker: Asker, stale: Entry) -> bytes:
        self.tally.stale += 1
        denied = stale.reply.rcode == Rcode.NXDOMAIN
        ede = Ede.STALE_NXDOMAIN if denied else Ede.STALE_ANSWER
        return relay(asker, stale.reply, stale.body(self._now()), ede)

    def _turn_away(self, asker: Asker, stale: Entry | None) -> bytes:
        if stale is not None:
            return self._write_stale(asker, stale)
        self.tally.overload += 1
        return deny(asker, Rcode.SERVFAIL)

    def _refuse(self, asker: Asker) -> bytes:
        self.tally.refused += 1
        return deny(asker, Rcode.REFUSED, available=False)

    def _is_full(self, group: Group) -> bool:
        share = self._bounds.flights // (2 if self._groups.has_routes else 1)
        return (
            self._stopped
            or len(self._flights) >= self._bounds.flights
            or group.asking >= share
            or self._means.is_exhausted
        )


def _may_be_asked(query: Query) -> bool:
    """Whether an upstream is to be asked such a thing: data of the Internet, for one who wants
    it resolved.
    """
    question = query.question
    meta = question.rtype in META_TYPES and question.rtype != ANY
    return (
        query.recursion_desired
        and question.rclass == RRClass.IN
        and question.rtype != OPT
        and not meta
    )


def _fail(asker: Asker, ede: Ede | None = None) -> bytes:
    return deny(asker, Rcode.SERVFAIL, ede)
