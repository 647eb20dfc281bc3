"""The guard: every message is a query, a fault or silence, and soon."""

import random
import statistics
import struct
import time

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dnslib  # type: ignore[import-untyped, unused-ignore]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.protocol import Rcode
from dnsregistry.answers.query import Edns, Fault, Query, Question, Silence, decode

NAME = b"\x0cUser-Service\x08registry\x05local\0"
ASKED = NAME + b"\0\x01\0\x01"
OPT = b"\0\0\x29\x10\0\0\0\x80\0\0\0"
RECORD = b"\0\0\x01\0\x01\0\0\0\0\0\x04\x7f\0\0\x01"
TSIG = b"\x01k\0\0\xfa\0\xff\0\0\0\0\0\0"


def _message(
    body: bytes = ASKED, counts: tuple[int, int, int, int] = (1, 0, 0, 0), flags: int = 0x0100
) -> bytes:
    return struct.pack("!HHHHHH", 0xBEEF, flags, *counts) + body


def _fault(message: bytes) -> Fault:
    fault = decode(message)
    assert isinstance(fault, Fault), fault
    assert fault.id == 0xBEEF
    return fault


def _rcode(message: bytes) -> Rcode:
    return _fault(message).rcode


def test_a_plain_query_is_read() -> None:
    query = decode(_message())
    assert query == Query(0xBEEF, True, Question(NAME, 1, 1), None)
    assert isinstance(query, Query)
    assert str(query.question.name) == "user-service.registry.local."


def test_the_flags_that_ask_nothing_of_us_are_ignored() -> None:
    # TC, AD, CD, Z, AA, RA and an rcode in a query change nothing.
    query = decode(_message(flags=0x06FF & ~0x0100))
    assert query == Query(0xBEEF, False, Question(NAME, 1, 1), None)


def test_the_root_is_a_name() -> None:
    query = decode(_message(b"\0\0\x02\0\x01"))
    assert isinstance(query, Query)
    assert query.question.name.labels == ()


def test_an_opt_is_read() -> None:
    options = b"\0\x0a\0\x08abcdefgh" + b"\xfd\xe9\0\0"
    opt = b"\0\0\x29\x04\xd0\0\0\x80\0" + struct.pack("!H", len(options)) + options
    query = decode(_message(ASKED + opt, (1, 0, 0, 1)))
    assert isinstance(query, Query)
    assert query.edns == Edns(1232, 0, True, ((10, b"abcdefgh"), (65001, b"")))


@pytest.mark.parametrize("octets", range(12))
def test_less_than_a_header_gets_silence(octets: int) -> None:
    assert decode(_message()[:octets]) == Silence()


@pytest.mark.parametrize("flags", [0x8000, 0x8180, 0xF800, 0xFFFF])
def test_a_response_gets_silence(flags: int) -> None:
    assert decode(_message(flags=flags)) == Silence()
    assert decode(_message(b"", (0, 0, 0, 0), flags)) == Silence()


@pytest.mark.parametrize("opcode", range(1, 16))
def test_another_opcode_is_not_implemented(opcode: int) -> None:
    fault = _fault(_message(flags=opcode << 11))
    assert fault == Fault(0xBEEF, opcode, False, Rcode.NOTIMP, Question(NAME, 1, 1))
    # Whatever follows the header, and without it too.
    for body, counts in ((b"", (0, 0, 0, 0)), (b"\xff" * 9, (9, 9, 9, 9)), (b"", (1, 0, 0, 0))):
        fault = _fault(_message(body, counts, opcode << 11))
        assert fault == Fault(0xBEEF, opcode, False, Rcode.NOTIMP)


def test_a_notify_and_an_update_are_not_implemented() -> None:
    for opcode in (dns.opcode.NOTIFY, dns.opcode.UPDATE):
        message = dns.message.make_query("registry.local", "SOA", use_edns=0)
        message.set_opcode(opcode)
        fault = decode(message.to_wire())
        assert isinstance(fault, Fault)
        assert (fault.rcode, fault.id, fault.opcode) == (Rcode.NOTIMP, message.id, opcode)
        assert fault.edns is not None


@pytest.mark.parametrize("questions", [0, 2, 3, 4, 5, 65535])
def test_other_than_one_question_is_a_format_error(questions: int) -> None:
    fault = _fault(_message(ASKED * min(questions, 5), (questions, 0, 0, 0)))
    assert fault.rcode is Rcode.FORMERR
    assert fault.question is None


@pytest.mark.parametrize("counts", [(1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1)])
def test_a_record_in_a_query_is_a_format_error(counts: tuple[int, int, int, int]) -> None:
    fault = _fault(_message(ASKED + RECORD, counts))
    assert fault.rcode is Rcode.FORMERR
    assert fault.question == Question(NAME, 1, 1)


@pytest.mark.parametrize(
    "name",
    [
        b"\xc0\x0c",  # to itself
        b"\xc0\x0e",  # forward
        b"\xc0\x00",  # into the header
        b"\xff\xff",  # past the end
        b"\x04user\xc0\x0c",  # to its own start
        b"\x04user\xc0\x11",  # to itself, further on
        b"\x40" + b"x" * 64 + b"\0",  # label type 01
        b"\x80" + b"x" * 128 + b"\0",  # label type 10
        b"\xbf" + b"x" * 191 + b"\0",
        b"\x41\x01\x80\0",  # the bit-string label of RFC 2673
        (b"\x3f" + b"x" * 63) * 4 + b"\0",  # 257 octets
        (b"\x3f" + b"x" * 63) * 3 + b"\x3e" + b"x" * 62 + b"\0",  # 256 octets
        b"\x01x" * 127 + b"\x01x\0",
        b"\x01x" * 30_000 + b"\0",
    ],
    ids=lambda name: name[:4].hex(),
)
def test_a_name_that_is_none_is_a_format_error(name: bytes) -> None:
    assert _fault(_message(name + b"\0\x01\0\x01")) == Fault(0xBEEF, 0, True, Rcode.FORMERR)


def test_the_longest_name_is_read() -> None:
    for name in ((b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"x" * 61 + b"\0", b"\x01x" * 127 + b"\0"):
        assert len(name) == 255
        query = decode(_message(name + b"\0\x01\0\x01"))
        assert isinstance(query, Query)
        assert query.question.wire == name


@pytest.mark.parametrize("octets", range(12, len(_message(ASKED + OPT))))
def test_a_message_cut_anywhere_is_a_format_error(octets: int) -> None:
    assert _rcode(_message(ASKED + OPT, (1, 0, 0, 1))[:octets]) is Rcode.FORMERR


def test_octets_left_over_are_a_format_error() -> None:
    assert _fault(_message(ASKED + b"\0")).question == Question(NAME, 1, 1)
    assert _rcode(_message(ASKED + b"\0")) is Rcode.FORMERR
    assert _rcode(_message(ASKED + OPT)) is Rcode.FORMERR
    assert _rcode(_message(ASKED + OPT + b"\0", (1, 0, 0, 1))) is Rcode.FORMERR


@pytest.mark.parametrize(
    "rdata",
    [b"\0", b"\0\x0a\0", b"\0\x0a\0\x08short", b"\0\x0a\xff\xff", b"\0\x0a\0\0\0\x0a\0"],
)
def test_a_broken_option_is_a_format_error(rdata: bytes) -> None:
    opt = b"\0\0\x29\x10\0\0\0\0\0" + struct.pack("!H", len(rdata)) + rdata
    assert _rcode(_message(ASKED + opt, (1, 0, 0, 1))) is Rcode.FORMERR


@pytest.mark.parametrize(("options", "read"), [(0, True), (32, True), (33, False)])
def test_more_options_than_exist_are_a_format_error(options: int, read: bool) -> None:
    opt = OPT[:-2] + struct.pack("!H", 4 * options) + b"\xfd\xe9\0\0" * options
    query = decode(_message(ASKED + opt, (1, 0, 0, 1)))
    if read:
        assert isinstance(query, Query)
        assert query.edns == Edns(4096, 0, True, ((65001, b""),) * options)
    else:
        assert query == Fault(0xBEEF, 0, True, Rcode.FORMERR)


@pytest.mark.parametrize("owner", [b"\x01x\0", b"\xc0\x0c"])
def test_an_opt_away_from_the_root_is_a_format_error(owner: bytes) -> None:
    fault = _fault(_message(ASKED + owner + OPT[1:], (1, 0, 0, 1)))
    assert fault.rcode is Rcode.FORMERR
    assert fault.edns is None


def test_two_opts_are_a_format_error_answered_with_one() -> None:
    fault = _fault(_message(ASKED + OPT + OPT, (1, 0, 0, 2)))
    assert fault.rcode is Rcode.FORMERR
    assert fault.edns == Edns(4096, 0, True, ())


@pytest.mark.parametrize("version", [1, 2, 255])
def test_another_version_of_edns_is_a_bad_version(version: int) -> None:
    opt = b"\0\0\x29\x10\0\0" + bytes((version,)) + b"\x80\0\0\0"
    fault = _fault(_message(ASKED + opt, (1, 0, 0, 1)))
    assert fault.rcode is Rcode.BADVERS
    assert fault.edns == Edns(4096, version, True, ())
    assert fault.question == Question(NAME, 1, 1)


def test_a_signature_that_no_key_of_ours_made_is_not_authentic() -> None:
    query = dns.message.make_query("user-service.registry.local", "A", use_edns=0)
    query.use_tsig(dns.tsigkeyring.from_text({"key": "c2VjcmV0"}))
    fault = decode(query.to_wire())
    assert isinstance(fault, Fault)
    assert fault.rcode is Rcode.NOTAUTH
    assert fault.edns is not None


def test_a_signature_stands_last_and_once() -> None:
    assert _rcode(_message(ASKED + OPT + TSIG, (1, 0, 0, 2))) is Rcode.NOTAUTH
    assert _rcode(_message(ASKED + TSIG + OPT, (1, 0, 0, 2))) is Rcode.FORMERR
    assert _rcode(_message(ASKED + TSIG + TSIG, (1, 0, 0, 2))) is Rcode.FORMERR


CHAIN = b"".join(struct.pack("!H", 0xC000 | 12 + 2 * place) for place in range(1, 1001)) + b"\0"
LONG = b"\x01x" * 32_000 + b"\0"
HOSTILE = {
    "a thousand pointers": _message(CHAIN + b"\0\x01\0\x01"),
    "a thousand pointers in a record": _message(ASKED + CHAIN + RECORD[1:], (1, 1, 0, 0)),
    "a name of 64,000 octets": _message(LONG + b"\0\x01\0\x01"),
    "a record's name of 64,000 octets": _message(ASKED + LONG + RECORD[1:], (1, 0, 0, 1)),
    "65,535 of each record": _message(ASKED + RECORD * 4000, (65535, 65535, 65535, 65535)),
    "4,000 records": _message(ASKED + RECORD * 4000, (1, 4000, 0, 0)),
    "a lie of 65,535 octets": _message(ASKED + OPT[:-2] + b"\xff\xff", (1, 0, 0, 1)),
    "16,000 options": _message(ASKED + OPT[:-2] + b"\xfa\x00" + bytes(64_000), (1, 0, 0, 1)),
    "zeroes": bytes(65535),
    "ones": b"\x7f" * 65535,
}


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_message_costs_under_a_millisecond(title: str) -> None:
    message = HOSTILE[title]
    spent = []
    for _ in range(51):
        begun = time.perf_counter()
        fault = decode(message)
        spent.append(time.perf_counter() - begun)
    assert isinstance(fault, Fault)
    assert fault.rcode in (Rcode.FORMERR, Rcode.NOTIMP)
    assert statistics.median(spent) < 0.001


def _valid_messages() -> list[bytes]:
    queries = [
        dns.message.make_query("user-service.registry.local", "SRV"),
        dns.message.make_query("x" * 63 + ".registry.local", "ANY", use_edns=0, payload=512),
        dns.message.make_query(".", "NS", want_dnssec=True),
        dns.message.make_query(
            "a.b",
            "A",
            use_edns=0,
            options=[
                dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"x" * 20),
                dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"y" * 8),
            ],
        ),
    ]
    signed = dns.message.make_query("user-service.registry.local", "A", use_edns=0)
    signed.use_tsig(dns.tsigkeyring.from_text({"key": "c2VjcmV0"}))
    return [query.to_wire() for query in [*queries, signed]]


VALID = _valid_messages()


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    message = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(message)))
        match draw(st.sampled_from(["set", "flip", "cut", "insert", "repeat", "pointer"])):
            case "set":
                message[place : place + 1] = draw(st.binary(min_size=1, max_size=2))
            case "flip":
                message[place : place + 1] = bytes(
                    octet ^ 1 << draw(st.integers(0, 7)) for octet in message[place : place + 1]
                )
            case "cut":
                del message[place : place + draw(st.integers(1, 20))]
            case "insert":
                message[place:place] = draw(st.binary(max_size=20))
            case "repeat":
                message += message[place:]
            case _:
                message[place : place + 2] = struct.pack("!H", 0xC000 | draw(st.integers(0, 80)))
    return bytes(message)


@settings(max_examples=600, deadline=None)
@given(st.binary(max_size=100) | st.binary(max_size=60).map(_message) | _mutated())
def test_any_octets_have_one_of_three_results(message: bytes) -> None:
    decoded = decode(message)
    if isinstance(decoded, Silence):
        assert len(message) < 12 or message[2] & 0x80
        return
    assert decoded.id == int.from_bytes(message[:2])
    assert decoded.recursion_desired == bool(message[2] & 1)
    question = decoded.question
    if question is not None:
        assert message[12 : 12 + len(question.wire)] == question.wire
        assert len(question.wire) <= 255
        assert all(1 <= len(label) <= 63 for label in question.name.labels)
    if isinstance(decoded, Fault):
        assert decoded.rcode in (Rcode.FORMERR, Rcode.NOTIMP, Rcode.BADVERS, Rcode.NOTAUTH)
        assert decoded.opcode == message[2] >> 3 & 0xF
        assert (decoded.rcode is Rcode.NOTIMP) == (decoded.opcode != 0)
    else:
        assert message[2] >> 3 & 0xF == 0
        assert message[4:6] == b"\0\x01"


def test_many_random_messages_leave_no_exception() -> None:
    chance = random.Random(1)
    for _ in range(20_000):
        message = bytearray(chance.choice(VALID))
        for _ in range(chance.randrange(1, 6)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        assert isinstance(decode(bytes(message)), Query | Fault | Silence)


LABELS = st.lists(st.binary(min_size=1, max_size=20), max_size=6)
TYPES = st.sampled_from([1, 2, 6, 16, 28, 33, 255, 65280])


@settings(deadline=None)
@given(LABELS, TYPES, st.booleans(), st.none() | st.integers(0, 65535), st.booleans())
def test_a_query_of_dnspython_is_read_as_it_says(
    labels: list[bytes], rtype: int, desired: bool, payload: int | None, dnssec: bool
) -> None:
    name = dns.name.Name((*labels, b""))
    theirs = dns.message.make_query(
        name,
        dns.rdatatype.RdataType.make(rtype),
        flags=dns.flags.RD if desired else 0,
        use_edns=None if payload is None else 0,
        want_dnssec=dnssec and payload is not None,
        payload=payload,
    )
    wire = name.to_wire()
    assert wire is not None
    query = decode(theirs.to_wire())
    edns = None if payload is None else Edns(payload, 0, dnssec, ())
    assert query == Query(theirs.id, desired, Question(wire, rtype, 1), edns)
    assert isinstance(query, Query)
    assert query.question.name.labels == tuple(label.lower() for label in labels)


@settings(deadline=None)
@given(st.lists(st.text("aB-_9", min_size=1, max_size=20), min_size=1, max_size=6), TYPES)
def test_a_query_of_dnslib_is_read_as_it_says(labels: list[str], rtype: int) -> None:
    text = ".".join(labels)
    theirs = dnslib.DNSRecord(q=dnslib.DNSQuestion(text, rtype))
    theirs.add_ar(dnslib.EDNS0(flags="do", udp_len=1400))
    query = decode(theirs.pack())
    assert isinstance(query, Query)
    assert query.id == theirs.header.id
    assert (query.question.rtype, query.question.rclass) == (rtype, 1)
    assert str(query.question.name) == f"{text.lower()}."
    assert query.edns == Edns(1400, 0, True, ())
