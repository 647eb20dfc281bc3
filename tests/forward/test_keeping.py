"""What is kept, for whom and how long; what stands in when nobody can be asked."""

import asyncio
import time

import pytest

from dnsregistry.answers.query import Query, decode
from dnsregistry.forward.cache import STALE_SECONDS, CacheBounds
from dnsregistry.forward.failures import FAILURE_SECONDS, STALE_RECHECK_SECONDS
from dnsregistry.forward.forwarder import STALE_AFTER_SECONDS, Bounds
from tests.forward.conftest import Build, House, Listen, wait
from tests.forward.fakes import (
    ADDRESS,
    FakeUpstream,
    Seen,
    denies,
    fails,
    gives,
    gives_address,
    is_silent,
    respond,
)
from tests.wire import Reply, make_query

STALE = ["EDE 3 (Stale Answer)"]


def _told(reply: Reply) -> list[str]:
    return [option.to_text() for option in reply.message.options]


async def test_an_answer_is_kept_and_its_ttl_runs_down(build: Build, listen: Listen) -> None:
    upstream = await listen(gives(ADDRESS))
    house = build(upstream)
    await house.ask()
    for passed, ttl in ((0, 300), (0.9, 300), (1, 299), (299.9, 1)):
        house.now = 1000 + passed
        assert house.ask_at_once("WWW.example.").answer == [f"WWW.example. {ttl} IN A 192.0.2.1"]
    assert len(upstream.seen) == 1
    assert house.tally.hits == 4
    house.now = 1300
    assert (await house.ask()).answer == ["www.example. 300 IN A 192.0.2.1"]
    assert len(upstream.seen) == 2


async def test_the_shortest_ttl_ends_the_whole_answer(build: Build, listen: Listen) -> None:
    upstream = await listen(gives("@ 300 IN CNAME a.example.", "a.example. 20 IN A 192.0.2.1"))
    house = build(upstream)
    await house.ask()
    house.now += 19
    assert [line.split()[1] for line in house.ask_at_once().answer] == ["281", "1"]
    house.now += 1
    await house.ask()
    assert len(upstream.seen) == 2


async def test_a_ttl_of_zero_is_not_kept(build: Build, listen: Listen) -> None:
    upstream = await listen(gives("@ 0 IN A 192.0.2.1"))
    house = build(upstream)
    for _ in range(2):
        assert (await house.ask()).answer == ["www.example. 0 IN A 192.0.2.1"]
    assert len(upstream.seen) == 2
    assert house.forwarder.cached() == (0, 0)


async def test_a_kept_answer_ends_when_a_newer_one_may_not_be_kept(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    await house.ask()
    house.now += 300
    upstream.behave = gives("@ 0 IN A 192.0.2.1")
    await house.ask()
    assert house.forwarder.cached() == (0, 0)


async def test_a_ttl_of_years_is_a_day(build: Build, listen: Listen) -> None:
    house = build(await listen(gives("@ 2147483647 IN A 192.0.2.1")))
    assert (await house.ask()).answer == ["www.example. 86400 IN A 192.0.2.1"]


async def test_a_denial_is_kept_for_what_its_soa_says(build: Build, listen: Listen) -> None:
    for behave in (denies(ttl=60, minimum=30), denies(ttl=30, minimum=60)):
        upstream = await listen(behave)
        house = build(upstream)
        await house.ask()
        house.now += 29
        reply = house.ask_at_once()
        assert reply.rcode == "NXDOMAIN"
        assert reply.authority[0].startswith("example. 1 IN SOA")
        house.now += 1
        await house.ask()
        assert len(upstream.seen) == 2


async def test_nxdomain_speaks_of_every_type_and_nodata_of_one(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(denies())
    house = build(upstream)
    await house.ask("no.example.", "A")
    reply = house.ask_at_once("No.example.", "TXT")
    assert (reply.rcode, reply.question) == ("NXDOMAIN", ["No.example. IN TXT"])
    upstream.behave = denies("NOERROR")
    await house.ask("yes.example.", "AAAA")
    assert house.ask_at_once("yes.example.", "AAAA").rcode == "NOERROR"
    upstream.behave = gives_address
    assert (await house.ask("yes.example.", "A")).answer


async def test_nxdomain_behind_an_alias_speaks_of_one_type(build: Build, listen: Listen) -> None:
    def behave(seen: Seen) -> list[bytes]:
        soa = "example. 60 IN SOA ns.example. root.example. 1 7200 900 1209600 30"
        alias = "@ 300 IN CNAME gone.example."
        if seen.message.question[0].rdtype == 5:
            return [respond(seen, alias)]
        return [respond(seen, alias, rcode="NXDOMAIN", authority=(soa,))]

    house = build(await listen(behave))
    assert (await house.ask()).rcode == "NXDOMAIN"
    assert house.ask_at_once().rcode == "NXDOMAIN"
    assert (await house.ask("www.example.", "CNAME")).rcode == "NOERROR"


async def test_a_name_that_appears_ends_what_was_denied_of_it(build: Build, listen: Listen) -> None:
    upstream = await listen(denies())
    house = build(upstream)
    await house.ask()
    house.now += 30
    upstream.behave = gives_address
    await house.ask()
    upstream.behave = is_silent
    assert house.ask_at_once().rcode == "NOERROR"
    # The stale denial of other types went too.
    pending = house.begin("www.example.", "TXT")
    assert isinstance(pending, asyncio.Future)
    assert house.forwarder._flights[next(iter(house.forwarder._flights))].stale is None


async def test_a_denial_without_soa_and_a_bare_alias_are_not_kept(
    build: Build, listen: Listen
) -> None:
    for behave in (fails("NXDOMAIN"), gives("@ 300 IN CNAME a.example.")):
        upstream = await listen(behave)
        house = build(upstream)
        await house.ask()
        await house.ask()
        assert len(upstream.seen) == 2


async def test_what_could_change_the_answer_is_kept_apart(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)

    def make(**more: object) -> bytes:
        return make_query("www.example.", "A", **more)  # type: ignore[arg-type]

    checking_disabled = bytearray(make())
    checking_disabled[3] |= 0x10
    queries = [make(), make(edns=1232, dnssec_ok=True), bytes(checking_disabled)]
    for query in queries:
        assert isinstance(house.begin_with(query), asyncio.Future)
        await house.rest()
        assert isinstance(house.begin_with(query), bytes)
    # One with an OPT that asks for nothing more is the same question as one without.
    reply = house.begin_with(make(edns=1232))
    assert isinstance(reply, bytes)
    assert len(upstream.seen) == 3
    assert [seen.message.ednsflags for seen in upstream.seen] == [0, 0x8000, 0]
    assert [bool(seen.message.flags & 0x10) for seen in upstream.seen] == [False, False, True]
    cd = house.begin_with(bytes(checking_disabled))
    assert isinstance(cd, bytes)
    assert Reply.of(cd).flags == "QR RD RA CD"


async def test_equal_questions_at_once_are_asked_once(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address, delay=0.05)
    house = build(upstream)
    pending = [house.begin("wWw.example." if n % 2 else "www.EXAMPLE.", id=n) for n in range(300)]
    replies = [await wait(reply) for reply in pending]
    # One, or another try where the machine is slow; but never one a client.
    assert len(upstream.seen) in (1, 2)
    assert [reply.id for reply in replies] == list(range(300))
    assert {reply.question[0] for reply in replies} == {"wWw.example. IN A", "www.EXAMPLE. IN A"}
    assert all(reply.rdatas == ["192.0.2.1"] for reply in replies)
    assert (house.tally.asked, house.tally.joined) == (1, 299)


async def test_a_client_that_gives_up_takes_only_itself_away(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address, delay=0.05)
    house = build(upstream)
    first, second = house.begin(), house.begin()
    assert isinstance(first, asyncio.Future)
    first.cancel()
    assert (await wait(second)).rdatas == ["192.0.2.1"]
    alone = house.begin("alone.example.")
    assert isinstance(alone, asyncio.Future)
    alone.cancel()
    await house.rest()
    assert house.ask_at_once("alone.example.").rdatas == ["192.0.2.1"]


async def test_a_failure_is_remembered_for_a_moment(build: Build, listen: Listen) -> None:
    upstream = await listen(fails("SERVFAIL"))
    house = build(upstream)
    await house.ask()
    reply = house.ask_at_once(edns=1232)
    assert (reply.rcode, _told(reply)) == ("SERVFAIL", ["EDE 13 (Cached Error)"])
    assert len(upstream.seen) == 1
    assert house.tally.failed == 1
    house.now += FAILURE_SECONDS
    upstream.behave = gives_address
    assert (await house.ask()).rcode == "NOERROR"


async def test_a_clock_that_is_set_back_ages_nothing_and_holds_no_failure(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    await house.ask()
    house.now -= 500
    assert house.ask_at_once().answer == ["www.example. 300 IN A 192.0.2.1"]
    house.now += 500
    upstream.behave = fails("SERVFAIL")
    await house.ask("fails.example.")
    upstream.behave = gives_address
    house.now -= 500
    assert (await house.ask("fails.example.")).rcode == "NOERROR"


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED"])
async def test_expired_data_stands_in_where_all_upstreams_fail(
    build: Build, listen: Listen, rcode: str
) -> None:
    upstreams = [await listen(gives_address), await listen(gives_address)]
    house = build(*upstreams)
    await house.ask()
    house.now += 300 + STALE_SECONDS - 10
    for upstream in upstreams:
        upstream.behave = fails(rcode)
    reply = await house.ask(edns=1232)
    assert reply.answer == ["www.example. 30 IN A 192.0.2.1"]
    assert (reply.rcode, _told(reply)) == ("NOERROR", STALE)
    # The next one is told at once, and nobody is asked for a while.
    asked = [len(upstream.seen) for upstream in upstreams]
    assert house.ask_at_once().answer == ["www.example. 30 IN A 192.0.2.1"]
    assert [len(upstream.seen) for upstream in upstreams] == asked
    house.now += STALE_RECHECK_SECONDS
    upstreams[0].behave = gives("@ 300 IN A 192.0.2.9")
    assert (await house.ask()).answer == ["www.example. 300 IN A 192.0.2.9"]


async def test_expired_data_older_than_a_day_does_not_stand_in(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    await house.ask()
    house.now += 300 + STALE_SECONDS
    upstream.behave = fails("SERVFAIL")
    assert (await house.ask()).rcode == "SERVFAIL"


async def test_an_expired_denial_stands_in_as_one(build: Build, listen: Listen) -> None:
    upstream = await listen(denies())
    house = build(upstream)
    await house.ask()
    house.now += 31
    upstream.behave = fails("SERVFAIL")
    reply = await house.ask(edns=1232)
    assert reply.rcode == "NXDOMAIN"
    assert _told(reply) == ["EDE 19 (Stale NXDOMAIN Answer)"]
    assert reply.authority[0].startswith("example. 30 IN SOA")


async def test_expired_data_stands_in_for_a_slow_upstream_and_is_renewed_behind_it(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream)
    await house.ask()
    house.now += 301
    upstream.behave, upstream.delay = gives("@ 300 IN A 192.0.2.9"), STALE_AFTER_SECONDS + 0.5
    begun = time.monotonic()
    assert (await house.ask()).answer == ["www.example. 30 IN A 192.0.2.1"]
    assert time.monotonic() - begun >= STALE_AFTER_SECONDS - 0.1
    # Who comes while the renewal goes on waits no more.
    assert house.ask_at_once().answer == ["www.example. 30 IN A 192.0.2.1"]
    await house.rest()
    assert house.ask_at_once().answer == ["www.example. 300 IN A 192.0.2.9"]


async def _kill(house: House, upstreams: list[FakeUpstream]) -> None:
    for upstream in upstreams:
        await upstream.stop()
    house.now += 301


async def test_with_all_upstreams_killed_what_was_known_is_served_stale(
    build: Build, listen: Listen
) -> None:
    upstreams = [await listen(gives_address), await listen(gives_address)]
    house = build(*upstreams)
    names = [f"a{number}.example." for number in range(20)]
    for name in names:
        await house.ask(name)
    await _kill(house, upstreams)
    for name in names:
        reply = await house.ask(name, edns=1232)
        assert reply.answer == [f"{name} 30 IN A 192.0.2.1"]
        assert _told(reply) == STALE
    assert (await house.ask("never-seen.example.")).rcode == "SERVFAIL"
    assert house.tally.stale == 20


async def test_once_all_upstreams_are_down_stale_data_is_served_without_waiting(
    build: Build, listen: Listen
) -> None:
    upstreams = [await listen(gives_address), await listen(gives_address)]
    house = build(*upstreams)
    await house.ask()
    house.now += 301
    for upstream in upstreams:
        upstream.behave = is_silent
        health = house.groups.know(upstream.endpoint).health
        health.miss()
        health.miss()
    assert house.ask_at_once().answer == ["www.example. 30 IN A 192.0.2.1"]
    # Asking goes on behind it, and finds out when one is back.
    upstreams[1].behave = gives_address
    await house.rest()
    assert house.ask_at_once().answer == ["www.example. 300 IN A 192.0.2.1"]
    assert not house.groups.know(upstreams[1].endpoint).health.is_down


async def test_the_cache_keeps_to_its_bounds_and_drops_the_longest_unused(
    build: Build, listen: Listen
) -> None:
    upstream = await listen(gives_address)
    house = build(upstream, bounds=Bounds(cache=CacheBounds(entries=10)))
    for number in range(10):
        await house.ask(f"a{number}.example.")
    house.ask_at_once("a0.example.")
    await house.ask("a10.example.")
    assert house.forwarder.cached()[0] == 10
    house.ask_at_once("a0.example.")
    assert isinstance(house.begin("a1.example."), asyncio.Future)


async def test_the_cache_keeps_to_its_octets(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address)
    house = build(upstream, bounds=Bounds(cache=CacheBounds(octets=20_000)))
    for number in range(100):
        await house.ask(f"a{number}.example.")
        assert house.forwarder.cached()[1] <= 20_000
    assert house.forwarder.cached()[0] > 5
    house.ask_at_once("a99.example.")


def test_the_guard_reads_what_these_tests_send() -> None:
    assert isinstance(decode(make_query("www.example.", edns=1232)), Query)
