"""What no honest client sends, and what only few do."""

import random
import struct
from time import perf_counter

import pytest
from structlog.testing import capture_logs

from tests.conftest import Start
from tests.program import Program
from tests.wire import HEADER_OCTETS, Reply, make_query

NAME = "user-service.registry.local"
QUESTION = make_query(NAME)[HEADER_OCTETS:]
TYPE_CLASS = struct.pack("!HH", 1, 1)


def _message(
    body: bytes, counts: tuple[int, int, int, int] = (1, 0, 0, 0), flags: int = 0
) -> bytes:
    return struct.pack("!HHHHHH", 4711, flags, *counts) + body


async def _tell_rcode(program: Program, message: bytes, *, tcp: bool = False) -> str:
    reply = await program.dns.exchange(message, tcp=tcp)
    assert reply.id == 4711
    assert (reply.answer, reply.authority) == ([], [])
    return reply.rcode


async def _is_silent(program: Program, message: bytes) -> bool:
    """Whether the next reply on the socket is to the next query."""
    client = program.dns.udp()
    await client.send(message)
    reply = Reply.of(await client.exchange(make_query(NAME, id=12)))
    return reply.id == 12


async def test_less_than_a_header_is_not_answered(program: Program) -> None:
    for octets in range(HEADER_OCTETS):
        assert await _is_silent(program, _message(QUESTION)[:octets])
    assert (await program.read_stats())["dns"]["silent"] == HEADER_OCTETS


async def test_a_response_is_not_answered(program: Program) -> None:
    """Answering one could keep two servers busy with each other for ever."""
    for flags in (0x8000, 0x8500, 0xFFFF):
        assert await _is_silent(program, _message(QUESTION, flags=flags))


@pytest.mark.parametrize("opcode", range(1, 16))
async def test_another_opcode_is_notimp(program: Program, opcode: int) -> None:
    """RFC 8906, 3.1.4: NOTIMP is what is expected, with id and opcode."""
    wire = await program.dns.udp().exchange(_message(QUESTION, flags=opcode << 11))
    flags = 0x8000 | opcode << 11 | 4
    assert wire == _message(QUESTION, flags=flags)


async def test_an_update_is_notimp_with_all_its_sections(program: Program) -> None:
    record = b"\0" + struct.pack("!HHIH", 1, 255, 0, 0)
    message = _message(QUESTION + record * 60, (1, 20, 20, 20), flags=5 << 11)
    wire = await program.dns.udp().exchange(message)
    assert wire == _message(b"", (0, 0, 0, 0), flags=0x8000 | 5 << 11 | 4)


@pytest.mark.parametrize("count", [0, 2, 3, 65535])
async def test_another_count_of_questions_is_formerr(program: Program, count: int) -> None:
    """RFC 9619, 4: more than one question is FORMERR; none asks for nothing."""
    body = QUESTION * min(count, 3)
    assert await _tell_rcode(program, _message(body, (count, 0, 0, 0))) == "FORMERR"


_NAMES = {
    "a pointer to itself": b"\xc0\x0c",
    "a pointer forward": b"\xc0\x20" + b"\0" * 24,
    "a pointer into the header": b"\xc0\x00",
    "a pointer behind a label": b"\x01a\xc0\x0c",
    "a thousand pointers": b"".join(
        struct.pack("!H", 0xC000 | HEADER_OCTETS + 2 * (place + 1)) for place in range(1000)
    )
    + b"\0",
    "a label of type 01": b"\x41" + b"a" * 65 + b"\0",
    "a label of type 10": b"\x81" + b"a" * 129 + b"\0",
    "256 octets": (b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0",
    "128 labels": b"\x01a" * 128 + b"\0",
    "no end": b"\x3f" + b"a" * 20,
    "no root": b"\x01a",
    "nothing": b"",
}


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("fault", _NAMES)
async def test_a_malformed_name_is_formerr(program: Program, fault: str, tcp: bool) -> None:
    """RFC 9267 lists what such names did to servers; a question has nothing to point to."""
    assert await _tell_rcode(program, _message(_NAMES[fault] + TYPE_CLASS), tcp=tcp) == "FORMERR"
    assert (await program.read_stats())["dns"]["faults"] == 0


async def test_the_worst_names_cost_no_time(program: Program) -> None:
    client = program.dns.udp()
    for name in _NAMES.values():
        message = _message(name * (3900 // (len(name) or 3900)) + TYPE_CLASS)
        took = []
        for _ in range(20):
            began = perf_counter()
            await client.exchange(message)
            took.append(perf_counter() - began)
        # The fastest one, both ways through the kernel included, in a debugging event loop.
        assert min(took) < 0.005


async def test_the_longest_name_is_answered(program: Program) -> None:
    labels = [b"a" * 63, b"a" * 63, b"a" * 63, b"a" * (255 - 3 * 64 - 16 - 1)]
    name = b"".join(bytes((len(label),)) + label for label in labels) + b"\x08registry\x05local\0"
    assert len(name) == 255
    reply = await program.dns.exchange(_message(name + TYPE_CLASS))
    assert reply.rcode == "NXDOMAIN"


@pytest.mark.parametrize("octet", [0, 0x2E, 0x5C, 0x22, 0x80, 0xFF])
async def test_a_label_may_hold_any_octet(program: Program, octet: int) -> None:
    """RFC 2181, 11: "any binary string whatever can be used as the label"."""
    name = b"\x03a" + bytes((octet,)) + b"b\x08registry\x05local\0"
    reply = await program.dns.exchange(_message(name + TYPE_CLASS))
    assert reply.rcode == "NXDOMAIN"
    assert reply.wire[HEADER_OCTETS:].startswith(name + TYPE_CLASS)


_OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0, 0)
_TSIG = b"\0" + struct.pack("!HHIH", 250, 255, 0, 0)
_RECORD = b"\0" + struct.pack("!HHIH", 1, 1, 0, 4) + b"\x0a\0\0\1"
_SECTIONS: dict[str, tuple[bytes, tuple[int, int, int, int], str]] = {
    "octets left over": (QUESTION + b"\0", (1, 0, 0, 0), "FORMERR"),
    "a record that is not there": (QUESTION, (1, 0, 0, 1), "FORMERR"),
    "an answer": (QUESTION + _RECORD, (1, 1, 0, 0), "FORMERR"),
    "an authority": (QUESTION + _RECORD, (1, 0, 1, 0), "FORMERR"),
    "an additional address": (QUESTION + _RECORD, (1, 0, 0, 1), "FORMERR"),
    "two OPT": (QUESTION + _OPT * 2, (1, 0, 0, 2), "FORMERR"),
    "an OPT with an owner": (QUESTION + b"\x01a" + _OPT, (1, 0, 0, 1), "FORMERR"),
    "an OPT without its data": (QUESTION + _OPT[:-2] + b"\0\4", (1, 0, 0, 1), "FORMERR"),
    "half an option": (QUESTION + _OPT[:-2] + b"\0\3\0\1\0", (1, 0, 0, 1), "FORMERR"),
    "an option that is longer": (
        QUESTION + _OPT[:-2] + b"\0\4" + b"\0\1\0\1",
        (1, 0, 0, 1),
        "FORMERR",
    ),
    "a signature": (QUESTION + _TSIG, (1, 0, 0, 1), "NOTAUTH"),
    "a signature in front of an OPT": (QUESTION + _TSIG + _OPT, (1, 0, 0, 2), "FORMERR"),
}


@pytest.mark.parametrize("fault", _SECTIONS)
async def test_sections_that_no_query_has_are_turned_away(program: Program, fault: str) -> None:
    body, counts, rcode = _SECTIONS[fault]
    assert await _tell_rcode(program, _message(body, counts)) == rcode


@pytest.mark.parametrize(
    ("rtype", "rcode"),
    [
        ("AXFR", "REFUSED"),
        ("IXFR", "REFUSED"),
        ("OPT", "FORMERR"),
        ("TSIG", "FORMERR"),
        ("MAILA", "NOTIMP"),
        ("TYPE128", "NOTIMP"),
    ],
)
async def test_a_type_that_asks_for_no_data_is_turned_away(
    program: Program, rtype: str, rcode: str
) -> None:
    assert (await program.ask(NAME, rtype)).rcode == rcode


@pytest.mark.parametrize("rclass", ["CH", "HS", "ANY", "NONE", "CLASS0"])
async def test_another_class_is_refused(house: Program, rclass: str) -> None:
    reply = await house.ask(NAME, rclass=rclass)
    assert (reply.rcode, reply.flags, reply.answer) == ("REFUSED", "QR RD", [])


async def test_the_server_names_itself_only_where_its_owner_says(
    program: Program, start: Start
) -> None:
    assert (await program.ask("version.bind", "TXT", rclass="CH")).rcode == "REFUSED"
    telling = await start(chaos_version="our own", chaos_id="here")
    for name, text in (("version.bind", "our own"), ("ID.server", "here")):
        reply = await telling.ask(name, "TXT", rclass="CH")
        assert reply.answer == [f'{name}. 0 CH TXT "{text}"']
    assert (await telling.ask("version.bind", "A", rclass="CH")).rcode == "REFUSED"


@pytest.mark.parametrize("tcp", [False, True])
async def test_only_clients_that_may_ask_are_answered(start: Start, tcp: bool) -> None:
    program = await start(allow_query="127.0.0.2/31,2001:db8::/32")
    await program.register("i")
    reply = await program.ask(NAME, tcp=tcp, source="127.0.0.1")
    assert (reply.rcode, reply.flags, reply.answer) == ("REFUSED", "QR RD", [])
    assert (await program.ask(NAME, tcp=tcp, source="127.0.0.3")).rdatas == ["10.0.0.1"]


@pytest.mark.parametrize("tcp", [False, True])
async def test_an_error_of_ours_costs_its_query_a_servfail_and_no_more(
    house: Program, monkeypatch: pytest.MonkeyPatch, tcp: bool
) -> None:
    lookup = house.app.zone.lookup
    client = await house.dns.tcp() if tcp else house.dns.udp()

    def fail(*_: object) -> None:
        raise RuntimeError("a fault that was put in")

    monkeypatch.setattr(house.app.zone, "lookup", fail)
    with capture_logs() as lines:
        reply = Reply.of(await client.exchange(make_query(NAME, id=5, edns=1232)))
    assert (reply.id, reply.rcode, reply.flags, reply.opts) == (5, "SERVFAIL", "QR RD", 1)
    assert reply.question == ["user-service.registry.local. IN A"]
    assert [(line["log_level"], line["event"]) for line in lines] == [("error", "query failed")]

    monkeypatch.setattr(house.app.zone, "lookup", lookup)
    reply = Reply.of(await client.exchange(make_query(NAME)))
    assert len(reply.answer) == 2
    stats = (await house.read_stats())["dns"]
    assert (stats["faults"], stats["rcodes"]) == (1, {"SERVFAIL": 1, "NOERROR": 1})


async def test_reserved_flags_are_ignored_and_not_copied(house: Program) -> None:
    """RFC 1035, 4.1.1: Z "must be zero"; a query's AA, TC, RA mean nothing (RFC 8906, 3.1.3)."""
    for flags in (0x0400, 0x0200, 0x0080, 0x0040, 0x0020, 0x0010, 0x000F, 0x06FF):
        reply = await house.dns.exchange(_message(QUESTION, flags=flags))
        assert (reply.rcode, reply.flags, len(reply.answer)) == ("NOERROR", "QR AA", 2)


async def test_rd_is_copied_and_ra_never_set(house: Program) -> None:
    assert (await house.ask(NAME, rd=False)).flags == "QR AA"
    assert (await house.ask(NAME, rd=True)).flags == "QR AA RD"


async def test_a_datagram_longer_than_any_query_is_formerr(program: Program) -> None:
    padding = random.Random(0).randbytes(20_000)
    assert await _tell_rcode(program, _message(QUESTION + padding)) == "FORMERR"
