"""What a store that keeps its leases has when it is opened again."""

import asyncio
from dataclasses import replace

import pytest

from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import host_label
from dnsregistry.registry.warrant import seal
from tests.storage.conftest import DURABLE, Make, Open

ALL = 1000
LONG_ID = "an-id-of-more-than-sixteen-octets"


@pytest.fixture(params=DURABLE)
def engine(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def _make_all(make: Make) -> list[Instance]:
    return [
        make(
            "Web.1",
            address=["10.0.0.1", "2001:db8::1"],
            protocol="udp",
            ports={"http": 80, "grpc": 9000},
            priority=3,
            weight=0,
            tags=["v1", "V2"],
            capabilities=["Greet"],
            metadata={"é": [1, 2.5, None, True, {"deep": "\u2028\U0001f600"}], "n": 10**30},
            version="1.0",
            ttl=2.5,
        ),
        make(LONG_ID, address="Db.Example.org.", ttl=None, metadata={"lone": "\ud800"}),
        make("drained", status=Status.DRAINING),
        make("plain"),
        replace(make("owned"), owner=seal("correct horse battery staple", "owned")),
    ]


async def test_every_lease_is_back_as_it_was(open_house: Open, make: Make) -> None:
    house = await open_house()
    for instance in _make_all(make):
        house.clock.advance(1)
        await house.store.grant(instance)
    await house.store.set_status("plain", Status.MAINTENANCE)
    await house.store.grant(make("drained", port=81, status=Status.DRAINING))
    numbers = [
        (lease.instance, lease.sequence, lease.revision, lease.granted_at)
        for lease in house.registry.catalogue.after(0)
    ]
    await house.stop()
    again = await open_house()
    assert again.changes == []
    assert numbers == [
        (lease.instance, lease.sequence, lease.revision, lease.granted_at)
        for lease in again.registry.catalogue.after(0)
    ]
    assert again.registry.feed.revision == house.registry.feed.revision
    assert again.registry.catalogue.find_host(host_label(LONG_ID)) is again.lease(LONG_ID)


async def test_a_lease_has_a_ttl_from_the_start_on(open_house: Open, make: Make) -> None:
    house = await open_house()
    await house.store.grant(make("a", ttl=30))
    await house.store.grant(make("forever", ttl=None))
    renewed_at = house.clock()
    await house.stop()
    house.clock.advance(1_000_000)
    again = await open_house()
    lease = again.lease("a")
    assert lease.is_answered(again.clock())
    assert (lease.deadline, lease.renewed_at) == (again.clock() + 30, renewed_at)
    again.clock.advance(30)
    await again.store.expire(ALL)
    assert again.ids == ["forever"]
    assert [change.kind for change in again.changes] == [ChangeKind.EXPIRED]


async def test_what_has_ended_stays_away(open_house: Open, make: Make) -> None:
    house = await open_house()
    for name in ("revoked", "expired", "replaced", "stays"):
        await house.store.grant(make(name, ttl=5 if name in ("expired", "replaced") else 60))
    await house.store.revoke("revoked")
    house.clock.advance(5)
    await house.store.grant(make("replaced", port=81))
    await house.store.expire(ALL)
    await house.stop()
    again = await open_house()
    assert again.ids == ["stays", "replaced"]
    assert again.lease("replaced").instance == make("replaced", port=81)


async def test_no_number_is_given_out_again(open_house: Open, make: Make) -> None:
    house = await open_house()
    last = (await house.store.grant(make("last"))).lease.sequence
    await house.store.revoke("last")
    revision = house.registry.feed.revision
    await house.stop()
    again = await open_house()
    grant = await again.store.grant(make("next"))
    assert grant.lease.sequence > last
    assert grant.lease.revision > revision


async def test_an_array_is_back_whole(open_house: Open, make: Make) -> None:
    house = await open_house()
    instances = [make(f"i{number}") for number in range(3000)]
    for instance in instances:
        house.registry.promise(instance)
    await house.store.grant_all(instances)
    await house.stop()
    assert [lease.instance for lease in (await open_house()).registry.catalogue.after(0)] == (
        instances
    )


async def test_what_waits_at_the_stop_is_written(open_house: Open, make: Make) -> None:
    house = await open_house()
    grants = [asyncio.ensure_future(house.store.grant(make(f"i{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await house.stop()
    assert all(grant.created for grant in await asyncio.gather(*grants))
    assert len((await open_house()).ids) == 50


async def test_the_serial_is_kept(open_house: Open, make: Make) -> None:
    house = await open_house()
    assert house.serial is None
    told = [2**32 - 3]
    await house.store.follow_serial(lambda: told[0])
    await house.store.grant(make())
    told[0] = 5
    await house.stop()
    assert (await open_house()).serial == 5
