"""From message to message: a plain call, no await and no task.

In this order: the guard, who may ask, how often, then what the answer is. A question that came
before has its finished reply in the table; only who may ask, and as often as they like, get that.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from dnsregistry.answers.access import Access, Client
from dnsregistry.answers.answer import PROHIBITED, REFUSED, Answer
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.chase import CHASED, ask_for_end, join_end
from dnsregistry.answers.decide import Moment, decide
from dnsregistry.answers.message import encode, encode_ede, encode_fault, encode_options
from dnsregistry.answers.options import NO_OPTIONS, OptionAnswerer, Options
from dnsregistry.answers.order import Chance, order
from dnsregistry.answers.protocol import (
    CLASSIC_UDP_OCTETS,
    EDNS_UDP_OCTETS,
    TCP_OCTETS,
    Rcode,
)
from dnsregistry.answers.query import Fault, Query, Silence, decode
from dnsregistry.answers.ratelimit import RateLimit, Verdict
from dnsregistry.answers.subset import choose, take
from dnsregistry.answers.table import AnswerTable
from dnsregistry.answers.tally import Tally
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.lookup import NotOurs
from dnsregistry.zone.name import Name

MOST_IN_A_DATAGRAM = EDNS_UDP_OCTETS // 16
"""No record with its owner as a pointer is shorter than that of an IPv4 address."""
_TC_OCTET, _TC_BIT = 2, 0x02
_ANSWER_COUNT = slice(6, 8)


@dataclass(frozen=True, slots=True)
class Protection:
    """Who may ask, and who how often; without a `limit` everyone as often as they like."""

    access: Access
    limit: RateLimit | None
    unlimited: Access


class Elsewhere(Protocol):
    """Whoever answers for names that are not ours."""

    def answer(
        self, query: Query, message: bytes, limit: int, options: bytes
    ) -> bytes | asyncio.Future[bytes]:
        """Return the reply, or a future of it; `options` go into its OPT."""
        ...


@dataclass(frozen=True, slots=True)
class Recursion:
    """Who answers for names that are not ours, and for whom."""

    elsewhere: Elsewhere
    access: Access


Reply = bytes | asyncio.Future[bytes] | None
"""What comes of a message: a reply at once, one to come, or none."""


class Responder:
    """Answers messages about our zones, has others' forwarded, and counts what it answered."""

    def __init__(
        self,
        zones: Authority,
        identity: Identity,
        options: OptionAnswerer,
        protection: Protection,
        recursion: Recursion | None,
        now: Callable[[], float],
        chance: Chance,
    ) -> None:
        self.tally = Tally()
        self.table = AnswerTable(lambda: zones.version, chance)
        self._zones = zones
        self._identity = identity
        self._options = options
        self._protection = protection
        self._recursion = recursion
        self._now = now
        self._chance = chance

    def respond(self, message: bytes, client: Client) -> Reply:
        """Return the reply to a message, at once for names of ours."""
        now = self._now()
        kept = None if client.tcp else self._find_kept(message, client, now)
        if kept is not None:
            return kept
        query = decode(message)
        if isinstance(query, Silence):
            self.tally.silent += 1
            return None
        options = self._options.answer(query.edns, client, now)
        verdict = self._judge(client, options, now)
        if verdict is Verdict.DROP:
            return None
        if isinstance(query, Fault):
            return self._turn_away(query)
        if verdict is Verdict.SLIP:
            slip = options.reply if options else ()
            return encode(query, Answer(Rcode.NOERROR), _limit(query, client), slip, cut=True)
        if options is None:
            answer, options = Answer(Rcode.FORMERR), NO_OPTIONS
        elif not self._protection.access.allows(client.address):
            answer = PROHIBITED
        else:
            moment = Moment(now, self._chance, client.address)
            decided = decide(query.question, self._zones, self._identity, moment)
            if isinstance(decided, NotOurs):
                return self._ask_elsewhere(query, message, options, client)
            answer = decided
            if answer.open_end is not None and query.question.rtype in CHASED:
                return self._chase(query, answer, answer.open_end, options, client)
        self.tally.rcodes[answer.rcode] += 1
        reply = self._write(query, answer, options, client)
        if answer.until > now and _is_common(query, reply, client):
            self.table.keep(query, message, answer, reply)
        return reply

    def fail(self, message: bytes) -> bytes | None:
        """Return SERVFAIL for a message that `respond` raised on."""
        query = decode(message)
        if isinstance(query, Query):
            self.tally.rcodes[Rcode.SERVFAIL] += 1
            return encode(query, Answer(Rcode.SERVFAIL), CLASSIC_UDP_OCTETS)
        return self._turn_away(query) if isinstance(query, Fault) else None

    def _find_kept(self, message: bytes, client: Client, now: float) -> bytes | None:
        """The finished reply, for a client that may have it without being counted."""
        protection = self._protection
        if protection.limit is not None and not protection.unlimited.allows(client.address):
            return None
        if not protection.access.allows(client.address):
            return None
        recursion = self._recursion_for(client) is not None
        kept = self.table.find(message, now, recursion=recursion)
        if kept is None:
            return None
        self.tally.rcodes[kept.rcode] += 1
        return kept.reply

    def _judge(self, client: Client, options: Options | None, now: float) -> Verdict:
        limit = self._protection.limit
        proven = client.tcp or (options is not None and options.proven)
        if limit is None or proven or self._protection.unlimited.allows(client.address):
            return Verdict.SEND
        verdict = limit.judge(client.address, now)
        self.tally.limited += verdict is not Verdict.SEND
        return verdict

    def _ask_elsewhere(
        self, query: Query, message: bytes, options: Options, client: Client
    ) -> Reply:
        recursion = self._recursion_for(client)
        if recursion is None or not query.recursion_desired:
            self.tally.rcodes[Rcode.REFUSED] += 1
            return self._write(query, REFUSED, options, client)
        self.tally.forwarded += 1
        limit = _limit(query, client)
        return recursion.elsewhere.answer(query, message, limit, encode_options(options.reply))

    def _chase(
        self, query: Query, answer: Answer, target: Name, options: Options, client: Client
    ) -> Reply:
        """The answer with the end of its alias, where this client may have that fetched."""

        def finish(reply: bytes) -> bytes:
            joined = join_end(answer, reply)
            self.tally.rcodes[joined.rcode] += 1
            return self._write(query, joined, options, client)

        recursion = self._recursion_for(client)
        if recursion is None or not query.recursion_desired:
            self.tally.rcodes[answer.rcode] += 1
            return self._write(query, answer, options, client)
        asked, message = ask_for_end(target, query.question.rtype)
        reply = recursion.elsewhere.answer(asked, message, TCP_OCTETS, b"")
        return finish(reply) if isinstance(reply, bytes) else _map(reply, finish)

    def _recursion_for(self, client: Client) -> Recursion | None:
        recursion = self._recursion
        return recursion if recursion and recursion.access.allows(client.address) else None

    def _write(self, query: Query, answer: Answer, options: Options, client: Client) -> bytes:
        limit = _limit(query, client)
        recursion = self._recursion_for(client) is not None
        if answer.ede is not None:
            options = replace(options, reply=(*options.reply, encode_ede(answer.ede)))
        reply = encode(query, answer, limit, options.reply, recursion=recursion)
        if client.tcp or not reply[_TC_OCTET] & _TC_BIT or not answer.answer:
            return reply
        shortened = self._shorten(query, answer, options, client)
        return encode(query, shortened, limit, options.reply, cut=True, recursion=recursion)

    def _shorten(self, query: Query, answer: Answer, options: Options, client: Client) -> Answer:
        """The answer with as many records of its last RRset as fit, the client's own ones."""
        *chain, last = answer.answer
        ranked = choose(last, MOST_IN_A_DATAGRAM, client.address)
        tried = replace(answer, answer=(*chain, ranked))
        reply = encode(query, tried, _limit(query, client), options.reply, cut=True)
        written = int.from_bytes(reply[_ANSWER_COUNT])
        room = max(0, written - sum(len(rrset.rdatas) for rrset in chain))
        return replace(answer, answer=(*chain, order(take(ranked, room), self._chance)))

    def _turn_away(self, fault: Fault) -> bytes:
        self.tally.rcodes[fault.rcode] += 1
        return encode_fault(fault)


def _is_common(query: Query, reply: bytes, client: Client) -> bool:
    """Whether a reply is good for every client that asks the same: whole, by UDP, of a usual size.

    The usual sizes are 512 and ours; in between, few octets of the OPT make a difference.
    """
    if client.tcp or reply[_TC_OCTET] & _TC_BIT:
        return False
    edns = query.edns
    if edns is None:
        return True
    size = edns.udp_octets
    return not edns.options and (size <= CLASSIC_UDP_OCTETS or size >= EDNS_UDP_OCTETS)


def _map(future: asyncio.Future[bytes], change: Callable[[bytes], bytes]) -> asyncio.Future[bytes]:
    """A future of the changed result; cancelling it cancels the first one."""
    changed: asyncio.Future[bytes] = future.get_loop().create_future()

    def pass_on(done: asyncio.Future[bytes]) -> None:
        if done.cancelled():
            changed.cancel()
        elif not changed.cancelled():
            try:
                changed.set_result(change(done.result()))
            except Exception as error:  # noqa: BLE001 - told to whoever waits, not swallowed
                changed.set_exception(error)

    def withdraw(done: asyncio.Future[bytes]) -> None:
        if done.cancelled():
            future.cancel()

    future.add_done_callback(pass_on)
    changed.add_done_callback(withdraw)
    return changed


def _limit(query: Query, client: Client) -> int:
    if client.tcp:
        return TCP_OCTETS
    if query.edns is None:
        return CLASSIC_UDP_OCTETS
    # A client that names less than 512 means 512 (RFC 6891, 6.2.3).
    return max(CLASSIC_UDP_OCTETS, min(query.edns.udp_octets, EDNS_UDP_OCTETS))
