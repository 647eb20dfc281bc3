"""From message to message: a plain call, no await and no task.

In this order: the table for whoever may ask, which has finished replies to what came before; the
guard, how often, who, then what the answer is.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from ipaddress import ip_address
from typing import Protocol

from dnsregistry.answers.access import Access, Client
from dnsregistry.answers.answer import NO_ELSEWHERE, Answer
from dnsregistry.answers.asked import Asked
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.chase import ask_for_end, join_end
from dnsregistry.answers.decide import Lookups, Moment
from dnsregistry.answers.futures import map_future
from dnsregistry.answers.message import encode, encode_fault, encode_options
from dnsregistry.answers.options import NO_OPTIONS, OptionAnswerer, Options
from dnsregistry.answers.order import Chance
from dnsregistry.answers.protocol import CLASSIC_UDP_OCTETS, TCP_OCTETS, Rcode
from dnsregistry.answers.query import Fault, Query, Question, Silence, decode
from dnsregistry.answers.ratelimit import Bucket, RateLimit, Verdict
from dnsregistry.answers.ruling import AskOthers, Chase, Ruling, rule
from dnsregistry.answers.standing import Standing
from dnsregistry.answers.table import AnswerTable
from dnsregistry.answers.tally import OTHER_TYPE, Path, Tally
from dnsregistry.answers.writing import Written, write
from dnsregistry.zone.authority import Authority

MOST_STANDINGS = 4096
"""Clients remembered: a house's ask again and again. Past it they are met anew."""
_RCODE_AT, _RCODE_BITS = 3, 0x0F


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
        self.table = AnswerTable(zones, self.tally, chance)
        self._standings: dict[str, Standing] = {}
        self._zones = zones
        self._identity = identity
        self._options = options
        self._protection = protection
        self._recursion = recursion
        self.now = now
        self._chance = chance
        self.path = Path.ORDINARY
        """Which way the last answer was found."""

    def stand(self, address: str, now: float) -> Standing:
        """How we stand to the client with this address, in text."""
        standing = self._standings.get(address)
        if standing is not None:
            return standing
        limit = self._limit_of(address)
        standing = self._place(address, limit.find(address, now) if limit else None)
        if len(self._standings) >= MOST_STANDINGS:
            self._standings.clear()
        self._standings[address] = standing
        return standing

    def _limit_of(self, address: str) -> RateLimit | None:
        protection = self._protection
        return None if protection.unlimited.allows(address) else protection.limit

    def _place(self, address: str, bucket: Bucket | None) -> Standing:
        recursion = self._recursion
        return Standing(
            ip_address(address.partition("%")[0]).packed,
            self._protection.access.allows(address),
            recursion is not None and recursion.access.allows(address),
            bucket,
        )

    def foretell(self, client: Client, now: float) -> Verdict:
        """What the rate limit would make of a reply; nothing is counted."""
        limit = None if client.tcp else self._limit_of(client.address)
        return Verdict.SEND if limit is None else limit.foretell(client.address, now)

    def preview(
        self, message: bytes, client: Client, zones: Lookups, now: float
    ) -> tuple[Asked, Ruling]:
        """What would become of a query without options; nothing is done, counted or kept.

        Raises ValueError for a message that is no query.
        """
        query = decode(message)
        if not isinstance(query, Query):
            raise ValueError("the message is no query")
        asked = Asked(message, query, NO_OPTIONS, client, self._place(client.address, None))
        return asked, self.rule(asked, zones, now)

    def prepare(self, message: bytes, client: Client) -> None:
        """Have the table hold what answers a query without options, if it may; nothing is counted.

        Raises ValueError for a message that is no query.
        """
        now = self.now()
        asked, ruling = self.preview(message, client, self._zones, now)
        if isinstance(ruling, Answer) and ruling.until > now:
            self._keep(asked, ruling, write(asked, ruling, self._chance))

    def write(self, asked: Asked, answer: Answer) -> Written:
        """Write an answer as it would be sent; nothing is counted or kept."""
        return write(asked, answer, self._chance)

    def respond(self, message: bytes, client: Client) -> Reply:
        """Return the reply to a message, at once for names of ours."""
        now = self.now()
        self.path = Path.ORDINARY
        standing = self.stand(client.address, now)
        if not client.tcp and standing.allowed:
            entry = self.table.find(message[2:], standing.peer, now)
            if entry is not None and (standing.bucket is None or standing.bucket.take(now)):
                self.path = Path.TABLE
                self.tally.hits += 1
                return entry.write(message, recursion=standing.recursion)
        self.tally.ordinary += 1
        query = decode(message)
        if isinstance(query, Silence):
            self.tally.silent += 1
            return None
        options = self._options.answer(query.edns, client, now)
        verdict = self._judge(client, standing, options, now)
        if verdict is Verdict.DROP:
            return None
        if isinstance(query, Fault):
            return self._turn_away(query)
        if verdict is Verdict.SLIP:
            slip = options.reply if options else ()
            return encode(query, Answer(Rcode.NOERROR), CLASSIC_UDP_OCTETS, slip, cut=True)
        asked = Asked(message, query, options or NO_OPTIONS, client, standing)
        if options is None:
            return self._send(asked, Answer(Rcode.FORMERR))
        return self._answer(asked, now)

    def rule(self, asked: Asked, zones: Lookups, now: float) -> Ruling:
        """Say what becomes of a question about these zones, and do nothing of it."""
        moment = Moment(now, self._chance, asked.client.address)
        forwards = self._recursion is not None
        return rule(asked, zones, self._identity, moment, forwards=forwards)

    def _answer(self, asked: Asked, now: float) -> Reply:
        if not asked.is_bare and asked.standing.allowed and (reply := self._find_bare(asked, now)):
            self.path = Path.TABLE
            self.tally.hits += 1
            return reply
        ruling = self.rule(asked, self._zones, now)
        recursion = self._recursion
        if recursion is not None and isinstance(ruling, AskOthers):
            return self._ask_elsewhere(recursion, asked)
        if recursion is not None and isinstance(ruling, Chase):
            return self._chase(recursion, asked, ruling)
        answer = ruling if isinstance(ruling, Answer) else NO_ELSEWHERE
        self.tally.misses += not asked.client.tcp
        written = write(asked, answer, self._chance)
        if answer.until > now and not asked.client.tcp:
            self._keep(asked, answer, written)
        self.tally.count(asked.query.question.rtype, answer.rcode, len(written.reply))
        return written.reply

    def _find_bare(self, asked: Asked, now: float) -> bytes:
        """The reply kept for the same question without options, with them; empty without one."""
        if asked.client.tcp:
            return b""
        message = asked.bare().message
        entry = self.table.find(message[2:], asked.standing.peer, now)
        if entry is None:
            return b""
        options = encode_options(asked.options.reply)
        recursion = asked.standing.recursion
        return entry.write_with(message, options, asked.limit, recursion=recursion)

    def _keep(self, asked: Asked, answer: Answer, written: Written) -> None:
        bare = asked.bare()
        if bare is not asked:
            written = write(bare, answer, self._chance)
        if written.cut and len(written.answer.answer) != 1:
            return

        def write_for(question: Question) -> bytes:
            query = replace(bare.query, question=question)
            return write(replace(bare, query=query), answer, self._chance).reply

        self.table.keep(bare, written.answer, written.reply, write_for, is_cut=written.cut)

    def _send(self, asked: Asked, answer: Answer) -> bytes:
        reply = write(asked, answer, self._chance).reply
        self.tally.count(asked.query.question.rtype, answer.rcode, len(reply))
        return reply

    def fail(self, message: bytes) -> bytes | None:
        """Return SERVFAIL for a message that `respond` raised on."""
        query = decode(message)
        if isinstance(query, Query):
            reply = encode(query, Answer(Rcode.SERVFAIL), CLASSIC_UDP_OCTETS)
            self.tally.count(query.question.rtype, Rcode.SERVFAIL, len(reply))
            return reply
        return self._turn_away(query) if isinstance(query, Fault) else None

    def _judge(
        self, client: Client, standing: Standing, options: Options | None, now: float
    ) -> Verdict:
        limit = self._protection.limit
        proven = client.tcp or (options is not None and options.proven)
        if limit is None or standing.bucket is None or proven:
            return Verdict.SEND
        verdict = limit.judge(client.address, now)
        self.tally.limited += verdict is not Verdict.SEND
        return verdict

    def _ask_elsewhere(self, recursion: Recursion, asked: Asked) -> Reply:
        self.tally.forwarded += 1
        self.path = Path.FORWARD
        options = encode_options(asked.options.reply)
        reply = recursion.elsewhere.answer(asked.query, asked.message, asked.limit, options)
        count = partial(self._count_theirs, asked.query.question.rtype)
        if isinstance(reply, bytes):
            count(reply)
        else:
            reply.add_done_callback(count)
        return reply

    def _count_theirs(self, rtype: int, reply: bytes | asyncio.Future[bytes]) -> None:
        """Count an answer that was fetched; none where nobody waited for it, or it failed."""
        if isinstance(reply, asyncio.Future):
            if reply.cancelled() or reply.exception() is not None:
                return
            reply = reply.result()
        self.tally.count(rtype, reply[_RCODE_AT] & _RCODE_BITS, len(reply))

    def _chase(self, recursion: Recursion, asked: Asked, chase: Chase) -> Reply:
        """The answer with the end of its alias."""

        def finish(reply: bytes) -> bytes:
            return self._send(asked, join_end(chase.answer, reply))

        self.path = Path.FORWARD
        question, message = ask_for_end(chase.target, asked.query.question.rtype)
        reply = recursion.elsewhere.answer(question, message, TCP_OCTETS, b"")
        return finish(reply) if isinstance(reply, bytes) else map_future(reply, finish)

    def _turn_away(self, fault: Fault) -> bytes:
        reply = encode_fault(fault)
        rtype = fault.question.rtype if fault.question else OTHER_TYPE
        self.tally.count(rtype, fault.rcode, len(reply))
        return reply
