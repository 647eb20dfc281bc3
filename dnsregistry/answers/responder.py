"""From message to message: a plain call, no await and no task.

In this order: the guard, who may ask, how often, then what the answer is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from dnsregistry.answers.access import Access, Client
from dnsregistry.answers.answer import REFUSED, Answer
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.decide import Moment, decide
from dnsregistry.answers.message import encode, encode_fault
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
from dnsregistry.answers.subset import choose, rank
from dnsregistry.answers.tally import Tally
from dnsregistry.zone.authority import Authority

_TC_OCTET, _TC_BIT = 2, 0x02
_ANSWER_COUNT = slice(6, 8)


@dataclass(frozen=True, slots=True)
class Protection:
    """Who may ask, and who how often; without a `limit` everyone as often as they like."""

    access: Access
    limit: RateLimit | None
    unlimited: Access


class Responder:
    """Answers messages about our zones, and counts what it answered."""

    def __init__(
        self,
        zones: Authority,
        identity: Identity,
        options: OptionAnswerer,
        protection: Protection,
        now: Callable[[], float],
        chance: Chance,
    ) -> None:
        self.tally = Tally()
        self._zones = zones
        self._identity = identity
        self._options = options
        self._protection = protection
        self._now = now
        self._chance = chance

    def respond(self, message: bytes, client: Client) -> bytes | None:
        """Return the reply to a message; None where it gets none."""
        query = decode(message)
        if isinstance(query, Silence):
            self.tally.silent += 1
            return None
        now = self._now()
        options = self._options.answer(query.edns, client, now)
        verdict = self._judge(client, options, now)
        if verdict is Verdict.DROP:
            return None
        if isinstance(query, Fault):
            return self._turn_away(query)
        if verdict is Verdict.SLIP:
            return encode(query, Answer(Rcode.NOERROR), _limit(query, client), cut=True)
        if options is None:
            answer, options = Answer(Rcode.FORMERR), NO_OPTIONS
        elif not self._protection.access.allows(client.address):
            answer = REFUSED
        else:
            moment = Moment(now, self._chance, client.address)
            answer = decide(query.question, self._zones, self._identity, moment)
        self.tally.rcodes[answer.rcode] += 1
        return self._write(query, answer, options, client)

    def fail(self, message: bytes) -> bytes | None:
        """Return SERVFAIL for a message that `respond` raised on."""
        query = decode(message)
        if isinstance(query, Query):
            self.tally.rcodes[Rcode.SERVFAIL] += 1
            return encode(query, Answer(Rcode.SERVFAIL), CLASSIC_UDP_OCTETS)
        return self._turn_away(query) if isinstance(query, Fault) else None

    def _judge(self, client: Client, options: Options | None, now: float) -> Verdict:
        limit = self._protection.limit
        proven = client.tcp or (options is not None and options.proven)
        if limit is None or proven or self._protection.unlimited.allows(client.address):
            return Verdict.SEND
        verdict = limit.judge(client.address, now)
        self.tally.limited += verdict is not Verdict.SEND
        return verdict

    def _write(self, query: Query, answer: Answer, options: Options, client: Client) -> bytes:
        limit = _limit(query, client)
        reply = encode(query, answer, limit, options.reply)
        if not reply[_TC_OCTET] & _TC_BIT or not answer.answer:
            return reply
        shortened = self._shorten(query, answer, options, client)
        return encode(query, shortened, limit, options.reply, cut=True)

    def _shorten(self, query: Query, answer: Answer, options: Options, client: Client) -> Answer:
        """The answer with as many records of its last RRset as fit, the client's own ones."""
        *chain, last = answer.answer
        ranked = replace(answer, answer=(*chain, rank(last, client.address)))
        reply = encode(query, ranked, _limit(query, client), options.reply)
        written = int.from_bytes(reply[_ANSWER_COUNT])
        room = max(0, written - sum(len(rrset.rdatas) for rrset in chain))
        kept = order(choose(last, room, client.address), self._chance)
        return replace(answer, answer=(*chain, kept))

    def _turn_away(self, fault: Fault) -> bytes:
        self.tally.rcodes[fault.rcode] += 1
        return encode_fault(fault)


def _limit(query: Query, client: Client) -> int:
    if client.tcp:
        return TCP_OCTETS
    if query.edns is None:
        return CLASSIC_UDP_OCTETS
    # A client that names less than 512 means 512 (RFC 6891, 6.2.3).
    return max(CLASSIC_UDP_OCTETS, min(query.edns.udp_octets, EDNS_UDP_OCTETS))
