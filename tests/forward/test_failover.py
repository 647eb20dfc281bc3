"""Which upstream answers: the first that can, and soon the one that can is the first."""

import asyncio
import statistics
import time

import pytest

from dnsregistry.forward import reviews
from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.health import FIRST_PATIENCE, MISSES_UNTIL_DOWN
from dnsregistry.forward.race import RACE_SECONDS
from tests.forward.conftest import PATIENCE, Build, House, Listen, wait
from tests.forward.fakes import (
    FakeUpstream,
    Seen,
    denies,
    fails,
    gives,
    gives_address,
    is_silent,
    respond,
)

ANSWER = ["www.example. 300 IN A 192.0.2.1"]
OTHER = gives("@ 300 IN A 192.0.2.2")


async def test_an_answer_is_relayed_with_the_clients_id_and_case(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    reply = await house.ask("wWw.eXample.", id=77)
    assert reply.id == 77
    assert reply.question == ["wWw.eXample. IN A"]
    assert reply.answer == ["wWw.eXample. 300 IN A 192.0.2.1"]
    assert reply.flags == "QR RD RA"
    assert reply.rcode == "NOERROR"


async def test_aa_and_ad_of_the_upstream_are_cleared(build: Build, listen: Listen) -> None:
    house = build(await listen(gives("@ 300 IN A 192.0.2.1", flags=0x0420)))
    assert (await house.ask(edns=1232, dnssec_ok=True)).flags == "QR RD RA"


async def test_the_first_upstream_is_preferred(build: Build, listen: Listen) -> None:
    first, second = await listen(gives_address), await listen(OTHER)
    house = build(first, second)
    for number in range(20):
        reply = await house.ask(f"a{number}.example.")
        assert reply.rdatas == ["192.0.2.1"]
    assert not second.seen


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "NOTAUTH", "NOTIMP", "FORMERR"])
async def test_a_fault_of_the_first_upstream_gives_the_second_ones_answer(
    build: Build, listen: Listen, rcode: str
) -> None:
    first, second = await listen(fails(rcode)), await listen(gives_address)
    house = build(first, second)
    assert (await house.ask()).answer == ANSWER
    assert first.seen


async def test_a_silent_upstream_gives_the_second_ones_answer(build: Build, listen: Listen) -> None:
    first, second = await listen(is_silent), await listen(gives_address)
    house = build(first, second)
    assert (await house.ask()).answer == ANSWER


async def test_a_port_without_a_server_gives_the_second_ones_answer_at_once(
    build: Build, listen: Listen, nobody: Endpoint
) -> None:
    house = build(nobody, await listen(gives_address))
    # No patience is spent: the timer of it would come after this.
    async with asyncio.timeout(FIRST_PATIENCE * 5):
        assert (await house.ask()).answer == ANSWER
    refused = house.groups.know(nobody)
    assert refused.tally.faults["unreachable"] == 1
    assert refused.health.misses == 1


async def test_a_referral_is_no_answer(build: Build, listen: Listen) -> None:
    def refer(seen: Seen) -> list[bytes]:
        wire = bytearray(respond(seen, authority=("example. 300 IN NS ns.example.",)))
        wire[3] &= 0x7F  # recursion is not available
        return [bytes(wire)]

    house = build(await listen(refer), await listen(gives_address))
    assert (await house.ask()).answer == ANSWER


async def test_a_denial_is_an_answer(build: Build, listen: Listen) -> None:
    first, second = await listen(denies()), await listen(gives_address)
    reply = await build(first, second).ask()
    assert reply.rcode == "NXDOMAIN"
    assert reply.authority[0].startswith("example. 30 IN SOA")
    assert not second.seen


async def test_all_faults_are_servfail_at_once(build: Build, listen: Listen) -> None:
    upstreams = [await listen(fails("SERVFAIL")), await listen(fails("REFUSED"))]
    house = build(*upstreams)
    async with asyncio.timeout(RACE_SECONDS):
        reply = await house.ask(edns=1232)
    assert reply.rcode == "SERVFAIL"
    assert reply.flags == "QR RD RA"
    assert [len(upstream.seen) for upstream in upstreams] == [1, 1]


async def test_silence_of_all_is_servfail_before_a_stub_gives_up(
    build: Build, listen: Listen
) -> None:
    first, second = await listen(is_silent), await listen(is_silent)
    house = build(first, second)
    begun = time.monotonic()
    reply = await house.ask(edns=1232)
    assert time.monotonic() - begun < 5
    assert reply.rcode == "SERVFAIL"
    assert [option.to_text() for option in reply.message.options] == [
        "EDE 22 (No Reachable Authority)"
    ]
    # Asked again and again meanwhile: a lost datagram is not the end.
    assert len(first.seen) > 1
    assert len(second.seen) > 1
    assert house.tally.timeouts == 1


async def test_a_lost_datagram_is_sent_again(build: Build, listen: Listen) -> None:
    upstream = await listen(is_silent)

    def wake_up(seen: Seen) -> list[bytes]:
        return gives_address(seen) if len(upstream.seen) > 1 else []

    upstream.behave = wake_up
    assert (await build(upstream).ask()).answer == ANSWER
    first, second = upstream.seen
    assert first.wire[:2] != second.wire[:2] or first.peer != second.peer


async def test_a_slow_upstream_is_not_given_up(build: Build, listen: Listen) -> None:
    house = build(await listen(gives_address, delay=1.0))
    assert (await house.ask()).answer == ANSWER


async def test_with_one_dead_upstream_first_all_queries_succeed_soon(
    build: Build, listen: Listen
) -> None:
    dead, alive = await listen(is_silent), await listen(gives_address)
    house = build(dead, alive)
    took = []
    for number in range(200):
        begun = time.monotonic()
        reply = await house.ask(f"a{number}.example.")
        took.append(time.monotonic() - begun)
        assert reply.rdatas == ["192.0.2.1"]
    # The slowest tenth is the machine's: how often it was away.
    assert statistics.quantiles(took, n=10)[8] < 2
    # The dead one costs its patience to the first few alone.
    assert house.groups.know(dead.endpoint).health.is_down
    assert len(dead.seen) <= MISSES_UNTIL_DOWN + 10


async def test_many_queries_at_once_survive_a_dead_first_upstream(
    build: Build, listen: Listen
) -> None:
    dead, alive = await listen(is_silent), await listen(gives_address)
    house = build(dead, alive)
    replies = [house.begin(f"a{number}.example.") for number in range(200)]
    for pending in replies:
        assert (await wait(pending)).rdatas == ["192.0.2.1"]


async def _ask_until(house: House, upstream: FakeUpstream, *, down: bool) -> None:
    """Ask new names until an upstream's health shows."""
    health = house.groups.know(upstream.endpoint).health
    async with asyncio.timeout(PATIENCE):
        while health.is_down is not down:
            assert (await house.ask(f"t{time.monotonic_ns()}.example.")).rcode == "NOERROR"


async def test_an_upstream_back_from_the_dead_is_noticed(
    build: Build, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "REVIEW_SECONDS", 0.2)
    first, second = await listen(is_silent), await listen(OTHER)
    house = build(first, second)
    await _ask_until(house, first, down=True)
    first.behave = gives_address
    await _ask_until(house, first, down=False)
    assert (await house.ask("back.example.")).rdatas == ["192.0.2.1"]


async def test_an_upstream_that_refuses_what_another_answers_is_put_behind(
    build: Build, listen: Listen
) -> None:
    first, second = await listen(fails("REFUSED")), await listen(gives_address)
    house = build(first, second)
    await _ask_until(house, first, down=True)
    asked = len(first.seen)
    for number in range(20):
        await house.ask(f"b{number}.example.")
    assert len(first.seen) <= asked + 2  # a review or two, not each of them


async def test_a_question_that_all_fail_at_blames_no_upstream(build: Build, listen: Listen) -> None:
    upstreams = [await listen(fails("SERVFAIL")), await listen(fails("SERVFAIL"))]
    house = build(*upstreams)
    for number in range(5):
        assert (await house.ask(f"a{number}.example.")).rcode == "SERVFAIL"
    assert all(house.groups.know(u.endpoint).health.misses == 0 for u in upstreams)


async def test_a_route_takes_its_names_and_no_others(build: Build, listen: Listen) -> None:
    default, corp, deep = (
        await listen(gives_address),
        await listen(OTHER),
        await listen(gives("@ 300 IN A 192.0.2.3")),
    )
    house = build(default, routes={"corp.example": corp, "deep.CORP.example.": deep})
    for name, address in {
        "www.example.": "192.0.2.1",
        "xcorp.example.": "192.0.2.1",
        "Corp.Example.": "192.0.2.2",
        "a.corp.example.": "192.0.2.2",
        "deep.corp.example.": "192.0.2.3",
        "x.y.deep.corp.example.": "192.0.2.3",
        ".": "192.0.2.1",
    }.items():
        assert (await house.ask(name)).rdatas == [address], name


async def test_a_routes_names_never_go_elsewhere(build: Build, listen: Listen) -> None:
    default, corp = await listen(gives_address), await listen(fails("SERVFAIL"))
    house = build(default, routes={"corp.example": corp})
    assert (await house.ask("secret.corp.example.")).rcode == "SERVFAIL"
    assert not default.seen


async def test_a_name_that_no_upstream_is_for_is_refused(build: Build, listen: Listen) -> None:
    house = build(routes={"corp.example": await listen(gives_address)})
    reply = house.ask_at_once("www.example.", edns=1232)
    assert (reply.rcode, reply.flags, reply.opts) == ("REFUSED", "QR RD", 1)


@pytest.mark.parametrize(
    "query", [{"rd": False}, {"rtype": "AXFR"}, {"rtype": "TKEY"}, {"rclass": "CH"}]
)
async def test_what_is_not_for_forwarding_is_refused_and_not_asked(
    build: Build, listen: Listen, query: dict[str, object]
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    assert house.ask_at_once("www.example.", **query).rcode == "REFUSED"  # type: ignore[arg-type]
    assert house.tally.refused == 1
    assert not upstream.seen
