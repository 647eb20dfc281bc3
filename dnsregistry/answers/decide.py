"""What the answer to a question is. Pure: the zone, the time and chance are arguments.

Rules:
- Names outside our zones are NotOurs: whoever called knows whether others are to be asked.
- What is ours and cannot be told now is SERVFAIL, never NXDOMAIN.
- A denial carries the SOA (RFC 2308, 3). NXDOMAIN speaks of the name, NODATA of the type.
- A DNAME above the name makes an alias of it (RFC 6672, 3.2).
- An alias is followed inside the zone, its records in the order of the chain (RFC 1034,
  4.3.2, 3a); the rcode is that of the chain's end (RFC 6604, 3). A loop is SERVFAIL.
- ANY gets one RRset, never more than A would (RFC 8482, 4.1), else HINFO (4.2).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dnsregistry.answers.answer import NO_TRANSFER, NOT_READY, REFUSED, Answer, ExtendedError
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.order import Chance, order
from dnsregistry.answers.protocol import (
    ANY,
    AXFR,
    IXFR,
    META_TYPES,
    OPT,
    TSIG,
    Ede,
    Rcode,
    RRClass,
)
from dnsregistry.answers.query import Question
from dnsregistry.answers.subset import choose
from dnsregistry.zone.lookup import (
    LONGEST_CHAIN,
    Found,
    Lookup,
    NoData,
    NoName,
    NotOurs,
    Referral,
    Unavailable,
)
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import CNAME, HINFO, PTR, SRV, RRType
from dnsregistry.zone.reason import Reason
from dnsregistry.zone.redirect import redirect
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.tree import DNAME

MOST_DESCRIBED = 1024
"""Records whose targets' addresses go along: beside more there is no room in any message."""

_RFC8482 = HINFO(b"RFC8482", b"")
_HELD_UP = ExtendedError(
    Ede.STALE, "too many fail their checks at once to be believed; answered for a while"
)


class Lookups(Protocol):
    """The zones, as far as a decision asks them."""

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type; NotOurs where it is in no zone of ours."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """What a decision takes from outside: the time, chance, and whom it is for.

    `chance` draws numbers from [0, 1); `client` is an address in text.
    """

    now: float
    chance: Chance
    client: str = ""


def decide(
    question: Question, zone: Lookups, identity: Identity, moment: Moment
) -> Answer | NotOurs:
    """Return the answer to a question of any class and type; NotOurs for others' names."""
    if question.rclass == RRClass.CH:
        return identity.answer(question.name, question.rtype)
    if question.rclass != RRClass.IN:
        return REFUSED
    if question.rtype in (AXFR, IXFR):
        return NO_TRANSFER
    if question.rtype in (OPT, TSIG):
        return Answer(Rcode.FORMERR)
    if question.rtype == ANY:
        return _answer_any(question.name, zone, moment)
    if question.rtype in META_TYPES:
        return Answer(Rcode.NOTIMP)
    return _follow(question.name, question.rtype, zone, moment)


def _follow(name: Name, rtype: int, zone: Lookups, moment: Moment) -> Answer | NotOurs:
    chain: list[RRset] = []
    while True:
        match zone.lookup(name, rtype, moment.now):
            case NotOurs() as elsewhere:
                return _leave(chain, name) if chain else elsewhere
            case NoName(soa, until, reason):
                return _denied(Rcode.NXDOMAIN, chain, soa, until, reason)
            case NoData(soa, until, reason):
                return _denied(Rcode.NOERROR, chain, soa, until, reason)
            case Referral(ns, glue):
                return _refer(chain, ns, glue)
            case Unavailable():
                return NOT_READY
            case Found(rrset, additional, most, until, degraded):
                chain.append(_take(rrset, most, moment))
                is_whole = len(chain) == 1 and len(chain[0].rdatas) == len(rrset.rdatas)
        if chain[-1].rtype == DNAME and chain[-1].owner != name:
            redirected = redirect(name, chain[-1])
            if redirected is None:
                return _found(Rcode.YXDOMAIN, chain)
            chain.append(redirected)
        alias = chain[-1].rdatas[0]
        if rtype == RRType.CNAME or not isinstance(alias, CNAME):
            arranged = _arrange(chain[-1], additional)
            answer = _found(Rcode.NOERROR, chain, arranged, until if is_whole else 0.0)
            return replace(answer, ede=_HELD_UP) if degraded else answer
        if len(chain) > LONGEST_CHAIN or alias.target in _aliases(chain):
            return Answer(Rcode.SERVFAIL)
        name = alias.target


def _aliases(chain: list[RRset]) -> set[Name]:
    return {rrset.owner for rrset in chain if rrset.rtype == RRType.CNAME}


def _answer_any(name: Name, zone: Lookups, moment: Moment) -> Answer | NotOurs:
    match zone.lookup(name, RRType.A, moment.now):
        case NoData(soa):
            hinfo = RRset(name, RRType.HINFO, soa.ttl, (_RFC8482,))
            return _found(Rcode.NOERROR, [hinfo])
        case Found(rrset) if rrset.owner != name:
            return _follow(name, RRType.CNAME, zone, moment)
        case Found(rrset, _, most):
            return _found(Rcode.NOERROR, [_take(rrset, most, moment)])
        case NoName(soa, _, reason):
            return _denied(Rcode.NXDOMAIN, [], soa, 0.0, reason)
        case Referral(ns, glue):
            return _refer([], ns, glue)
        case Unavailable():
            return NOT_READY
        case NotOurs() as elsewhere:
            return elsewhere


def _take(rrset: RRset, most: int, moment: Moment) -> RRset:
    """The records that an answer is to have, in the order that is drawn for it."""
    if most and len(rrset.rdatas) > most:
        rrset = choose(rrset, most, moment.client)
    return order(rrset, moment.chance)


def _arrange(rrset: RRset, addresses: Mapping[Name, tuple[RRset, ...]]) -> list[RRset]:
    """The targets' addresses in the order of the records, so that the first ones fit first."""
    if not addresses:
        return []
    rdatas = rrset.rdatas[:MOST_DESCRIBED]
    targets = [rdata.target for rdata in rdatas if isinstance(rdata, SRV | PTR)]
    arranged = {target: addresses.get(target, ()) for target in targets} or addresses
    return [rrset for rrsets in arranged.values() for rrset in rrsets]


def _found(
    rcode: Rcode, chain: list[RRset], additional: Sequence[RRset] = (), until: float = 0.0
) -> Answer:
    return Answer(
        rcode,
        authoritative=True,
        answer=tuple(chain),
        additional=tuple(additional),
        until=until,
    )


def _refer(chain: list[RRset], ns: RRset, glue: tuple[RRset, ...]) -> Answer:
    """Point to the servers of a delegated zone; only the aliases before it are ours."""
    return Answer(
        Rcode.NOERROR,
        authoritative=bool(chain),
        answer=tuple(chain),
        authority=(ns,),
        additional=glue,
        additional_needed=True,
    )


def _leave(chain: list[RRset], target: Name) -> Answer:
    return Answer(Rcode.NOERROR, authoritative=True, answer=tuple(chain), open_end=target)


def _denied(
    rcode: Rcode, chain: list[RRset], soa: RRset, until: float, reason: Reason | None
) -> Answer:
    return Answer(
        rcode,
        authoritative=True,
        answer=tuple(chain),
        authority=(soa,),
        until=0.0 if chain else until,
        ede=None if reason is None else ExtendedError(Ede.OTHER, reason.text, reason.until),
    )
