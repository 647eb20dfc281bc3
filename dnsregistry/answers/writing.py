"""A decided answer, written for whoever asked, in the size that they take."""

from dataclasses import dataclass, replace

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.asked import Asked
from dnsregistry.answers.message import add_ede, encode, encode_options
from dnsregistry.answers.order import Chance, order
from dnsregistry.answers.protocol import EDNS_UDP_OCTETS
from dnsregistry.answers.subset import choose, take

MOST_IN_A_DATAGRAM = EDNS_UDP_OCTETS // 16
"""No record with its owner as a pointer is shorter than that of an IPv4 address."""
_TC_OCTET, _TC_BIT = 2, 0x02
_ANSWER_COUNT = slice(6, 8)


@dataclass(frozen=True, slots=True)
class Written:
    """A reply, the answer with the records that are in it, and whether some had no room."""

    reply: bytes
    answer: Answer
    cut: bool


def write(asked: Asked, answer: Answer, chance: Chance) -> Written:
    """Write the answer. Where it is too long for UDP, the client's own share of it, with TC."""
    written = _write(asked, answer, chance)
    ede = answer.ede
    if ede is None or asked.query.edns is None:
        return written
    option_octets = len(encode_options(asked.options.reply))
    reply = add_ede(written.reply, ede, option_octets, asked.limit)
    return Written(reply, written.answer, written.cut)


def _write(asked: Asked, answer: Answer, chance: Chance) -> Written:
    query, recursion, limit = asked.query, asked.standing.recursion, asked.limit
    options = asked.options.reply
    reply = encode(query, answer, limit, options, recursion=recursion)
    cut = bool(reply[_TC_OCTET] & _TC_BIT)
    if asked.client.tcp or not cut or not answer.answer:
        return Written(reply, answer, cut)
    *chain, last = answer.answer
    ranked = choose(last, MOST_IN_A_DATAGRAM, asked.client.address)
    tried = replace(answer, answer=(*chain, ranked))
    reply = encode(query, tried, limit, options, cut=True)
    fitted = int.from_bytes(reply[_ANSWER_COUNT])
    room = max(0, fitted - sum(len(rrset.rdatas) for rrset in chain))
    shortened = replace(answer, answer=(*chain, order(take(ranked, room), chance)))
    reply = encode(query, shortened, limit, options, cut=True, recursion=recursion)
    return Written(reply, shortened, cut=True)
