"""What every store does, whatever it keeps its leases in."""

import asyncio
from dataclasses import replace

import pytest

from dnsregistry.registry.check import Health
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.errors import (
    InvalidField,
    NotAllowed,
    NotOwner,
    RevisionDiffers,
    UnknownInstance,
)
from dnsregistry.registry.expected import ABSENT, ANY, Expected
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Grant
from dnsregistry.registry.warrant import ANYONE, HOUSE, Warrant, seal
from tests.storage.conftest import House, Make

LONG_ID = "an-id-of-more-than-sixteen-octets"
ALL = 1000


def _told(house: House) -> list[tuple[ChangeKind, str]]:
    told = []
    for change in house.changes:
        shown = change.after or change.before
        assert shown is not None
        told.append((change.kind, shown.id))
    return told


async def test_what_was_granted_is_held_and_told(house: House, make: Make) -> None:
    grant = await house.store.grant(make())
    assert grant.created
    assert house.registry.catalogue.find("a") is grant.lease
    assert (grant.lease.granted_at, grant.lease.deadline) == (house.clock(), house.clock() + 30)
    assert _told(house) == [(ChangeKind.REGISTERED, "a")]
    assert grant.lease.revision == house.changes[0].revision == house.registry.feed.revision


async def test_another_description_replaces_the_first_in_its_place(
    house: House, make: Make
) -> None:
    first = (await house.store.grant(make())).lease
    await house.store.grant(make("b"))
    granted_at, sequence = first.granted_at, first.sequence
    house.clock.advance(5)
    again = await house.store.grant(make("A", port=81))
    assert not again.created
    assert again.lease is first
    assert (first.granted_at, first.sequence) == (granted_at, sequence)
    assert (first.instance.port, first.deadline) == (81, house.clock() + 30)
    assert house.ids == ["A", "b"]
    assert first.revision == house.changes[-1].revision


async def test_the_same_again_is_a_renewal(house: House, make: Make) -> None:
    await house.store.grant(make())
    revision = house.registry.feed.revision
    house.clock.advance(5)
    again = await house.store.grant(make())
    assert (again.created, again.lease.deadline) == (False, house.clock() + 30)
    assert (again.lease.renewed_at, house.registry.feed.revision) == (house.clock(), revision)


async def test_a_shorter_ttl_counts_from_now(house: House, make: Make) -> None:
    await house.store.grant(make(ttl=None))
    await house.store.grant(make(ttl=2))
    house.clock.advance(2)
    await house.store.expire(ALL)
    assert house.ids == []


async def test_maintenance_survives_a_registration(house: House, make: Make) -> None:
    await house.store.grant(make())
    await house.store.set_status("a", Status.MAINTENANCE)
    grant = await house.store.grant(make(port=81, status=Status.DRAINING))
    assert grant.lease.instance == make(port=81, status=Status.MAINTENANCE)
    assert (await house.store.set_status("a", Status.HEALTHY)).instance == make(port=81)


async def test_a_host_label_is_given_once(house: House, make: Make) -> None:
    await house.store.grant(make(LONG_ID))
    with pytest.raises(InvalidField, match="would share the host name"):
        await house.store.grant(make(host_label(LONG_ID)))
    await house.store.revoke(LONG_ID)
    assert (await house.store.grant(make(host_label(LONG_ID)))).created


async def test_of_two_at_once_one_gets_the_host_label(house: House, make: Make) -> None:
    results = await asyncio.gather(
        house.store.grant(make(LONG_ID)),
        house.store.grant(make(host_label(LONG_ID))),
        return_exceptions=True,
    )
    assert [type(result).__name__ for result in results] == ["Grant", "InvalidField"]
    assert house.ids == [LONG_ID]


async def test_changes_of_one_instance_at_once_come_in_order(house: House, make: Make) -> None:
    store = house.store
    results = await asyncio.gather(
        store.grant(make()),
        store.grant(make(port=81)),
        store.set_status("a", Status.DRAINING),
        store.revoke("A"),
        store.revoke("a"),
        store.grant(make(port=82)),
        store.grant(make(port=82)),
        return_exceptions=True,
    )
    assert [type(result).__name__.removeprefix("Held") for result in results] == [
        *("Grant", "Grant", "Lease", "NoneType", "UnknownInstance", "Grant", "Grant")
    ]
    assert [change.kind for change in house.changes] == [
        *(ChangeKind.REGISTERED, ChangeKind.UPDATED, ChangeKind.UPDATED, ChangeKind.REMOVED),
        ChangeKind.REGISTERED,
    ]
    revisions = [change.revision for change in house.changes]
    assert revisions == sorted(set(revisions))
    lease = house.registry.catalogue.find("a")
    assert lease is not None
    assert (lease.instance, lease.revision) == (make(port=82), revisions[-1])


async def test_many_at_once_are_all_held(house: House, make: Make) -> None:
    await asyncio.gather(*(house.store.grant(make(f"i{number}")) for number in range(500)))
    assert sorted(house.ids) == sorted(f"i{number}" for number in range(500))
    assert len({lease.sequence for lease in house.registry.catalogue.after(0)}) == 500


async def test_an_array_is_held_in_its_order(house: House, make: Make) -> None:
    await house.store.grant(make("i1", port=81))
    instances = [make(f"i{number}") for number in range(3)]
    for instance in instances:
        house.registry.promise(instance)
    leases = await house.store.grant_all(instances)
    assert [lease.instance for lease in leases] == instances
    assert house.ids == ["i1", "i0", "i2"]
    assert _told(house)[1:] == [
        *((ChangeKind.REGISTERED, "i0"), (ChangeKind.UPDATED, "i1"), (ChangeKind.REGISTERED, "i2"))
    ]
    assert await house.store.grant_all([]) == []


async def test_an_array_that_is_cancelled_is_held_whole(house: House, make: Make) -> None:
    instances = [make(f"i{number}") for number in range(5)]
    for instance in instances:
        house.registry.promise(instance)
    task = asyncio.ensure_future(house.store.grant_all(instances))

    def cancel(_: Change) -> None:
        task.cancel()

    house.registry.feed.subscribe(cancel)
    await asyncio.wait([task])
    assert len(house.ids) == 5


async def test_a_grant_whose_asker_is_gone_is_held_whole_or_not_at_all(
    house: House, make: Make
) -> None:
    task = asyncio.ensure_future(house.store.grant(make(LONG_ID)))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await house.store.grant(make("next"))
    assert house.ids in (["next"], [LONG_ID, "next"])
    if LONG_ID in house.ids:
        await house.store.revoke(LONG_ID)
    assert (await house.store.grant(make(host_label(LONG_ID)))).created


async def test_a_heartbeat_renews_and_tells_nothing(house: House, make: Make) -> None:
    await house.store.grant(make())
    house.clock.advance(29)
    assert (await house.store.renew("A")).deadline == house.clock() + 30
    renewal = await house.store.renew_all(["a", "ghost"])
    assert (renewal.renewed, renewal.unknown) == (1, ["ghost"])
    assert len(house.changes) == 1


async def test_an_instance_that_is_not_there_is_unknown(house: House, make: Make) -> None:
    await house.store.grant(make())
    house.clock.advance(30)
    for instance_id in ("a", "ghost"):
        with pytest.raises(UnknownInstance):
            await house.store.renew(instance_id)
        with pytest.raises(UnknownInstance):
            await house.store.set_status(instance_id, Status.DRAINING)
        with pytest.raises(UnknownInstance):
            await house.store.revoke(instance_id)


async def test_a_status_moves_no_deadline(house: House, make: Make) -> None:
    lease = (await house.store.grant(make())).lease
    deadline = lease.deadline
    house.clock.advance(5)
    assert await house.store.set_status("A", Status.DRAINING) is lease
    assert (lease.instance.status, lease.deadline) == (Status.DRAINING, deadline)
    await house.store.set_status("a", Status.DRAINING)
    assert [change.kind for change in house.changes[1:]] == [ChangeKind.UPDATED]


async def test_a_lease_ends_at_its_deadline(house: House, make: Make) -> None:
    assert await house.store.expire(ALL) is None
    await house.store.grant(make("short", ttl=2))
    await house.store.grant(make("long", ttl=60))
    due = await house.store.expire(ALL)
    assert due is not None
    assert house.clock() + 2 <= due < house.clock() + 2.1
    house.clock.advance(2)
    await house.store.expire(ALL)
    assert house.ids == ["long"]
    assert _told(house)[2:] == [(ChangeKind.EXPIRED, "short")]


async def test_leases_end_a_slice_at_a_time(house: House, make: Make) -> None:
    for number in range(5):
        await house.store.grant(make(f"i{number}", ttl=2))
    house.clock.advance(3)
    due = await house.store.expire(2)
    assert due is not None
    assert due <= house.clock()
    assert len(house.ids) == 3


async def test_a_registration_after_the_deadline_begins_anew(house: House, make: Make) -> None:
    first = (await house.store.grant(make())).lease.sequence
    house.clock.advance(30)
    grant = await house.store.grant(make())
    assert grant.created
    assert grant.lease.sequence > first
    assert [change.kind for change in house.changes] == [
        *(ChangeKind.REGISTERED, ChangeKind.EXPIRED, ChangeKind.REGISTERED)
    ]


async def test_a_store_that_is_there_has_no_outage(house: House, engine: str) -> None:
    assert house.store.outage is None
    assert house.store.tell()["engine"] == engine


async def test_a_verdict_is_kept_like_a_status_and_survives_the_same_registration(
    house: House, make: Make
) -> None:
    checks = admit_checks([{"type": "tcp", "interval": 2}, {"type": "http", "path": "/h"}])
    given = make("a", checks=checks)
    await house.store.grant(given)
    lease = await house.store.set_health("A", Health.DEGRADED)
    assert lease.instance.health is Health.DEGRADED
    await house.store.grant(given)
    held = house.registry.catalogue.find("a")
    assert held is not None
    assert (held.instance.health, held.instance.checks) == (Health.DEGRADED, checks)
    assert len(house.changes) == 2
    with pytest.raises(UnknownInstance):
        await house.store.set_health("nobody", Health.HEALTHY)


async def test_a_change_is_made_of_the_expected_revision_alone(house: House, make: Make) -> None:
    store = house.store
    lease = (await store.grant(make(), ABSENT)).lease
    first = lease.revision
    changed = await store.grant(make(port=81), Expected(frozenset({first, first + 7000})))
    second = changed.lease.revision
    assert (changed.created, second) == (False, house.registry.feed.revision)
    for expected in (Expected(frozenset({first})), ABSENT):
        for refused in (
            store.grant(make("A", port=82), expected),
            store.grant(make("a", port=81), expected),
            store.set_status("a", Status.DRAINING, expected),
            store.revoke("A", expected),
        ):
            with pytest.raises(RevisionDiffers) as raised:
                await refused
            assert raised.value.revision == second
    assert (lease.instance, lease.revision) == (make(port=81), second)
    assert (await store.set_status("A", Status.DRAINING, Expected(frozenset({second})))) is lease
    assert (await store.grant(make(port=83), ANY)).lease is lease
    await store.revoke("a", Expected(frozenset({lease.revision})))
    assert house.ids == []
    assert len(house.changes) == 5


async def test_the_same_again_under_the_revision_that_it_has_is_a_renewal(
    house: House, make: Make
) -> None:
    lease = (await house.store.grant(make())).lease
    house.clock.advance(5)
    again = await house.store.grant(make(), Expected(frozenset({lease.revision})))
    assert (again.created, lease.deadline) == (False, house.clock() + 30)
    status = await house.store.set_status(
        "a", Status.HEALTHY, Expected(frozenset({lease.revision}))
    )
    assert status is lease
    assert len(house.changes) == 1


async def test_nothing_is_made_of_what_is_not_there_where_something_is_expected(
    house: House, make: Make
) -> None:
    for expected in (ANY, Expected(frozenset({1}))):
        with pytest.raises(RevisionDiffers) as raised:
            await house.store.grant(make(), expected)
        assert raised.value.revision is None
        with pytest.raises(UnknownInstance):
            await house.store.set_status("a", Status.DRAINING, expected)
        with pytest.raises(UnknownInstance):
            await house.store.revoke("a", expected)
    assert house.changes == []


async def test_what_is_past_its_deadline_is_not_there(house: House, make: Make) -> None:
    lease = (await house.store.grant(make())).lease
    revision = lease.revision
    house.clock.advance(30)
    with pytest.raises(RevisionDiffers) as raised:
        await house.store.grant(make(port=81), Expected(frozenset({revision})))
    assert raised.value.revision is None
    # What was refused has left nothing half done: neither the end nor the registration.
    grant = await house.store.grant(make(port=82), ABSENT)
    assert (grant.created, house.ids) == (True, ["a"])
    assert [change.kind for change in house.changes] == [
        *(ChangeKind.REGISTERED, ChangeKind.EXPIRED, ChangeKind.REGISTERED)
    ]
    await house.store.expire(ALL)
    assert house.ids == ["a"]


async def test_of_many_that_expect_one_revision_the_first_is_made(house: House, make: Make) -> None:
    store = house.store
    revision = (await store.grant(make())).lease.revision
    for round_number in range(5):
        expected = Expected(frozenset({revision}))
        results = await asyncio.gather(
            *(store.grant(make(port=100 * round_number + n + 1), expected) for n in range(10)),
            store.set_status("a", Status.DRAINING, expected),
            store.revoke("a", expected),
            return_exceptions=True,
        )
        told = [type(result) for result in results]
        assert (told[0], told[1:]) == (Grant, [RevisionDiffers] * 11)
        lease = house.lease("a")
        assert lease.instance.port == 100 * round_number + 1
        assert {result.revision for result in results[1:]} == {lease.revision}  # type: ignore[union-attr]
        revision = lease.revision
    results = await asyncio.gather(
        *(store.grant(make("b", port=n + 1), ABSENT) for n in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results] == [Grant, *[RevisionDiffers] * 9]


async def test_the_count_of_revisions_has_a_name(house: House, make: Make) -> None:
    assert house.store.lineage.isalnum()
    lineage = house.store.lineage
    await house.store.grant(make())
    assert house.store.lineage == lineage


SECRET = "correct horse battery staple"
OWNER = Warrant(secrets=(SECRET,))


def _owned(make: Make, id: str = "a", secret: str = SECRET, **fields: object) -> Instance:
    return replace(make(id, **fields), owner=seal(secret, id))


@pytest.mark.parametrize("by", [ANYONE, Warrant(secrets=("another",))], ids=["nobody", "another"])
async def test_an_owned_instance_is_changed_with_its_owners_secret_only(
    house: House, make: Make, by: Warrant
) -> None:
    lease = (await house.store.grant(_owned(make))).lease
    changes = len(house.changes)
    for instance in (make(port=81), _owned(make, secret="other")):
        with pytest.raises(NotOwner):
            await house.store.grant(instance, by=by)
        with pytest.raises(NotOwner):
            await house.store.grant_all([make("b"), instance], by=by)
    with pytest.raises(NotOwner):
        await house.store.renew("a", by=by)
    with pytest.raises(NotOwner):
        await house.store.set_status("A", Status.DRAINING, by=by)
    with pytest.raises(NotOwner):
        await house.store.revoke("A", by=by)
    renewal = await house.store.renew_all(["a", "x"], by=by)
    assert (renewal.renewed, renewal.unknown, renewal.forbidden) == (0, ["x"], ["a"])
    assert (house.ids, len(house.changes)) == (["a"], changes)
    assert lease.instance == _owned(make)


async def test_the_owner_changes_its_instance_and_stays_the_owner(house: House, make: Make) -> None:
    await house.store.grant(_owned(make))
    assert (await house.store.grant(_owned(make))).created is False
    lease = (await house.store.grant(make(port=81), by=OWNER)).lease
    assert lease.instance == _owned(make, port=81)
    await house.store.set_status("a", Status.DRAINING, by=OWNER)
    assert (await house.store.set_health("a", Health.UNHEALTHY)).instance.owner is not None
    assert (await house.store.renew("a", by=OWNER)).instance.owner is not None
    assert (await house.store.renew_all(["a"], by=OWNER)).renewed == 1
    await house.store.grant_all([_owned(make), make("b")], by=OWNER)
    await house.store.revoke("a", by=HOUSE)
    assert house.ids == ["b"]


async def test_the_id_of_an_owned_instance_is_free_once_it_has_ended(
    house: House, make: Make
) -> None:
    await house.store.grant(_owned(make, ttl=2))
    house.clock.advance(2)
    assert (await house.store.grant(_owned(make, secret="other"))).created


async def test_a_warrant_reaches_its_services_alone(house: House, make: Make) -> None:
    by = Warrant(reaches="db".__eq__)
    await house.store.grant(make())
    with pytest.raises(NotAllowed):
        await house.store.grant(make(service="db"), by=by)
    with pytest.raises(NotAllowed):
        await house.store.renew("a", by=by)
    with pytest.raises(NotAllowed):
        await house.store.revoke("a", by=by)
    assert (await house.store.renew_all(["a"], by=by)).forbidden == ["a"]
