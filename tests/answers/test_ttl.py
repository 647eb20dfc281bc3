"""The smallest TTL of a reply, as dnspython finds it too."""

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.message import encode, encode_fault
from dnsregistry.answers.protocol import TCP_OCTETS, Rcode
from dnsregistry.answers.query import Edns, Fault, Query, Question
from dnsregistry.answers.ttl import smallest_ttl
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import CNAME, TXT, Rdata
from dnsregistry.zone.rrset import RRset

NAME = Name.from_text("user-service.registry.local")
EDNS = Edns(1232, 0, True, ())


@st.composite
def _rrsets(draw: st.DrawFn) -> RRset:
    choices: list[Rdata] = [CNAME(NAME), TXT((b"\xc0\0" * 9,))]
    rdata = draw(st.sampled_from(choices))
    return RRset(
        NAME.prepend(*draw(st.sampled_from([[], ["a"]]))), rdata.rtype, draw(TTLS), (rdata,)
    )


TTLS = st.integers(0, 2**31 - 1)
SECTIONS = st.lists(_rrsets(), max_size=3).map(tuple)


@settings(deadline=None)
@given(SECTIONS, SECTIONS, SECTIONS, st.sampled_from([None, EDNS]))
def test_all_records_count_but_the_opt(
    answer: tuple[RRset, ...],
    authority: tuple[RRset, ...],
    additional: tuple[RRset, ...],
    edns: Edns | None,
) -> None:
    query = Query(1, True, Question(NAME.to_wire(), 1, 1), edns)
    meant = Answer(Rcode.NOERROR, True, answer, authority, additional)
    reply = encode(query, meant, TCP_OCTETS, ((65001, b"x"),))
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    ttls = [rrset.ttl for section in message.sections[1:] for rrset in section]
    assert smallest_ttl(reply) == min(ttls, default=0)


@pytest.mark.parametrize("question", [None, Question(NAME.to_wire(), 1, 1)])
@pytest.mark.parametrize("edns", [None, EDNS])
def test_a_reply_without_records_may_not_be_kept(
    question: Question | None, edns: Edns | None
) -> None:
    assert smallest_ttl(encode_fault(Fault(1, 0, True, Rcode.BADVERS, question, edns))) == 0
