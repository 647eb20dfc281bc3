"""What an answer does to the leases."""

import asyncio
from ipaddress import ip_address

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import InvalidField, RegistryError
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.scan.identity import Identity
from dnsregistry.scan.ranges import Target
from dnsregistry.scan.roll import Entry, Roll
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.memory import MemoryStore
from tests.program import Clock

TTL = 75.0
FIRST = Target(ip_address("10.0.0.1"), 8080)
SECOND = Target(ip_address("10.0.0.2"), 8080)


def _say(service_id: str | None, service_type: str = "web", **metadata: object) -> Identity:
    return Identity(service_type, service_id, metadata, {}, 1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def roll(registry: Registry, clock: Clock) -> Roll:
    return Roll(registry, MemoryStore(registry, clock), clock, TTL)


def _lives(registry: Registry, clock: Clock, instance_id: str) -> bool:
    lease = registry.catalogue.find(instance_id)
    return lease is not None and lease.is_live(clock())


async def test_an_answer_registers_then_renews_and_silence_lets_it_end(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    assert await roll.enter(FIRST, _say("a")) == (Entry.REGISTERED, "a")
    revision = registry.feed.revision
    clock.advance(TTL - 1)
    assert await roll.enter(FIRST, _say("a")) == (Entry.RENEWED, "a")
    assert registry.feed.revision == revision
    clock.advance(TTL - 1)
    roll.miss(FIRST)
    assert _lives(registry, clock, "a")
    assert FIRST in roll
    clock.advance(1)
    roll.miss(FIRST)
    assert not _lives(registry, clock, "a")
    assert FIRST not in roll
    assert await roll.enter(FIRST, _say("a")) == (Entry.REGISTERED, "a")


async def test_new_metadata_replaces_and_the_given_status_stays(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    await roll.enter(FIRST, _say("a", clients=1))
    for status in (Status.DRAINING, Status.MAINTENANCE):
        registry.set_status("a", status, clock())
        assert (await roll.enter(FIRST, _say("a", clients=str(status))))[0] is Entry.REPLACED
        assert (await roll.enter(FIRST, _say("a", clients=str(status))))[0] is Entry.RENEWED
        held = registry.find("a", clock()).instance
        assert held.status is status
        assert held.metadata == {"clients": str(status)}


async def test_an_id_that_somebody_else_registered_is_left_alone(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    theirs = admit(id="Pay", service="payments", address="10.0.0.1", port=8080)
    registry.grant(theirs, clock())
    entry, reason = await roll.enter(FIRST, _say("pay"))
    assert (entry, reason) == (Entry.CONFLICT, "'Pay' was registered by somebody else")
    assert registry.find("pay", clock()).instance == theirs
    assert FIRST not in roll


async def test_an_id_stays_with_the_address_it_was_found_at_until_its_lease_ends(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    await roll.enter(FIRST, _say("a"))
    entry, reason = await roll.enter(SECOND, _say("A"))
    assert (entry, reason) == (Entry.CONFLICT, "'a' answers at 10.0.0.1 port 8080")
    clock.advance(TTL)
    assert (await roll.enter(SECOND, _say("A")))[0] is Entry.REGISTERED
    assert registry.find("a", clock()).instance.addresses == (SECOND.address,)
    assert (await roll.enter(FIRST, _say("a")))[0] is Entry.CONFLICT
    assert roll.list_targets() == [SECOND]


async def test_an_id_stays_with_the_port_it_was_found_at(roll: Roll) -> None:
    other = Target(FIRST.address, 9090)
    await roll.enter(FIRST, _say("a"))
    assert (await roll.enter(other, _say("a")))[0] is Entry.CONFLICT
    assert (await roll.enter(FIRST, _say("a")))[0] is Entry.RENEWED


async def test_who_answers_under_another_id_is_no_longer_who_it_was(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    await roll.enter(FIRST, _say("a"))
    assert await roll.enter(FIRST, _say("b", "api")) == (Entry.REGISTERED, "b")
    assert not _lives(registry, clock, "a")
    assert roll.list_targets() == [FIRST]


async def test_what_was_taken_over_by_others_is_not_ended_with_a_change_of_id(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    await roll.enter(FIRST, _say("a"))
    registry.grant(admit(id="a", service="web", address="10.0.0.1", port=8080), clock())
    await roll.enter(FIRST, _say("b"))
    assert _lives(registry, clock, "a")


async def test_an_answer_that_cannot_be_registered_tells_why(roll: Roll) -> None:
    entry, reason = await roll.enter(FIRST, _say("a", "not a label"))
    assert entry is Entry.REJECTED
    assert reason.startswith("service_type: 'not a label' may hold only")


async def test_what_the_registry_itself_refuses_is_rejected(
    registry: Registry, clock: Clock
) -> None:
    class Strict(MemoryStore):
        async def grant(
            self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
        ) -> Grant:
            raise InvalidField("id", "would share a host name")

    roll = Roll(registry, Strict(registry, clock), clock, TTL)
    entry = await roll.enter(FIRST, _say("a"))
    assert entry == (Entry.REJECTED, "id: would share a host name")
    assert FIRST not in roll


async def test_a_store_that_is_away_is_told_and_nothing_is_kept_of_it(
    registry: Registry, clock: Clock
) -> None:
    class Full(MemoryStore):
        async def grant(
            self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
        ) -> Grant:
            raise StoreAway("the disk is full")

    roll = Roll(registry, Full(registry, clock), clock, TTL)
    with pytest.raises(RegistryError, match="the disk is full"):
        await roll.enter(FIRST, _say("a"))
    assert FIRST not in roll
    with pytest.raises(RegistryError, match="the disk is full"):
        await roll.enter(SECOND, _say("a"))


async def test_of_two_that_claim_an_id_at_the_same_moment_one_has_it(
    registry: Registry, clock: Clock
) -> None:
    class Slow(MemoryStore):
        async def grant(
            self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
        ) -> Grant:
            await asyncio.sleep(0)
            return await super().grant(instance, expected, by=by)

    roll = Roll(registry, Slow(registry, clock), clock, TTL)
    entries = await asyncio.gather(roll.enter(FIRST, _say("a")), roll.enter(SECOND, _say("a")))
    assert sorted(entry for entry, _ in entries) == [Entry.CONFLICT, Entry.REGISTERED]
    assert registry.find("a", clock()).instance.addresses == (FIRST.address,)


async def test_what_ended_while_the_store_was_busy_is_registered_again(
    registry: Registry, clock: Clock
) -> None:
    class Late(MemoryStore):
        async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
            clock.advance(TTL)
            return await super().renew(instance_id, by=by)

    roll = Roll(registry, Late(registry, clock), clock, TTL)
    await roll.enter(FIRST, _say("a"))
    assert (await roll.enter(FIRST, _say("a")))[0] is Entry.REGISTERED
    assert _lives(registry, clock, "a")


async def test_what_an_earlier_run_found_is_its_own_again(
    roll: Roll, registry: Registry, clock: Clock
) -> None:
    await roll.enter(FIRST, _say("a"))
    registry.grant(admit(id="b", service="web", address="10.0.0.2", port=8080), clock())
    again = Roll(registry, MemoryStore(registry, clock), clock, TTL)
    again.recall(FIRST)
    again.recall(SECOND)
    assert again.list_targets() == [FIRST]
    assert await again.enter(FIRST, _say("a")) == (Entry.RENEWED, "a")
