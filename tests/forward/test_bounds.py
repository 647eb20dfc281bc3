"""A slow or dead upstream costs its own questions, and nothing else."""

import asyncio
import socket
import time

import pytest

from dnsregistry.forward import race
from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.forwarder import Bounds
from dnsregistry.forward.loops import MARK
from tests.forward.conftest import PATIENCE, Build, House, Listen, wait
from tests.forward.fakes import FakeUpstream, Seen, fails, gives_address, is_silent, respond
from tests.wire import make_query

SMALL = Bounds(flights=20, waiters=30, sockets=40)


async def test_past_the_flights_servfail_comes_at_once(build: Build, listen: Listen) -> None:
    house = build(await listen(is_silent), bounds=SMALL)
    pending = [house.begin(f"a{number}.example.") for number in range(20)]
    assert all(isinstance(reply, asyncio.Future) for reply in pending)
    reply = house.ask_at_once("one-more.example.", edns=1232)
    assert (reply.rcode, reply.opts) == ("SERVFAIL", 1)
    assert house.tally.overload == 1
    # An equal question is no new flight.
    assert isinstance(house.begin("a0.example."), asyncio.Future)


async def test_past_the_waiters_servfail_comes_at_once(build: Build, listen: Listen) -> None:
    house = build(await listen(is_silent), bounds=SMALL)
    pending = [house.begin() for _ in range(30)]
    assert all(isinstance(reply, asyncio.Future) for reply in pending)
    assert house.ask_at_once().rcode == "SERVFAIL"


async def test_what_is_known_is_answered_past_every_bound(build: Build, listen: Listen) -> None:
    upstream = await listen(gives_address)
    house = build(upstream, bounds=SMALL)
    await house.ask("fresh.example.")
    await house.ask("stale.example.")
    house.now += 200
    await house.ask("fresher.example.")
    upstream.behave = is_silent
    for number in range(20):
        house.begin(f"a{number}.example.")
    assert house.ask_at_once("fresh.example.").answer == ["fresh.example. 100 IN A 192.0.2.1"]
    house.now += 150
    assert house.ask_at_once("stale.example.").answer == ["stale.example. 30 IN A 192.0.2.1"]
    assert house.ask_at_once("fresher.example.").answer == ["fresher.example. 150 IN A 192.0.2.1"]


async def test_a_dead_route_leaves_room_for_the_others(build: Build, listen: Listen) -> None:
    default, dead = await listen(gives_address), await listen(is_silent)
    house = build(default, routes={"corp.example": dead}, bounds=SMALL)
    replies = [house.begin(f"a{number}.corp.example.") for number in range(50)]
    assert sum(isinstance(reply, asyncio.Future) for reply in replies) == 10
    for number in range(30):
        assert (await house.ask(f"a{number}.example.")).rdatas == ["192.0.2.1"]


async def test_sockets_stay_within_their_bound(
    build: Build, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race, "RACE_SECONDS", 1.5)
    upstreams = [await listen(is_silent) for _ in range(4)]
    house = build(*upstreams, bounds=SMALL)
    means = house.forwarder._means
    counts = []
    open_udp = means.open_udp

    def open_and_count(endpoint: Endpoint) -> socket.socket:
        sock = open_udp(endpoint)
        counts.append(means.open_sockets)
        return sock

    monkeypatch.setattr(means, "open_udp", open_and_count)
    pending = [house.begin(f"a{number}.example.") for number in range(20)]
    assert {(await wait(reply)).rcode for reply in pending} == {"SERVFAIL"}
    assert len(counts) > 60
    assert 20 < max(counts) <= 40


async def test_thousands_who_wait_are_served_in_turns(build: Build, listen: Listen) -> None:
    house = build(await listen(gives_address, delay=0.2))
    pending = [house.begin() for _ in range(5000)]
    turns = 0
    while not all(isinstance(reply, asyncio.Future) and reply.done() for reply in pending):
        turns += any(isinstance(reply, asyncio.Future) and reply.done() for reply in pending)
        await asyncio.sleep(0)
    assert turns >= 5000 // 64 - 1


async def test_stopping_ends_what_is_on_its_way(build: Build, listen: Listen) -> None:
    silent_over_tcp = await listen(lambda seen: [respond(seen, flags=0x0200)], by_tcp=lambda _: [])
    house = build(silent_over_tcp)
    pending = house.begin()
    async with asyncio.timeout(PATIENCE):
        await silent_over_tcp.asked_by_tcp.wait()
        await house.forwarder.stop()
    assert (await wait(pending)).rcode == "SERVFAIL"
    assert house.ask_at_once("after.example.").rcode == "SERVFAIL"


def _lead_back_to(house: House) -> FakeUpstream:
    """An upstream that forwards every query to the forwarder's own door."""
    upstream = FakeUpstream(is_silent)

    def behave(seen: Seen) -> list[bytes]:
        reply = house.begin_with(make_query(seen.name.upper(), "TXT"))
        return [respond(seen, rcode="SERVFAIL")] if isinstance(reply, bytes) else []

    upstream.behave = behave
    return upstream


async def test_a_loop_to_ourselves_is_noticed_and_not_asked(build: Build, listen: Listen) -> None:
    houses: list[House] = []
    looping = await listen(lambda seen: _lead_back_to(houses[0]).behave(seen))
    honest = await listen(fails("NXDOMAIN"))
    houses.append(build(looping, honest))
    house = houses[0]
    assert await house.forwarder.detect_loops(seconds=PATIENCE) == [looping.endpoint]
    assert [upstream.endpoint for upstream in house.forwarder.upstreams()] == [honest.endpoint]
    looping.seen.clear()
    honest.behave = gives_address
    assert (await house.ask()).rdatas == ["192.0.2.1"]
    assert not looping.seen


async def test_with_nothing_but_loops_the_answer_is_servfail(build: Build, listen: Listen) -> None:
    houses: list[House] = []
    looping = await listen(lambda seen: _lead_back_to(houses[0]).behave(seen))
    houses.append(build(looping))
    await houses[0].forwarder.detect_loops(seconds=PATIENCE)
    reply = houses[0].ask_at_once(edns=1232)
    assert reply.rcode == "SERVFAIL"


async def test_without_a_loop_none_is_noticed(build: Build, listen: Listen) -> None:
    honest, silent = await listen(fails("NXDOMAIN")), await listen(is_silent)
    house = build(honest, silent)
    begun = time.monotonic()
    assert await house.forwarder.detect_loops(seconds=0.3) == []
    assert time.monotonic() - begun < PATIENCE
    # The names are made anew each time, and nobody who saw one can stop an upstream with it.
    names = {seen.name.lower() for seen in honest.seen + silent.seen}
    assert all(name.endswith(f".{MARK}.") for name in names)
    assert len(names) == 2
    house.begin_with(make_query(names.pop(), "TXT"))
    assert len(house.forwarder.upstreams()) == 2
    assert await build().forwarder.detect_loops(seconds=0.3) == []


async def test_a_loop_that_comes_later_asks_each_question_once(
    build: Build, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(race, "RACE_SECONDS", 1.5)
    houses: list[House] = []

    def lead_back(seen: Seen) -> list[bytes]:
        houses[0].begin_with(make_query(seen.name, "A"))
        return []

    looping = await listen(lead_back)
    houses.append(build(looping))
    assert (await houses[0].ask()).rcode == "SERVFAIL"
    # What comes back joins the flight that it came from: only its own retries are sent.
    assert len(looping.seen) <= 8
