"""Which EDNS options are answered, and with what."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.access import Client
from dnsregistry.answers.answer import Answer
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.message import encode
from dnsregistry.answers.options import NO_OPTIONS, OptionAnswerer, Options
from dnsregistry.answers.protocol import Rcode
from dnsregistry.answers.query import Edns, Query, Question

UDP, TCP = Client("192.0.2.1", tcp=False), Client("192.0.2.1", tcp=True)
NSID, SUBNET, COOKIE, KEEPALIVE = 3, 8, 10, 11
Given = tuple[int, bytes]


def _answer(*options: Given, client: Client = UDP, name: str = "", idle: float = 10) -> Options:
    answered = _try(*options, client=client, name=name, idle=idle)
    assert answered is not None
    return answered


def _try(*options: Given, client: Client = UDP, name: str = "", idle: float = 10) -> Options | None:
    answerer = OptionAnswerer(CookieBaker(bytes(16)), name, idle)
    return answerer.answer(Edns(1232, 0, False, options), client, 1000.0)


def test_without_options_there_are_none() -> None:
    answerer = OptionAnswerer(CookieBaker(bytes(16)), "node-1", 10)
    assert answerer.answer(None, UDP, 0.0) is NO_OPTIONS
    assert answerer.answer(Edns(1232, 0, False, ()), UDP, 0.0) is NO_OPTIONS


@pytest.mark.parametrize("code", [0, 1, 2, 5, 9, 12, 14, 15, 65001, 65535])
def test_an_option_that_is_not_known_is_ignored(code: int) -> None:
    """RFC 6891, 6.1.2: options not understood "MUST be ignored"."""
    assert _answer((code, b"anything"), name="node-1") == NO_OPTIONS


def test_a_cookie_gets_a_cookie_and_proves_itself() -> None:
    first = _answer((COOKIE, b"clientco"))
    ((code, octets),) = first.reply
    assert (code, octets[:8], len(octets), first.proven) == (COOKIE, b"clientco", 24, False)
    assert _answer((COOKIE, octets)) == Options(((COOKIE, octets),), proven=True)
    bad = _answer((COOKIE, octets[:-1] + bytes((octets[-1] ^ 1,))))
    assert bad == Options(((COOKIE, octets),), proven=False)


def test_a_malformed_cookie_makes_the_message_malformed() -> None:
    assert _try((COOKIE, b"short")) is None
    assert _try((NSID, b""), (COOKIE, b""), name="n") is None


@pytest.mark.parametrize(
    "subnet",
    [
        "0001 18 00 c00002",
        "0001 20 00 c0000201",
        "0001 00 00",
        "0001 17 00 c00002",
        "0001 01 00 80",
        "0002 38 00 20010db8000000",
        "0002 80 00 20010db8000000000000000000000001",
        "0002 00 00",
    ],
)
def test_a_subnet_gets_its_scope_of_zero(subnet: str) -> None:
    """RFC 7871, 7.2.1: the scope says for which clients the answer holds; here for all."""
    octets = bytes.fromhex(subnet)
    assert _answer((SUBNET, octets)).reply == ((SUBNET, octets),)


@pytest.mark.parametrize(
    "subnet",
    [
        "",
        "0001",
        "0001 18",
        "0001 18 18 c00002",  # a query's scope is 0
        "0001 21 00 c000020100",
        "0001 18 00 c000",
        "0001 18 00 c0000200",
        "0001 17 00 c00003",  # a bit past the prefix
        "0001 01 00 ff",
        "0002 81 00 20010db800000000000000000000000100",
        "0003 18 00 c00002",
        "0000 18 00 c00002",
    ],
)
def test_a_malformed_subnet_makes_the_message_malformed(subnet: str) -> None:
    """RFC 7871, 6: "SHOULD return FORMERR to reject the packet"."""
    assert _try((SUBNET, bytes.fromhex(subnet))) is None


def test_a_name_is_told_where_there_is_one() -> None:
    """RFC 5001, 2.1 and 2.2."""
    assert _answer((NSID, b""), name="node-1").reply == ((NSID, b"node-1"),)
    assert _answer((NSID, b"")).reply == ()


@pytest.mark.parametrize(("idle", "told"), [(10, 100), (0.5, 5), (0.01, 0), (3600, 36000)])
def test_the_idle_time_is_told_over_tcp_alone(idle: float, told: int) -> None:
    """RFC 7828, 3.1: in units of 100 ms; 3.2.1: not over UDP."""
    answered = _answer((KEEPALIVE, b""), client=TCP, idle=idle)
    assert answered.reply == ((KEEPALIVE, told.to_bytes(2)),)
    assert _answer((KEEPALIVE, b""), client=UDP, idle=idle).reply == ()


def test_an_idle_time_past_what_can_be_told_is_the_longest() -> None:
    assert _answer((KEEPALIVE, b""), client=TCP, idle=1e6).reply == ((KEEPALIVE, b"\xff\xff"),)


def test_an_option_given_twice_is_answered_once() -> None:
    answered = _answer(
        (COOKIE, b"clientco"), (COOKIE, b"another!"), (NSID, b""), (NSID, b""), name="n"
    )
    assert [code for code, _ in answered.reply] == [COOKIE, NSID]
    assert answered.reply[0][1].startswith(b"clientco")


def test_a_malformed_option_behind_a_sound_one_of_its_kind_is_not_looked_at() -> None:
    assert _try((COOKIE, b"clientco"), (COOKIE, b"short")) is not None


def test_all_options_together_leave_room_for_the_longest_question() -> None:
    wire = (b"\x3f" + b"x" * 63) * 3 + b"\x3d" + b"x" * 61 + b"\0"
    subnet = bytes.fromhex("0002 80 00") + b"\x20\x01" + bytes(14)
    given = ((COOKIE, b"clientco"), (SUBNET, subnet), (NSID, b""), (KEEPALIVE, b""))
    answered = _answer(*given, client=TCP, name="n" * 1000)
    assert len(answered.reply) == 4
    query = Query(1, True, Question(wire, 1, 1), Edns(512, 0, False, given))
    assert len(encode(query, Answer(Rcode.SERVFAIL), 512, answered.reply)) <= 512


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([3, 8, 10, 11, 12]), st.binary(max_size=45)), max_size=5),
    st.sampled_from([UDP, TCP]),
)
def test_any_options_are_answered_or_malformed(options: list[Given], client: Client) -> None:
    answered = _try(*options, client=client, name="node-1")
    if answered is None:
        assert {SUBNET, COOKIE} & {code for code, _ in options}
        return
    codes = [code for code, _ in answered.reply]
    assert len(set(codes)) == len(codes)
    assert set(codes) <= {code for code, _ in options}
    assert not answered.proven
