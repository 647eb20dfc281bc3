"""Replies read, kept and written again; dnspython and dnslib are the oracles."""

from dataclasses import replace
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from dnslib import DNSRecord
from hypothesis import example, given
from hypothesis import strategies as st

from dnsregistry.answers.query import Query, decode
from dnsregistry.forward.cache import STALE_TTL, Cache, CacheBounds
from dnsregistry.forward.failures import MOST_FAILURES, Failures
from dnsregistry.forward.names import UnreadableReply
from dnsregistry.forward.question import Asked, Match, match, write
from dnsregistry.forward.relay import Asker, Ede, deny, relay
from dnsregistry.forward.reply import (
    LONGEST_NEGATIVE_TTL,
    LONGEST_TTL,
    read_reply,
)
from tests.wire import make_query

QNAME = "www.Example."
START = 12 + len(b"\3www\7Example\0") + 4

LABELS = st.text("abcXYZ-09", min_size=1, max_size=9)
NAMES = st.lists(LABELS, min_size=0, max_size=3).map(lambda labels: ".".join([*labels, "example."]))
DATA = (
    st.ip_addresses(v=4).map(lambda a: ("A", str(a)))
    | st.ip_addresses(v=6).map(lambda a: ("AAAA", str(a)))
    | NAMES.map(lambda n: ("CNAME", n))
    | NAMES.map(lambda n: ("NS", n))
    | NAMES.map(lambda n: ("PTR", n))
    | NAMES.map(lambda n: ("DNAME", n))
    | NAMES.map(lambda n: ("MX", f"10 {n}"))
    | NAMES.map(lambda n: ("SRV", f"1 2 3 {n}"))
    | st.text("ab c", max_size=60).map(lambda t: ("TXT", f'"{t}"'))
    # dnslib does not read empty data.
    | st.binary(min_size=1, max_size=40).map(lambda o: ("TYPE65280", f"\\# {len(o)} {o.hex()}"))
    | st.tuples(NAMES, NAMES, st.integers(0, 2**32 - 1)).map(
        lambda t: ("SOA", f"{t[0]} {t[1]} 1 2 3 4 {t[2]}")
    )
)
TTLS = st.integers(0, 2**32 - 1) | st.integers(0, 600)
RECORDS = st.lists(st.tuples(NAMES, TTLS, DATA), max_size=12)
RCODES = st.sampled_from(["NOERROR", "NXDOMAIN"])
ASKED = Asked(b"\3www\7example\0", 1, 1, False, False)


def _build(
    answer: list[tuple[str, int, tuple[str, str]]],
    authority: list[tuple[str, int, tuple[str, str]]] = [],  # noqa: B006
    additional: list[tuple[str, int, tuple[str, str]]] = [],  # noqa: B006
    *,
    rcode: str = "NOERROR",
    edns: bool = True,
    rtype: str = "A",
    flags: int = 0,
) -> bytes:
    message = dns.message.make_query(QNAME, rtype, use_edns=0 if edns else -1, payload=1232)
    message.flags = dns.flags.QR | dns.flags.RD | dns.flags.RA | flags
    message.set_rcode(dns.rcode.from_text(rcode))
    sections = (message.answer, message.authority, message.additional)
    for section, records in zip(sections, (answer, authority, additional), strict=True):
        for owner, ttl, (kind, data) in records:
            rrset = dns.rrset.from_text(owner, 0, "IN", kind, data)
            # dnspython would mend it; upstreams say what they like.
            rrset.ttl = ttl
            section.append(rrset)
    return message.to_wire(max_size=65535)


def _asker(limit: int = 65535, **more: object) -> Asker:
    message = make_query(QNAME, **more)  # type: ignore[arg-type]
    query = decode(message)
    assert isinstance(query, Query)
    return Asker.of(query, message, limit, b"")


def _lines(message: dns.message.Message) -> list[list[str]]:
    """The records by section, without TTL."""
    return [
        [
            f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
            for rrset in section
            for rdata in rrset
        ]
        for section in (message.answer, message.authority, message.additional)
    ]


def _parse(wire: bytes) -> dns.message.Message:
    return dns.message.from_wire(wire, one_rr_per_rrset=True)


@given(RECORDS, RECORDS, RECORDS, RCODES, st.booleans(), st.booleans())
def test_what_is_read_and_written_again_is_the_same(
    answer: list[tuple[str, int, tuple[str, str]]],
    authority: list[tuple[str, int, tuple[str, str]]],
    additional: list[tuple[str, int, tuple[str, str]]],
    rcode: str,
    theirs: bool,
    ours: bool,
) -> None:
    wire = _build(answer, authority, additional, rcode=rcode, edns=theirs)
    reply = read_reply(wire, START, 1)
    written = relay(_asker(edns=1232 if ours else None), reply, reply.body)
    before, after = _parse(wire), _parse(written)
    assert _lines(after) == _lines(before)
    assert after.rcode() == before.rcode()
    assert (after.edns >= 0) is ours
    assert dns.flags.to_text(after.flags) == "QR RD RA"


@given(RECORDS, RECORDS, RECORDS, RCODES, st.integers(0, 2000))
def test_ttls_run_down_evenly_and_never_below_one_while_fresh(
    answer: list[tuple[str, int, tuple[str, str]]],
    authority: list[tuple[str, int, tuple[str, str]]],
    additional: list[tuple[str, int, tuple[str, str]]],
    rcode: str,
    age: int,
) -> None:
    cache = Cache(CacheBounds())
    reply = read_reply(_build(answer, authority, additional, rcode=rcode), START, 1)
    cache.keep(ASKED, reply, 100.5)
    assert 0 <= reply.lifetime <= LONGEST_TTL
    entry = cache.find(ASKED, 100.5 + age)
    assert (entry is None) is (reply.lifetime == 0)
    if entry is None:
        return
    fresh = _parse(relay(_asker(), reply, reply.body))
    aged = _parse(relay(_asker(), reply, entry.body(100.5 + age)))
    assert _lines(fresh) == _lines(aged)
    assert entry.is_fresh(100.5 + age) is (age < reply.lifetime)
    for first, later in zip(
        [r for s in fresh.sections[1:] for r in s],
        [r for s in aged.sections[1:] for r in s],
        strict=True,
    ):
        assert later.ttl == (first.ttl - age if age < reply.lifetime else STALE_TTL)
        assert later.ttl >= 1


@given(RECORDS, RECORDS, RECORDS, RCODES, st.integers(512, 1400), st.booleans())
def test_what_does_not_fit_is_cut_at_whole_records(
    answer: list[tuple[str, int, tuple[str, str]]],
    authority: list[tuple[str, int, tuple[str, str]]],
    additional: list[tuple[str, int, tuple[str, str]]],
    rcode: str,
    limit: int,
    edns: bool,
) -> None:
    # Twelve records and some may be short: long ones are put in the way.
    long = [("example.", 60, ("TXT", f'"{"x" * 200}" "{n}"')) for n in range(3)]
    reply = read_reply(_build(long + answer, authority + long, additional, rcode=rcode), START, 1)
    wire = relay(_asker(limit, edns=1232 if edns else None), reply, reply.body)
    assert len(wire) <= limit
    whole = _parse(relay(_asker(), reply, reply.body))
    cut = _parse(wire)
    kept = [line for section in _lines(cut) for line in section]
    full = [line for section in _lines(whole) for line in section]
    assert full[: len(kept)] == kept
    required = len(_lines(whole)[0]) + len(_lines(whole)[1])
    assert bool(cut.flags & dns.flags.TC) is (len(kept) < required)
    assert len(kept) in range(required + 1) or kept == full
    if cut.flags & dns.flags.TC:
        # Not one record more would have fitted.
        end = reply.ends[len(kept)]
        assert START + end + (11 if edns else 0) > limit
    theirs = DNSRecord.parse(wire)
    assert len(theirs.rr) == len(_lines(cut)[0])
    assert len(theirs.auth) == len(_lines(cut)[1])


MESSAGES = st.builds(_build, RECORDS, RECORDS, RECORDS, rcode=RCODES)


@given(MESSAGES, st.data())
def test_no_mutation_of_a_reply_raises_anything_but_unreadable(
    wire: bytes, data: st.DataObject
) -> None:
    mutable = bytearray(wire)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(4, len(mutable) - 1))
        mutable[at] = data.draw(st.integers(0, 255) | st.sampled_from([0xC0, 0x3F, 0x40, 0]))
    mutated = bytes(mutable[: data.draw(st.integers(START, len(mutable)))])
    try:
        reply = read_reply(mutated, START, 1)
    except UnreadableReply:
        return
    # What passes can be read again after it was written, and says the same.
    written = relay(_asker(), reply, reply.body)
    again = read_reply(written, START, 1)
    if reply.rcode < 16:
        assert replace(again, referral=reply.referral) == reply


@given(st.binary(max_size=300))
def test_noise_behind_a_question_is_unreadable_or_a_reply(noise: bytes) -> None:
    head = _build([], edns=False)
    for counts in (b"\0\1\0\0\0\0", b"\0\0\0\1\0\1", b"\0\2\0\2\0\2"):
        try:
            read_reply(head[:6] + counts + head[12:] + noise, START, 1)
        except UnreadableReply:
            continue


class _Counted(bytes):
    """Octets that count how often one of them is looked at."""

    reads = 0

    def __getitem__(self, key: Any) -> Any:
        self.reads += 1
        return super().__getitem__(key)


def _pointers(chain: list[int], times: int, last: int) -> bytes:
    """A message with pointers in the data of its first record, and more names that point there."""
    data = b"".join((0xC000 | target).to_bytes(2) for target in chain)
    first = b"\0\xff\x01\0\1\0\0\0\0" + len(data).to_bytes(2) + data
    other = (0xC000 | last).to_bytes(2) + b"\xff\x01\0\1\0\0\0\0\0\0"
    head = _build([], edns=False)
    return head[:6] + (times + 1).to_bytes(2) + bytes(4) + head[12:] + first + other * times


def test_names_cost_what_their_octets_cost_however_they_point() -> None:
    """A name of 126 labels behind each of very many pointers to pointers."""
    at = START + 11
    data = b"\1a" * 126 + b"\0\0"
    # The first one to the name, each other one to the one before it.
    targets = [at, *(at + 254 + 2 * n for n in range(99))]
    data += b"".join((0xC000 | target).to_bytes(2) for target in targets)
    first = b"\0\xff\x01\0\1\0\0\0\0" + len(data).to_bytes(2) + data
    other = (0xC000 | (at + len(data) - 2)).to_bytes(2) + b"\xff\x01\0\1\0\0\0\0\0\0"
    head = _build([], edns=False)
    wire = head[:6] + (4001).to_bytes(2) + bytes(4) + head[12:] + first + other * 4000
    reads = _Counted(wire)
    assert read_reply(reads, START, 1).counts == (4001, 0, 0)
    # 4,000 walks over 226 labels and pointers would be 900,000.
    assert reads.reads < len(wire)


@pytest.mark.parametrize(("pointers", "read"), [(127, True), (128, False), (1000, False)])
def test_a_chain_of_pointers_is_bounded(pointers: int, read: bool) -> None:
    at = START + 11
    # The first points to the question's name, each other one to the one before it.
    chain = [12, *(at + 2 * n for n in range(pointers - 2))]
    wire = _pointers(chain, 1, at + 2 * (pointers - 2))
    if read:
        assert read_reply(wire, START, 1).counts == (2, 0, 0)
    else:
        with pytest.raises(UnreadableReply):
            read_reply(wire, START, 1)


@pytest.mark.parametrize(
    ("at", "read"),
    [
        (12, True),  # the question's name
        (16, True),  # and within it
        (START - 4, False),  # its type
        (START, True),  # the first record's owner
        (START + 2, False),  # the first record's type
        (START + 6, False),  # its TTL
        (START + 9, False),
        (START + 11, False),  # the length of its data
        (START + 12, True),  # its data, of a type that nobody knows
        (START + 14, False),  # a label there that leads into the next TTL
    ],
)
def test_a_name_does_not_pass_through_what_changes(at: int, read: bool) -> None:
    head = _build([], edns=False)
    data = b"\0\0\7"
    first = b"\xc0\x0c\xff\0\0\1\0\0\1\0" + len(data).to_bytes(2) + data
    pointer = (0xC000 | at).to_bytes(2)
    other = pointer + b"\xff\0\0\1\0\0\0\0\0\0"
    wire = head[:6] + b"\0\2" + bytes(4) + head[12:] + first + other
    if read:
        assert read_reply(wire, START, 1).counts == (2, 0, 0)
    else:
        with pytest.raises(UnreadableReply):
            read_reply(wire, START, 1)


def test_names_are_bounded_through_pointers_too() -> None:
    head = _build([], edns=False)
    half = (b"\x3f" + b"x" * 63) * 2
    fixed = b"\0\1\0\1\0\0\0\0\0\4\1\2\3\4"
    first = half + b"\0" + fixed
    pointer = (0xC000 | START).to_bytes(2)

    def make(front: bytes) -> bytes:
        return head[:6] + b"\0\2" + bytes(4) + head[12:] + first + front + pointer + fixed

    longest = (b"\x3f" + b"y" * 63) + (b"\x3d" + b"y" * 61)
    assert read_reply(make(longest), START, 1).counts == (2, 0, 0)
    with pytest.raises(UnreadableReply):
        read_reply(make((b"\x3f" + b"y" * 63) + (b"\x3e" + b"y" * 62)), START, 1)


SOA = "ns.example. root.example. 1 2 3 4 {}"


@pytest.mark.parametrize(
    ("ttl", "minimum", "lifetime"),
    [
        (60, 30, 30),
        (30, 60, 30),
        (0, 60, 0),
        (60, 0, 0),
        (2**31, 60, 0),
        (60, 2**31, 0),
        (999_999, 999_999, LONGEST_NEGATIVE_TTL),
    ],
)
def test_a_denial_lives_as_long_as_both_bounds_of_its_soa(
    ttl: int, minimum: int, lifetime: int
) -> None:
    wire = _build([], [("example.", ttl, ("SOA", SOA.format(minimum)))], rcode="NXDOMAIN")
    reply = read_reply(wire, START, 1)
    assert reply.lifetime == lifetime
    assert _parse(relay(_asker(), reply, reply.body)).authority[0].ttl == lifetime


def test_the_soa_of_a_positive_answer_is_no_bound_of_its_own() -> None:
    wire = _build([(QNAME, 600, ("A", "192.0.2.1"))], [("example.", 900, ("SOA", SOA.format(5)))])
    assert read_reply(wire, START, 1).lifetime == 600


@pytest.mark.parametrize("ttl", [2**31, 2**32 - 1])
def test_a_ttl_of_2_to_the_31_is_zero(ttl: int) -> None:
    reply = read_reply(_build([(QNAME, ttl, ("A", "192.0.2.1"))]), START, 1)
    assert reply.lifetime == 0
    assert _parse(relay(_asker(), reply, reply.body)).answer[0].ttl == 0


def test_any_is_answered_by_any_record() -> None:
    wire = _build([(QNAME, 60, ("TXT", '"x"'))], rtype="ANY")
    assert read_reply(wire, START, 255).lifetime == 60
    assert read_reply(wire, START, 1).lifetime == 0


def test_what_follows_an_opt_is_left_out_and_its_high_bits_are_the_rcodes() -> None:
    wire = _build([(QNAME, 60, ("A", "192.0.2.1"))], edns=True)
    tail = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
    wire = wire[:10] + b"\0\2" + wire[12:] + tail
    reply = read_reply(wire, START, 1)
    assert reply.counts == (1, 0, 0)
    assert reply.lifetime == 60
    at = len(wire) - len(tail) - 6
    assert wire[at - 5 : at] == b"\0\0\x29\x04\xd0"
    assert read_reply(wire[:at] + b"\1" + wire[at + 1 :], START, 1).rcode == 16


def test_an_opt_outside_additional_is_unreadable() -> None:
    wire = _build([], edns=True)
    with pytest.raises(UnreadableReply):
        read_reply(wire[:6] + b"\0\1\0\0\0\0" + wire[12:], START, 1)


def test_a_denial_of_service_has_the_question_and_an_opt_where_there_was_one() -> None:
    refused = _parse(deny(_asker(edns=1232, dnssec_ok=True), dns.rcode.REFUSED, available=False))  # type: ignore[arg-type]
    assert dns.flags.to_text(refused.flags) == "QR RD"
    assert (refused.edns, refused.ednsflags) == (0, 0x8000)
    failed = _parse(deny(_asker(), dns.rcode.SERVFAIL, Ede.CACHED_ERROR))  # type: ignore[arg-type]
    assert (failed.edns, failed.question[0].to_text()) == (-1, f"{QNAME} IN A")


def test_options_of_the_caller_go_into_the_opt() -> None:
    message = make_query(QNAME, edns=1232)
    query = decode(message)
    assert isinstance(query, Query)
    cookie = b"\0\x0a\0\x08" + bytes(8)
    reply = read_reply(_build([(QNAME, 60, ("A", "192.0.2.1"))]), START, 1)
    written = _parse(relay(Asker.of(query, message, 1232, cookie), reply, reply.body, Ede(3)))
    assert [int(option.otype) for option in written.options] == [10, 15]


@given(st.binary(min_size=1, max_size=63), st.integers(0, 2**600))
def test_mixing_changes_case_and_nothing_else(label: bytes, bits: int) -> None:
    name = (bytes((len(label),)) + label + b"\7example\0").lower()
    asked = Asked(name, 1, 1, False, False)
    sent = write(asked, lambda size: bits & ((1 << size) - 1), edns=True, mixed=True)
    assert sent.question[:-4].lower() == name
    assert sent.message[12:].startswith(sent.question)
    assert dns.message.from_wire(sent.message).question[0].name == dns.name.from_wire(name, 0)[0]
    everything = write(asked, lambda size: (1 << size) - 1, edns=True, mixed=True)
    assert everything.question[:-4] == name[:1] + name[1:].upper().replace(
        b"\7EXAMPLE", b"\7EXAMPLE"
    )
    assert not write(asked, lambda _: 0, edns=True, mixed=True).mixed


@given(st.binary(max_size=60))
@example(b"")
def test_noise_matches_nothing(noise: bytes) -> None:
    sent = write(ASKED, lambda size: 0x5A5A & ((1 << size) - 1), edns=True, mixed=True)
    assert match(noise, sent) is Match.NOT
    assert match(noise + sent.message, sent) is Match.NOT


def test_failures_are_bounded() -> None:
    failures = Failures()
    for number in range(MOST_FAILURES + 5):
        failures.note(ASKED._replace(rtype=number), 1.0)
    assert not failures.holds(ASKED._replace(rtype=4), 0.0)
    assert failures.holds(ASKED._replace(rtype=5), 0.0)
    assert not failures.holds(ASKED._replace(rtype=5), 1.0)
    assert len(failures._until) == MOST_FAILURES - 1
