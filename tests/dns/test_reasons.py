"""A denial and a refusal say why, to clients that sent an OPT (RFC 8914)."""

import dns.edns
import pytest

from dnsregistry.answers.answer import MOST_TEXT
from tests.conftest import Start
from tests.program import Clock, Program
from tests.wire import Reply

NAME = "user-service.registry.local"
COOKIE = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, b"12345678")


def _why(reply: Reply) -> list[tuple[int, str | None]]:
    return [(int(error.code), error.text) for error in reply.message.extended_errors()]


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_service_with_nobody_to_answer_says_why(house: Program, tcp: bool) -> None:
    for one, status in (("i1", "draining"), ("i2", "draining"), ("i3", "maintenance")):
        await house.set_status(one, status)
    for name, rtype in ((NAME, "A"), (f"_{NAME}".replace(".", "._tcp.", 1), "SRV")):
        for _ in range(4):
            reply = await house.ask(name, rtype, edns=1232, tcp=tcp)
            assert reply.rcode == "NOERROR"
            assert _why(reply) == [(0, "no healthy instance: 2 of 3 draining, 1 in maintenance")]
    bare = await house.ask(NAME, tcp=tcp)
    assert (bare.opts, bare.authority) == (0, reply.authority)


async def test_the_reason_follows_what_happens(house: Program) -> None:
    for number in (1, 2, 3):
        await house.set_status(f"i{number}", "draining")
        for _ in range(3):
            reply = await house.ask(NAME, edns=1232)
    assert _why(reply) == [(0, "no healthy instance: 3 of 3 draining")]
    await house.set_status("i3", "maintenance")
    told = (0, "no healthy instance: 2 of 3 draining, 1 in maintenance")
    assert _why(await house.ask(NAME, edns=1232)) == [told]
    await house.set_status("i1", "healthy")
    reply = await house.ask(NAME, edns=1232)
    assert (len(reply.answer), _why(reply)) == (1, [])


async def test_a_reason_is_kept_with_the_serial_of_its_moment(house: Program) -> None:
    for number in (1, 2, 3):
        await house.set_status(f"i{number}", "draining")
    for _ in range(4):
        before = await house.ask(NAME, edns=1232)
    await house.register("other", service="other")
    after = await house.ask(NAME, edns=1232)
    assert _why(after) == _why(before)
    assert after.authority == (await house.ask(NAME)).authority != before.authority


async def test_when_the_last_instance_left_is_told_as_time_goes(start: Start) -> None:
    program = await start(clock := Clock())
    await program.register("a", ttl=None)
    await program.remove("a")
    for seconds, text in ((0, "0 s"), (3, "3 s"), (0.5, "3 s"), (56.5, "1 min"), (60, "2 min")):
        clock.advance(seconds)
        for _ in range(4):
            for options in ((), (COOKIE,)):
                reply = await program.ask(NAME, edns=1232, options=options)
                assert reply.rcode == "NXDOMAIN"
                assert _why(reply) == [(0, f"last instance removed {text} ago")]
    clock.advance(600)
    assert _why(await program.ask(NAME, edns=1232)) == []


async def test_a_reason_that_stands_is_not_decided_again(house: Program) -> None:
    for number in (1, 2, 3):
        await house.set_status(f"i{number}", "draining")
    for _ in range(3):
        await house.ask(NAME, edns=1232)
    before = (await house.read_stats())["dns"]["ordinary"]
    for _ in range(10):
        assert _why(await house.ask(NAME, edns=1232))
    kept = (await house.read_stats())["dns"]["ordinary"]
    assert kept == before


async def test_where_none_may_be_a_name_that_is_denied_says_why(start: Start) -> None:
    program = await start(empty_service="nxdomain")
    await program.register("a")
    await program.set_status("a", "draining")
    reply = await program.ask(NAME, edns=1232)
    assert (reply.rcode, _why(reply)) == (
        "NXDOMAIN",
        [(0, "no healthy instance: 1 of 1 draining")],
    )


async def test_a_reason_never_cuts_an_answer_short(program: Program) -> None:
    """In the smallest datagram there is, beside names of any length."""
    for octets in range(20, 63):
        service = "s" * octets
        await program.register(f"x{octets}", service=service)
        await program.set_status(f"x{octets}", "maintenance")
        reply = await program.ask(f"{service}.registry.local", edns=512)
        assert not reply.message.flags & 0x0200
        assert len(reply.wire) <= 512
        assert all(len(text or "") <= MOST_TEXT for _, text in _why(reply))


@pytest.mark.parametrize(
    ("name", "rtype", "rclass", "why"),
    [
        (NAME, "AXFR", "IN", (21, "zones are not transferred")),
        ("example.org", "A", "IN", (20, "not a name of ours, and nobody else is asked")),
        ("version.bind", "TXT", "CH", (20, "no name of this class is answered")),
    ],
)
async def test_a_refusal_says_why(
    house: Program, name: str, rtype: str, rclass: str, why: tuple[int, str]
) -> None:
    reply = await house.ask(name, rtype, rclass=rclass, edns=1232)
    assert (reply.rcode, _why(reply)) == ("REFUSED", [why])
    assert (await house.ask(name, rtype, rclass=rclass)).opts == 0
