"""From message to message: a plain call, no await and no task."""

from collections.abc import Callable

from dnsregistry.answers.access import Access, Client
from dnsregistry.answers.answer import REFUSED, Answer
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.decide import Moment, decide
from dnsregistry.answers.message import encode, encode_fault
from dnsregistry.answers.order import Chance
from dnsregistry.answers.protocol import (
    CLASSIC_UDP_OCTETS,
    EDNS_UDP_OCTETS,
    TCP_OCTETS,
    Rcode,
)
from dnsregistry.answers.query import Fault, Query, Silence, decode
from dnsregistry.answers.tally import Tally
from dnsregistry.zone.authority import Authority


class Responder:
    """Answers messages about our zones, and counts what it answered."""

    def __init__(
        self,
        zones: Authority,
        identity: Identity,
        access: Access,
        now: Callable[[], float],
        chance: Chance,
    ) -> None:
        self.tally = Tally()
        self._zones = zones
        self._identity = identity
        self._access = access
        self._now = now
        self._chance = chance

    def respond(self, message: bytes, client: Client) -> bytes | None:
        """Return the reply to a message; None where it gets none."""
        query = decode(message)
        if isinstance(query, Query):
            answer = self._decide(query, client)
            self.tally.rcodes[answer.rcode] += 1
            return encode(query, answer, _limit(query, client))
        return self._turn_away(query)

    def fail(self, message: bytes) -> bytes | None:
        """Return SERVFAIL for a message that `respond` raised on."""
        query = decode(message)
        if isinstance(query, Query):
            self.tally.rcodes[Rcode.SERVFAIL] += 1
            return encode(query, Answer(Rcode.SERVFAIL), CLASSIC_UDP_OCTETS)
        return self._turn_away(query)

    def _decide(self, query: Query, client: Client) -> Answer:
        if not self._access.allows(client.address):
            return REFUSED
        moment = Moment(self._now(), self._chance)
        return decide(query.question, self._zones, self._identity, moment)

    def _turn_away(self, fault: Fault | Silence) -> bytes | None:
        if isinstance(fault, Silence):
            self.tally.silent += 1
            return None
        self.tally.rcodes[fault.rcode] += 1
        return encode_fault(fault)


def _limit(query: Query, client: Client) -> int:
    if client.tcp:
        return TCP_OCTETS
    if query.edns is None:
        return CLASSIC_UDP_OCTETS
    # A client that names less than 512 means 512 (RFC 6891, 6.2.3).
    return max(CLASSIC_UDP_OCTETS, min(query.edns.udp_octets, EDNS_UDP_OCTETS))
