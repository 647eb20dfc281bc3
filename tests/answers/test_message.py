"""Answers to bytes: what two other readers read is what was meant, in the size that was given."""

import struct
from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dnslib  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.message import encode, encode_fault, encode_options
from dnsregistry.answers.protocol import EDNS_UDP_OCTETS, TCP_OCTETS, Rcode, RRClass
from dnsregistry.answers.query import Edns, Fault, Query, Question
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import (
    AAAA,
    CNAME,
    HINFO,
    NS,
    PTR,
    SOA,
    SRV,
    TXT,
    A,
    Opaque,
    Rdata,
    RRType,
    name_type,
)
from dnsregistry.zone.rrset import RRset

Record = tuple[Name, int, int, int, Rdata]
"""Owner, type, class, TTL and data of a record, as a reader read them."""


def _fitting(labels: list[bytes]) -> Name:
    kept: list[bytes] = []
    for label in labels:
        if sum(len(text) + 1 for text in [*kept, label]) + 1 <= 255:
            kept.append(label.lower())
    return Name(tuple(kept))


ORIGIN = Name.from_text("registry.local")
# Names that share their ends, so that compression has something to point to.
NEAR = st.lists(st.sampled_from(["a", "b", "i", "web"]), max_size=3).map(
    lambda labels: ORIGIN.prepend(*labels)
)
# dnslib reads no label that is not UTF-8, so that dnspython alone is asked about those.
READABLE = NEAR | st.lists(st.text("ab.\\ é", min_size=1, max_size=8).map(str.encode)).map(_fitting)
ANY_NAME = READABLE | st.lists(st.binary(min_size=1, max_size=63), max_size=8).map(_fitting)
NUMBERS = st.integers(0, 65535)
LONG = st.integers(0, 2**32 - 1)
STRINGS = st.binary(max_size=20) | st.binary(min_size=250, max_size=255)


def _rdatas(names: st.SearchStrategy[Name]) -> list[st.SearchStrategy[Rdata]]:
    return [
        st.builds(A, st.ip_addresses(v=4)),
        st.builds(AAAA, st.ip_addresses(v=6)),
        st.builds(NS, names),
        st.builds(CNAME, names),
        st.builds(PTR, names),
        st.builds(SRV, NUMBERS, NUMBERS, NUMBERS, names),
        st.builds(SOA, names, names, LONG, LONG, LONG, LONG, LONG),
        st.builds(TXT, st.lists(STRINGS, min_size=1, max_size=3).map(tuple)),
        st.builds(HINFO, STRINGS, STRINGS),
        st.binary(min_size=1, max_size=40).map(_opaque),
    ]


def _opaque(octets: bytes) -> Opaque:
    return Opaque(65280, octets, f"\\# {len(octets)} {octets.hex()}")


@st.composite
def _rrsets(draw: st.DrawFn, names: st.SearchStrategy[Name]) -> RRset:
    of_one_type = draw(st.sampled_from(_rdatas(names)))
    rdatas = draw(st.lists(of_one_type, min_size=1, max_size=4, unique=True))
    return RRset(draw(names), rdatas[0].rtype, draw(st.integers(0, 2**31 - 1)), tuple(rdatas))


def _answers(names: st.SearchStrategy[Name]) -> st.SearchStrategy[Answer]:
    section = st.lists(_rrsets(names), max_size=4).map(tuple)
    rcodes = st.sampled_from([rcode for rcode in Rcode if rcode < 16])
    return st.builds(Answer, rcodes, st.booleans(), section, section, section)


@st.composite
def _queries(draw: st.DrawFn, names: st.SearchStrategy[Name]) -> Query:
    wire = draw(names).to_wire()
    # Each letter in either case; a length octet is no letter, being at most 63.
    mixed = bytes(draw(st.sampled_from([o, *bytes((o,)).upper()])) for o in wire[:40]) + wire[40:]
    edns = st.builds(Edns, NUMBERS, st.just(0), st.booleans(), st.just(()))
    question = Question(mixed, draw(NUMBERS), draw(st.sampled_from([1, 1, 3, 255])))
    return Query(draw(NUMBERS), draw(st.booleans()), question, draw(st.none() | edns))


LIMITS = st.sampled_from([512, EDNS_UDP_OCTETS, TCP_OCTETS]) | st.integers(300, 2000)


def _meant(query: Query, rrsets: Iterable[RRset]) -> list[Record]:
    rclass = query.question.rclass
    return [(r.owner, r.rtype, rclass, r.ttl, rdata) for r in rrsets for rdata in r.rdatas]


def _sections_by_dnslib(message: bytes) -> list[list[Record]]:
    parsed = dnslib.DNSRecord.parse(message)
    return [
        [_by_dnslib(record) for record in section if record.rtype != dnslib.QTYPE.OPT]
        for section in (parsed.rr, parsed.auth, parsed.ar)
    ]


def _by_dnslib(record: Any) -> Record:
    data = record.rdata
    match record.rtype:
        case RRType.A:
            rdata: Rdata = A(IPv4Address(bytes(data.data)))
        case RRType.AAAA:
            rdata = AAAA(IPv6Address(bytes(data.data)))
        case RRType.NS:
            rdata = NS(_lower(data.label))
        case RRType.CNAME:
            rdata = CNAME(_lower(data.label))
        case RRType.PTR:
            rdata = PTR(_lower(data.label))
        case RRType.SRV:
            rdata = SRV(data.priority, data.weight, data.port, _lower(data.target))
        case RRType.SOA:
            rdata = SOA(_lower(data.mname), _lower(data.rname), *data.times)
        case RRType.TXT:
            rdata = TXT(tuple(bytes(text) for text in data.data))
        case 65280:
            rdata = _opaque(data.data)
        case _:
            cpu = data.data[1 : 1 + data.data[0]]
            rdata = HINFO(cpu, data.data[2 + len(cpu) :])
    return _lower(record.rname), record.rtype, record.rclass, record.ttl, rdata


def _lower(label: Any) -> Name:
    return Name(tuple(text.lower() for text in label.label))


def _by_dnspython(message: bytes) -> dns.message.Message:
    return dns.message.from_wire(message, one_rr_per_rrset=True)


def _as_dnspython(records: list[Record]) -> list[tuple[dns.name.Name, int, int, dns.rdata.Rdata]]:
    """The data is what dnspython makes of our presentation format, not of our bytes."""
    return [
        (
            dns.name.Name((*owner.labels, b"")),
            ttl,
            rclass,
            dns.rdata.from_text(dns.rdataclass.IN, name_type(rdata.rtype), str(rdata)),
        )
        for owner, _, rclass, ttl, rdata in records
    ]


def _sections_by_dnspython(
    message: bytes,
) -> list[list[tuple[dns.name.Name, int, int, dns.rdata.Rdata]]]:
    parsed = _by_dnspython(message)
    return [
        [
            (rrset.name, rrset.ttl, int(rrset.rdclass), _as_internet(rrset[0]))
            for rrset in section
            if rrset.rdtype != dns.rdatatype.OPT
        ]
        for section in (parsed.answer, parsed.authority, parsed.additional)
    ]


def _as_internet(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
    wire = rdata.to_wire()
    assert wire is not None
    return dns.rdata.from_wire(dns.rdataclass.IN, rdata.rdtype, wire, 0, len(wire))


@settings(max_examples=60, deadline=None)
@given(_queries(READABLE), _answers(READABLE))
def test_dnslib_reads_what_was_meant(query: Query, answer: Answer) -> None:
    message = encode(query, answer, TCP_OCTETS)
    assert _sections_by_dnslib(message) == [
        _meant(query, section) for section in (answer.answer, answer.authority, answer.additional)
    ]
    header = dnslib.DNSRecord.parse(message).header
    assert (header.id, header.qr, header.opcode) == (query.id, 1, 0)
    assert (header.aa, header.rd) == (answer.authoritative, query.recursion_desired)
    assert (header.tc, header.ra, header.z, header.ad, header.cd) == (0, 0, 0, 0, 0)
    assert header.rcode == answer.rcode


@settings(max_examples=60, deadline=None)
@given(_queries(ANY_NAME).filter(lambda query: query.question.rclass == 1), _answers(ANY_NAME))
def test_dnspython_reads_what_was_meant(query: Query, answer: Answer) -> None:
    message = encode(query, answer, TCP_OCTETS)
    assert _sections_by_dnspython(message) == [
        _as_dnspython(_meant(query, section))
        for section in (answer.answer, answer.authority, answer.additional)
    ]
    parsed = _by_dnspython(message)
    assert parsed.id == query.id
    assert bool(parsed.flags & dns.flags.AA) == answer.authoritative
    assert int(parsed.rcode()) == answer.rcode


@settings(max_examples=120, deadline=None)
@given(_queries(READABLE), _answers(READABLE), LIMITS)
def test_a_message_keeps_its_limit_and_says_when_something_is_missing(
    query: Query, answer: Answer, limit: int
) -> None:
    message = encode(query, answer, limit)
    assert len(message) <= limit
    answers, authority, additional = _sections_by_dnslib(message)
    meant = _meant(query, answer.answer), _meant(query, answer.authority)
    truncated = bool(struct.unpack_from("!H", message, 2)[0] & 0x0200)
    assert answers == meant[0][: len(answers)]
    assert authority == meant[1][: len(authority)]
    whole = len(answers) == len(meant[0]) and len(authority) == len(meant[1])
    assert truncated == (not whole)
    if len(answers) < len(meant[0]):
        assert not authority
    if truncated:
        assert not additional
        assert _octets_with_one_more(query, answer, len(answers) + len(authority)) > limit
    # Glue is left out by whole RRsets, the rest in its order.
    for rrset in answer.additional:
        glue = _meant(query, [rrset])
        if additional[: len(glue)] == glue:
            del additional[: len(glue)]
    assert not additional


def _octets_with_one_more(query: Query, answer: Answer, count: int) -> int:
    """How long the message would be with one more of its answer and authority records."""
    alone = [
        RRset(rrset.owner, rrset.rtype, rrset.ttl, (rdata,))
        for rrset in (*answer.answer, *answer.authority)
        for rdata in rrset.rdatas
    ]
    return len(encode(query, Answer(answer.rcode, answer=tuple(alone[: count + 1])), TCP_OCTETS))


@settings(max_examples=40, deadline=None)
@given(_queries(ANY_NAME), _answers(NEAR), LIMITS)
@example(Query(1, True, Question(ORIGIN.to_wire(), 1, 1), None), Answer(Rcode.SERVFAIL), 300)
def test_the_question_comes_back_as_it_was_asked(query: Query, answer: Answer, limit: int) -> None:
    message = encode(query, answer, limit)
    asked = query.question
    tail = struct.pack("!HH", asked.rtype, asked.rclass)
    assert message[12 : 12 + len(asked.wire) + 4] == asked.wire + tail
    assert struct.unpack_from("!H", message, 4) == (1,)


@settings(max_examples=40, deadline=None)
@given(_queries(READABLE), _answers(READABLE), LIMITS)
def test_an_opt_is_there_as_often_as_it_was_asked(query: Query, answer: Answer, limit: int) -> None:
    parsed = dnslib.DNSRecord.parse(encode(query, answer, limit))
    opts = [record for record in parsed.ar if record.rtype == dnslib.QTYPE.OPT]
    assert len(opts) == (query.edns is not None)
    if query.edns is not None:
        (opt,) = opts
        assert (opt.edns_len, opt.edns_ver, opt.edns_rcode) == (EDNS_UDP_OCTETS, 0, 0)
        assert bool(opt.edns_do) == query.edns.dnssec_ok
        assert str(opt.rname) == "."


def _service(count: int) -> tuple[Query, Answer]:
    asked = Name.from_text("_user-service._tcp.registry.local")
    targets = [Name.from_text(f"host-{place:05}.i.registry.local") for place in range(count)]
    rdatas = tuple(SRV(0, 1, place % 65536, target) for place, target in enumerate(targets))
    additional = tuple(
        RRset(target, RRType.A, 5, (A(IPv4Address(place)),)) for place, target in enumerate(targets)
    )
    answer = (RRset(asked, RRType.SRV, 5, rdatas),)
    query = Query(7, True, Question(asked.to_wire(), RRType.SRV, 1), None)
    return query, Answer(Rcode.NOERROR, True, answer, additional=additional)


def test_eleven_hundred_instances_are_read_back_past_sixteen_kibioctets() -> None:
    query, answer = _service(1100)
    message = encode(query, answer, TCP_OCTETS)
    assert 0x4000 * 2 < len(message) <= TCP_OCTETS
    answers, authority, additional = _sections_by_dnslib(message)
    assert answers == _meant(query, answer.answer)
    assert authority == []
    # Targets past the reach of a pointer are written whole, so that not all glue fits.
    assert additional == _meant(query, answer.additional)[: len(additional)]
    assert len(additional) > 400
    ours = _sections_by_dnspython(message)
    assert ours[0] == _as_dnspython(answers)
    assert ours[2] == _as_dnspython(additional)


def test_no_pointer_reaches_past_sixteen_kibioctets() -> None:
    filler = RRset(
        ORIGIN.prepend("t"), RRType.TXT, 5, tuple(TXT((b"%255d" % n,)) for n in range(61))
    )
    names = [ORIGIN.prepend(f"n{place % 9}", "late") for place in range(40)]
    late = tuple(RRset(name, RRType.CNAME, 5, (CNAME(name),)) for name in names)
    query = Query(7, True, Question(ORIGIN.to_wire(), RRType.TXT, 1), None)
    for count in range(1, 40):
        answer = Answer(Rcode.NOERROR, True, (filler, *late[:count]))
        message = encode(query, answer, TCP_OCTETS)
        assert _sections_by_dnslib(message)[0] == _meant(query, answer.answer)
    assert len(message) > 0x4000


def test_more_than_tcp_carries_is_truncated() -> None:
    query, answer = _service(1600)
    message = encode(query, answer, TCP_OCTETS)
    parsed = dnslib.DNSRecord.parse(message)
    assert TCP_OCTETS - 60 < len(message) <= TCP_OCTETS
    assert parsed.header.tc == 1
    assert parsed.ar == []


@pytest.mark.parametrize(
    ("instances", "limit", "answers", "truncated"),
    [(3, 512, 3, 0), (9, 512, 9, 0), (10, 512, 9, 1), (25, 1232, 25, 0), (26, 1232, 25, 1)],
)
def test_glue_goes_first_and_without_a_word(
    instances: int, limit: int, answers: int, truncated: int
) -> None:
    query, answer = _service(instances)
    parsed = dnslib.DNSRecord.parse(encode(query, answer, limit))
    assert (len(parsed.rr), parsed.header.tc) == (answers, truncated)
    if truncated:
        assert parsed.ar == []
    elif instances > 3:
        assert 0 <= len(parsed.ar) < instances
    else:
        assert len(parsed.ar) == instances


def test_glue_that_does_not_fit_leaves_room_for_shorter_glue() -> None:
    owner = ORIGIN.prepend("a")
    many = tuple(A(IPv4Address(place)) for place in range(40))
    few = RRset(ORIGIN.prepend("b"), RRType.A, 5, many[:1])
    answer = Answer(Rcode.NOERROR, additional=(RRset(owner, RRType.A, 5, many), few))
    query = Query(7, True, Question(owner.to_wire(), 1, 1), None)
    message = encode(query, answer, 512)
    assert _sections_by_dnslib(message) == [[], [], _meant(query, [few])]
    assert not dnslib.DNSRecord.parse(message).header.tc


def test_an_opt_keeps_its_room() -> None:
    query, answer = _service(40)
    asked = Query(query.id, True, query.question, Edns(1232, 0, True, ()))
    for limit in range(300, 400):
        for sent in (query, asked):
            message = encode(sent, answer, limit)
            parsed = dnslib.DNSRecord.parse(message)
            assert len(message) <= limit
            assert len(parsed.ar) == (sent is asked)


@pytest.mark.parametrize("limit", [512, EDNS_UDP_OCTETS, TCP_OCTETS])
@pytest.mark.parametrize("edns", [None, Edns(1232, 0, True, ())])
def test_an_answer_that_was_cut_before_says_so_and_brings_no_glue(
    limit: int, edns: Edns | None
) -> None:
    query, answer = _service(3)
    soa = SOA(ORIGIN, ORIGIN, 1, 2, 3, 4, 5)
    answer = replace(answer, authority=(RRset(ORIGIN, RRType.SOA, 1, (soa,)),))
    message = encode(replace(query, edns=edns), answer, limit, cut=True)
    parsed = dnslib.DNSRecord.parse(message)
    assert parsed.header.tc == 1
    assert (len(parsed.rr), len(parsed.auth), len(parsed.ar)) == (3, 0, int(edns is not None))


@pytest.mark.parametrize(("servers", "truncated"), [(8, False), (30, True)])
def test_glue_without_which_nothing_is_found_is_not_left_out_silently(
    servers: int, truncated: bool
) -> None:
    """RFC 9471, 3.1: where glue of a referral does not fit, "the server MUST set TC=1"."""
    names = [ORIGIN.prepend(f"n{place}", "sub") for place in range(servers)]
    ns = RRset(ORIGIN.prepend("sub"), RRType.NS, 5, (NS(names[0]),))
    glue = tuple(RRset(name, RRType.A, 5, (A(IPv4Address(1)),)) for name in names)
    query = Query(7, True, Question(ns.owner.to_wire(), 1, 1), None)
    for needed in (False, True):
        referral = Answer(Rcode.NOERROR, authority=(ns,), additional=glue, additional_needed=needed)
        parsed = dnslib.DNSRecord.parse(encode(query, referral, 512))
        assert parsed.header.tc == (truncated and needed)
        assert len(parsed.auth) == 1
        assert (len(parsed.ar) < servers) == truncated


@pytest.mark.parametrize("recursion", [False, True])
@pytest.mark.parametrize("desired", [False, True])
def test_recursion_is_available_as_is_told(recursion: bool, desired: bool) -> None:
    query, answer = _service(1)
    asked = replace(query, recursion_desired=desired)
    header = dnslib.DNSRecord.parse(encode(asked, answer, 512, recursion=recursion)).header
    assert (header.ra, header.rd) == (recursion, desired)


OPTIONS = st.lists(st.tuples(st.integers(65001, 65535), st.binary(max_size=60)), max_size=4)


@settings(max_examples=30, deadline=None)
@given(OPTIONS, st.integers(400, 600), st.integers(0, 20))
def test_options_are_read_back_and_have_their_room(
    options: list[tuple[int, bytes]], limit: int, instances: int
) -> None:
    query, answer = _service(instances)
    query = replace(query, edns=Edns(1232, 0, True, ()))
    message = encode(query, answer, limit, options)
    assert len(message) <= limit
    read = [(int(option.otype), option.to_wire()) for option in _by_dnspython(message).options]
    assert read == options
    assert message.endswith(encode_options(options))


def test_options_go_nowhere_without_an_opt() -> None:
    query, answer = _service(1)
    assert encode(query, answer, 512, [(10, b"x")]) == encode(query, answer, 512)


def test_names_are_pointed_to_in_the_case_of_the_client() -> None:
    wire = b"\x0cUsEr-SeRvIcE\x08ReGiStRy\x05LoCaL\0"
    name = Name.from_wire(wire)
    answer = (RRset(name, RRType.A, 5, (A(IPv4Address("10.0.0.1")),)),)
    query = Query(7, True, Question(wire, 1, 1), None)
    message = encode(query, Answer(Rcode.NOERROR, True, answer), 512)
    assert len(message) == 12 + len(wire) + 4 + 16
    assert str(dnslib.DNSRecord.parse(message).rr[0].rname) == "UsEr-SeRvIcE.ReGiStRy.LoCaL."
    soa = SOA(ORIGIN.prepend("ns1"), ORIGIN.prepend("hostmaster"), 1, 2, 3, 4, 5)
    denial = Answer(Rcode.NXDOMAIN, True, authority=(RRset(ORIGIN, RRType.SOA, 1, (soa,)),))
    parsed = dnslib.DNSRecord.parse(encode(query, denial, 512))
    assert str(parsed.auth[0].rname) == "ReGiStRy.LoCaL."


def test_the_target_of_a_service_is_not_compressed() -> None:
    query, answer = _service(1)
    message = encode(query, answer, 512)
    target = Name.from_text("host-00000.i.registry.local").to_wire()
    assert message.count(target) == 1
    question = len(query.question.wire) + 4
    record, glue = 2 + 10 + 6 + len(target), len(b"\x0ahost-00000\x01i") + 2 + 10 + 4
    assert len(message) == 12 + question + record + glue


def test_the_class_is_that_of_the_question() -> None:
    wire = Name.from_text("version.bind").to_wire()
    texts = (RRset(Name.from_wire(wire), RRType.TXT, 0, (TXT((b"1",)),)),)
    query = Query(7, False, Question(wire, RRType.TXT, RRClass.CH), None)
    parsed = _by_dnspython(encode(query, Answer(Rcode.NOERROR, True, texts), 512))
    assert parsed.answer[0].to_text() == 'version.bind. 0 CH TXT "1"'


QUESTION = Question(b"\x04WeB1\x08registry\x05local\0", 1, 1)


@pytest.mark.parametrize("rcode", [Rcode.FORMERR, Rcode.NOTIMP, Rcode.NOTAUTH, Rcode.BADVERS])
@pytest.mark.parametrize("opcode", [0, 4, 15])
@pytest.mark.parametrize("desired", [False, True])
@pytest.mark.parametrize("question", [None, QUESTION])
@pytest.mark.parametrize("edns", [None, Edns(512, 1, True, ()), Edns(4096, 0, False, ())])
def test_a_fault_is_told_with_what_was_read(
    rcode: Rcode, opcode: int, desired: bool, question: Question | None, edns: Edns | None
) -> None:
    message = encode_fault(Fault(0xBEEF, opcode, desired, rcode, question, edns))
    ident, flags, *counts = struct.unpack_from("!HHHHHH", message)
    assert ident == 0xBEEF
    assert flags == 0x8000 | opcode << 11 | desired << 8 | rcode & 15
    assert counts == [int(question is not None), 0, 0, int(edns is not None)]
    asked = b"" if question is None else question.wire + b"\0\x01\0\x01"
    assert message[12 : 12 + len(asked)] == asked
    do = 0x8000 if edns is not None and edns.dnssec_ok else 0
    opt = struct.pack("!BHHBBHH", 0, 41, 1232, rcode >> 4, 0, do, 0)
    assert message[12 + len(asked) :] == (b"" if edns is None else opt)


def test_a_bad_version_is_read_as_one() -> None:
    fault = Fault(1, 0, False, Rcode.BADVERS, QUESTION, Edns(512, 1, True, ()))
    parsed = _by_dnspython(encode_fault(fault))
    assert parsed.rcode() == dns.rcode.BADVERS
    assert (parsed.edns, parsed.payload) == (0, 1232)
    assert parsed.ednsflags & dns.flags.DO


def test_the_worst_question_fits_with_its_opt() -> None:
    wire = (b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"x" * 61 + b"\0"
    query = Query(1, True, Question(wire, 1, 1), Edns(0, 0, True, ()))
    octets = len(encode(query, Answer(Rcode.SERVFAIL), 512))
    assert octets == 12 + 255 + 4 + 11
