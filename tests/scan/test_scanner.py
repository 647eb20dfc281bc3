"""A scan of a whole loopback network, among all sorts of neighbours."""

import asyncio
from collections.abc import AsyncIterator
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from dnsregistry.registry.registry import Registry
from dnsregistry.scan.identity import Identity
from dnsregistry.scan.peer import Answer, Asker, Limits
from dnsregistry.scan.ranges import Ranges, Target
from dnsregistry.scan.roll import Roll
from dnsregistry.scan.scanner import LEASE_INTERVALS, Scanner, Schedule
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.memory import MemoryStore
from tests.machine import give_up
from tests.program import PATIENCE, Clock
from tests.scan.peers import Peers, be_silent, drip, flood, identify, say

INTERVAL = 30.0
TTL = LEASE_INTERVALS * INTERVAL


class House:
    """A registry, and a scanner of the peers' network that steps when it is told to."""

    def __init__(self, peers: Peers, ranges: str | None = None) -> None:
        self.clock = Clock()
        self.registry = Registry()
        self.store = MemoryStore(self.registry, self.clock)
        network = ip_network(ranges or f"{peers.network}.0/24")
        # Twice the usual patience: the peers share the loop, and maybe a slow machine, with us.
        self.asker = Asker(Limits(connect=5, answer=4), lambda: "2025-11-23T12:00:00")
        self.asked: list[Target] = []
        roll = Roll(self.registry, self.store, self.clock, TTL)
        schedule = Schedule(INTERVAL, 250.0)
        self.scanner = Scanner(Ranges([network], [peers.port]), schedule, self._ask, roll)

    async def _ask(self, target: Target) -> Answer:
        self.asked.append(target)
        return await self.asker.ask(target)

    def list_ids(self) -> set[str]:
        catalogue, now = self.registry.catalogue, self.clock()
        return {lease.instance.id for lease in catalogue.after(0) if lease.is_live(now)}


@pytest.fixture
async def house(peers: Peers) -> AsyncIterator[House]:
    made = House(peers)
    yield made
    await made.asker.close()


async def _fill(peers: Peers) -> set[str]:
    """Twenty that identify themselves, and forty others; the rest of the network is closed."""
    try:
        for host in range(1, 21):
            await peers.start(host, identify("web" if host % 2 else "api", f"svc-{host}"))
        for host in range(101, 111):
            await peers.start(host, be_silent)
            await peers.start(host + 20, drip)
            await peers.start(host + 40, say(b"SSH-2.0-OpenSSH_9.2p1\r\n"))
        for host in range(161, 166):
            await peers.start(host, flood(b'{"service_type": "', b"x"))
            await peers.start(host + 20, say(b"", wait=False))
    except OSError as error:
        give_up(f"the loopback network has one address only: {error.strerror}")
    return {f"svc-{host}" for host in range(1, 21)}


async def test_a_scan_finds_exactly_those_that_identify_themselves(
    peers: Peers, house: House
) -> None:
    expected = await _fill(peers)
    await house.scanner.ask_others()
    # Five times what it may take on a machine of its own.
    assert house.scanner.tally.last_seconds < 5 * 5
    assert house.list_ids() == expected
    tally = house.scanner.tally
    assert (tally.asked, tally.asked_now, tally.size) == (254, 254, 254)
    assert (tally.identified, tally.registered, tally.known) == (20, 20, 20)
    assert tally.silent == 20
    assert tally.unreadable == 20
    assert tally.refused == 254 - 60
    assert (tally.sweeps, tally.failures, tally.conflicts) == (1, 0, 0)
    assert len(set(house.asked)) == 254


async def test_what_answers_is_renewed_and_what_stops_is_gone_after_its_lease(
    peers: Peers, house: House
) -> None:
    for host in range(1, 7):
        await peers.start(host, identify("web", f"svc-{host}"))
    await house.scanner.ask_others()
    revision = house.registry.feed.revision
    for host in (5, 6):
        await peers.stop(host)
    house.clock.advance(INTERVAL)
    await house.scanner.ask_known()
    assert len(house.list_ids()) == 6
    assert house.registry.feed.revision == revision
    for _ in range(2):
        house.clock.advance(INTERVAL)
        await house.scanner.ask_known()
    assert house.list_ids() == {f"svc-{host}" for host in range(1, 5)}
    assert house.scanner.tally.known == 4
    # The one that comes back is found again by the next round.
    await peers.start(5, identify("web", "svc-5"))
    await house.scanner.ask_others()
    assert house.list_ids() == {f"svc-{host}" for host in range(1, 6)}


async def test_what_is_known_is_left_out_of_a_round(peers: Peers, house: House) -> None:
    await peers.start(1, identify("web", "svc-1"))
    await house.scanner.ask_others()
    house.asked.clear()
    await house.scanner.ask_others()
    assert len(house.asked) == 253
    assert house.scanner.tally.asked_now == 254
    house.asked.clear()
    await house.scanner.ask_known()
    assert [str(target.address) for target in house.asked] == ["127.77.0.1"]


async def test_a_complaint_is_one_line_until_it_changes(peers: Peers, house: House) -> None:
    await peers.start(1, identify("web", "same"))
    await house.scanner.ask_others()
    await peers.start(2, identify("web", "same"))
    await peers.start(3, identify("not a label", "x"))
    with capture_logs() as lines:
        for _ in range(3):
            await house.scanner.ask_others()
    assert sorted((line["peer"].split(":")[0], line["event"]) for line in lines) == [
        ("127.77.0.2", "an answer registers nothing"),
        ("127.77.0.3", "an answer registers nothing"),
    ]
    assert house.scanner.tally.conflicts == 3
    assert house.list_ids() == {"same"}


async def test_a_store_that_is_away_is_one_line_and_loses_nobody(
    peers: Peers, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: object) -> None:
        raise StoreAway("the disk is full")

    for host in range(1, 4):
        await peers.start(host, identify("web", f"svc-{host}"))
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(house.store, "grant", refuse)
        await house.scanner.ask_others()
    assert [line["event"] for line in lines] == ["nothing that answers can be registered"]
    assert house.scanner.tally.failures == 3
    assert house.list_ids() == set()
    await house.scanner.ask_others()
    assert len(house.list_ids()) == 3


async def test_an_error_of_ours_about_one_peer_reaches_no_other(
    peers: Peers, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter = Roll.enter

    async def fail(roll: Roll, target: Target, identity: Identity) -> object:
        if identity.service_id == "svc-2":
            raise RuntimeError("a fault")
        return await enter(roll, target, identity)

    monkeypatch.setattr(Roll, "enter", fail)
    for host in range(1, 4):
        await peers.start(host, identify("web", f"svc-{host}"))
    with capture_logs() as lines:
        await house.scanner.ask_others()
    assert house.list_ids() == {"svc-1", "svc-3"}
    assert [line["event"] for line in lines] == ["an answer was lost"]


async def test_a_running_scanner_finds_renews_and_ends_with_its_task(peers: Peers) -> None:
    for host in (1, 2):
        await peers.start(host, identify("web", f"svc-{host}"))
    house = House(peers, f"{peers.network}.0/29")
    house.scanner._interval = 0.05
    found = asyncio.Event()
    house.registry.feed.subscribe(lambda _: found.set() if len(house.list_ids()) == 2 else None)
    task = asyncio.create_task(house.scanner.run())
    async with asyncio.timeout(PATIENCE):
        await found.wait()
        while house.scanner.tally.renewed < 4:  # noqa: ASYNC110 - a renewal tells nobody
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert house.scanner.tally.failures == 0
    await house.asker.close()
