"""Changes show in the next answer; leases end on their own."""

import asyncio

import pytest

from tests.conftest import Start
from tests.program import Clock, Program

SRV = "_user-service._tcp.registry.local"
NAME = "user-service.registry.local"


async def _never() -> None:
    await asyncio.Event().wait()


@pytest.fixture
async def unswept(start: Start, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A program whose sweep sleeps for ever."""
    monkeypatch.setattr("dnsregistry.app.sweep", lambda *_: _never())
    return await start(Clock())


async def test_a_lease_is_absent_at_its_deadline_without_any_sweep(unswept: Program) -> None:
    await unswept.register("ends", address="10.0.0.1", ttl=10, tags=["v1"])
    await unswept.register("stays", address="10.0.0.2", ttl=None)
    assert len((await unswept.ask(NAME)).answer) == 2
    unswept.clock.advance(9.999)
    assert len((await unswept.ask(NAME)).answer) == 2
    unswept.clock.advance(0.001)
    assert (await unswept.ask(NAME)).rdatas == ["10.0.0.2"]
    assert (await unswept.ask(SRV, "SRV")).rdatas == ["0 1 8080 stays.i.registry.local."]
    assert (await unswept.ask("ends.i.registry.local")).rcode == "NXDOMAIN"
    assert (await unswept.ask(f"v1.{NAME}")).rcode == "NXDOMAIN"


async def test_a_ttl_never_exceeds_what_is_left_of_the_lease(unswept: Program) -> None:
    await unswept.register("i", ttl=10)
    seen = []
    for _ in range(10):
        seen.append((await unswept.ask(NAME)).answer[0].split()[1])
        unswept.clock.advance(1)
    assert seen == ["5", "5", "5", "5", "5", "5", "4", "3", "2", "1"]
    assert (await unswept.ask(NAME)).rcode == "NXDOMAIN"


async def test_a_ttl_is_at_least_a_second(unswept: Program) -> None:
    await unswept.register("i", ttl=2)
    unswept.clock.advance(1.75)
    assert (await unswept.ask(NAME)).answer == ["user-service.registry.local. 1 IN A 10.0.0.1"]


async def test_all_records_of_an_rrset_have_the_shortest_ones_ttl(unswept: Program) -> None:
    """RFC 2181, 5.2: "the TTLs of all RRs in an RRSet must be the same"."""
    await unswept.register("short", address="10.0.0.1", ttl=3)
    await unswept.register("long", address="10.0.0.2", ttl=60)
    assert {line.split()[1] for line in (await unswept.ask(NAME)).answer} == {"3"}


async def test_a_heartbeat_keeps_the_instance_answered(unswept: Program) -> None:
    await unswept.register("i", ttl=10)
    for _ in range(5):
        unswept.clock.advance(9)
        async with unswept.http.post("/v1/heartbeats", json={"ids": ["i"]}) as response:
            assert await response.json() == {"renewed": 1, "unknown": []}
        assert (await unswept.ask(NAME)).answer == ["user-service.registry.local. 5 IN A 10.0.0.1"]


async def test_an_expired_instance_registers_again(unswept: Program) -> None:
    await unswept.register("i", ttl=10)
    unswept.clock.advance(10)
    async with unswept.http.post("/v1/instances/i/heartbeat") as response:
        assert (response.status, (await response.json())["type"]) == (404, "unknown-instance")
    await unswept.register("i", ttl=10)
    assert (await unswept.ask(NAME)).rdatas == ["10.0.0.1"]


async def test_a_draining_instance_keeps_its_own_host_name_alone(house: Program) -> None:
    await house.set_status("i3", "draining")
    assert (await house.ask(NAME)).rdatas == ["10.0.0.1"]
    assert len((await house.ask(SRV, "SRV")).answer) == 2
    assert (await house.ask("i3.i.registry.local")).rdatas == ["10.0.0.2"]


async def test_an_instance_in_maintenance_is_gone_from_all_answers(house: Program) -> None:
    await house.set_status("i3", "maintenance")
    assert (await house.ask(NAME)).rdatas == ["10.0.0.1"]
    assert len((await house.ask(SRV, "SRV")).answer) == 2
    reply = await house.ask("i3.i.registry.local")
    assert (reply.rcode, reply.answer) == ("NOERROR", [])


async def test_an_instance_that_is_healthy_again_is_answered_again(house: Program) -> None:
    for status in ("draining", "maintenance"):
        await house.set_status("i3", status)
        await house.set_status("i3", "healthy")
        assert len((await house.ask(SRV, "SRV")).answer) == 3


async def test_a_replaced_instance_is_gone_from_what_it_left(house: Program) -> None:
    await house.register("i3", service="other", address="10.0.0.3", port=1, tags=["v1"])
    assert (await house.ask(NAME)).rdatas == ["10.0.0.1"]
    assert (await house.ask("v1.other.registry.local")).rdatas == ["10.0.0.3"]
    assert (await house.ask("i3.i.registry.local")).rdatas == ["10.0.0.3"]
    await house.register("i3", service="other", address="10.0.0.3", port=1)
    assert (await house.ask("v1.other.registry.local")).rcode == "NXDOMAIN"


async def test_a_removed_instance_is_gone_from_all_answers(house: Program) -> None:
    for name in ("i1", "i2", "i3"):
        await house.remove(name)
    for name in (NAME, SRV, "i1.i.registry.local"):
        assert (await house.ask(name)).rcode == "NXDOMAIN"


async def test_an_array_is_answered_whole_or_not_at_all(house: Program) -> None:
    good = {"id": "i4", "service": "user-service", "address": "10.0.0.4", "port": 1}
    bad = {**good, "id": "i5", "address": "10.0.0.5", "port": 0}
    async with house.http.post("/v1/instances", json=[good, bad]) as response:
        assert (response.status, (await response.json())["field"]) == (422, "1.port")
    assert len((await house.ask(SRV, "SRV")).answer) == 3
    await house.register_all([good, {**bad, "port": 1}])
    assert len((await house.ask(SRV, "SRV")).answer) == 5
