"""What the registry promises of a lease while it is held, a sentence each."""

from collections.abc import Callable

import pytest

from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
ALL = 1_000_000


def test_a_grant_of_a_new_id_creates_a_lease_of_one_ttl(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    instance = make(ttl=30)
    grant = registry.grant(instance, 100.0)
    lease = grant.lease
    assert grant.created
    assert registry.find("A", 100.0) is lease
    assert lease.instance is instance
    assert (lease.sequence, lease.revision) == (1, 1)
    assert (lease.granted_at, lease.renewed_at, lease.deadline) == (100.0, 100.0, 130.0)
    assert changes == [Change(1, ChangeKind.REGISTERED, None, instance)]


def test_a_lease_without_ttl_has_no_end(registry: Registry, make: Make) -> None:
    lease = registry.grant(make(), 0.0).lease
    assert registry.next_deadline() is None
    assert registry.expire(1e12, ALL) == 0
    assert lease.is_answered(1e12)


def test_a_grant_of_a_held_id_replaces_the_instance_and_restarts_the_lease(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    before, after = make(ttl=30), make(id="A", ttl=10, service="api", port=81)
    first = registry.grant(before, 0.0)
    again = registry.grant(after, 5.0)
    assert not again.created
    assert again.lease is first.lease
    assert again.lease.instance is after
    assert (again.lease.sequence, again.lease.revision) == (1, 2)
    assert (again.lease.granted_at, again.lease.deadline) == (0.0, 15.0)
    assert changes[1:] == [Change(2, ChangeKind.UPDATED, before, after)]
    assert not registry.catalogue.of_service("web")
    assert registry.expire(15.0, ALL) == 1


def test_an_identical_registration_is_a_renewal_without_a_revision(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    lease = registry.grant(make(ttl=30, metadata={"rack": 7}), 0.0).lease
    again = registry.grant(make(ttl=30, metadata={"rack": 7}), 20.0)
    assert not again.created
    assert (again.lease, lease.deadline, lease.revision) == (lease, 50.0, 1)
    assert [change.kind for change in changes] == [ChangeKind.REGISTERED]
    assert registry.feed.revision == 1


def test_a_registration_without_ttl_takes_the_end_off_a_lease(
    registry: Registry, make: Make
) -> None:
    registry.grant(make(ttl=30), 0.0)
    registry.grant(make(), 10.0)
    assert registry.next_deadline() is None
    assert registry.find("a", 1e9).is_live(1e9)


def test_maintenance_survives_registering_again(registry: Registry, make: Make) -> None:
    registry.grant(make(), 0.0)
    registry.set_status("a", Status.MAINTENANCE, 0.0)
    assert registry.grant(make(port=81), 1.0).lease.instance == make(
        port=81, status=Status.MAINTENANCE
    )
    revision = registry.feed.revision
    registry.grant(make(port=81, status=Status.DRAINING), 2.0)
    assert registry.find("a", 2.0).instance.status is Status.MAINTENANCE
    assert registry.feed.revision == revision


def test_draining_ends_by_registering_again(registry: Registry, make: Make) -> None:
    registry.grant(make(status=Status.DRAINING), 0.0)
    assert registry.grant(make(), 1.0).lease.is_answered(1.0)


@pytest.mark.parametrize("status", Status)
def test_only_a_healthy_live_instance_is_answered(
    registry: Registry, make: Make, status: Status
) -> None:
    lease = registry.grant(make(ttl=5), 0.0).lease
    assert registry.set_status("A", status, 1.0) is lease
    assert lease.is_answered(4.9) == (status is Status.HEALTHY)
    assert registry.catalogue.count_healthy("web") == (status is Status.HEALTHY)
    assert lease.is_live(4.9)
    assert not lease.is_live(5.0)
    assert not lease.is_answered(5.0)


def test_a_status_leaves_the_deadline_and_makes_one_revision(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    lease = registry.grant(make(ttl=5), 0.0).lease
    for now in (1.0, 2.0):
        registry.set_status("a", Status.DRAINING, now)
    assert (lease.deadline, lease.revision) == (5.0, 2)
    assert changes[1:] == [Change(2, ChangeKind.UPDATED, make(ttl=5), lease.instance)]
    assert lease.instance == make(ttl=5, status=Status.DRAINING)


def test_a_renewal_moves_the_deadline_one_ttl_from_now_and_is_no_change(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    lease = registry.grant(make(ttl=5), 0.0).lease
    assert registry.renew("A", 3.0) is lease
    assert (lease.granted_at, lease.renewed_at, lease.deadline) == (0.0, 3.0, 8.0)
    assert registry.expire(7.9, ALL) == 0
    assert len(changes) == 1


def test_many_renewals_tell_the_ids_without_a_live_lease_as_given(
    registry: Registry, make: Make
) -> None:
    for instance_id in ("a", "b"):
        registry.grant(make(id=instance_id, ttl=5), 0.0)
    registry.grant(make(id="late", ttl=2), 0.0)
    renewal = registry.renew_all(iter(["A", "Ghost", "late", "b", "a", "ghost"]), 2.0)
    assert renewal.renewed == 3
    assert renewal.unknown == ["Ghost", "late", "ghost"]
    assert registry.find("a", 6.9).deadline == 7.0
    assert registry.renew_all([], 2.0).renewed == 0
