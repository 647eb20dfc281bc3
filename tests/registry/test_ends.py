"""How a lease ends, and what is said of an instance that has none."""

from collections.abc import Callable
from itertools import count

import pytest

from dnsregistry.registry.errors import UnknownInstance, UnknownService
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
ALL = 1_000_000


def test_maintenance_ends_with_the_lease(registry: Registry, make: Make) -> None:
    registry.grant(make(ttl=5, status=Status.MAINTENANCE), 0.0)
    assert registry.grant(make(ttl=5), 5.0).lease.is_answered(5.0)


def test_a_revoked_lease_is_gone_at_once(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    registry.grant(make(ttl=5), 0.0)
    registry.revoke("A", 1.0)
    assert changes[1:] == [Change(2, ChangeKind.REMOVED, make(ttl=5), None)]
    assert registry.catalogue.find("a") is None
    assert registry.next_deadline() is None
    assert registry.expire(100.0, ALL) == 0


def test_an_expired_lease_ends_with_a_change(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    registry.grant(make(ttl=5), 0.0)
    assert registry.next_deadline() == 5.0
    assert registry.expire(4.99, ALL) == 0
    assert registry.expire(5.0, ALL) == 1
    assert changes[1:] == [Change(2, ChangeKind.EXPIRED, make(ttl=5), None)]
    assert len(registry.catalogue) == 0
    assert registry.next_deadline() is None


def test_leases_over_the_most_stay_due(registry: Registry, make: Make) -> None:
    for number in range(5):
        registry.grant(make(id=f"i{number}", ttl=5), 0.0)
    assert [registry.expire(9.0, 2) for _ in range(2)] == [2, 2]
    assert registry.next_deadline() == 5.0
    assert registry.expire(9.0, 2) == 1
    assert registry.next_deadline() is None


def _renew(registry: Registry, now: float) -> None:
    registry.renew("a", now)


def _find(registry: Registry, now: float) -> None:
    registry.find("a", now)


def _set_status(registry: Registry, now: float) -> None:
    registry.set_status("a", Status.DRAINING, now)


def _revoke(registry: Registry, now: float) -> None:
    registry.revoke("a", now)


@pytest.mark.parametrize("ask", [_renew, _find, _set_status, _revoke])
@pytest.mark.parametrize("past", ["never held", "revoked", "expired", "expired, not swept"])
def test_an_instance_without_a_live_lease_is_unknown(
    registry: Registry, make: Make, ask: Callable[[Registry, float], None], past: str
) -> None:
    heard: list[Change] = []
    if past != "never held":
        registry.grant(make(ttl=5), 0.0)
    if past == "revoked":
        registry.revoke("a", 4.0)
    if past == "expired":
        registry.expire(5.0, ALL)
    held = len(registry.catalogue)
    registry.feed.subscribe(heard.append)
    with pytest.raises(UnknownInstance, match="no live instance has the id 'a'") as missed:
        ask(registry, 5.0)
    assert missed.value.instance_id == "a"
    assert heard == []
    assert len(registry.catalogue) == held
    assert registry.expire(5.0, ALL) == held


def test_registering_after_an_unswept_deadline_tells_both_changes_in_order(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    instance = make(ttl=5)
    old = registry.grant(instance, 0.0).lease
    grant = registry.grant(instance, 5.0)
    assert grant.created
    assert grant.lease is not old
    assert (grant.lease.sequence, grant.lease.revision, grant.lease.granted_at) == (2, 3, 5.0)
    assert changes[1:] == [
        Change(2, ChangeKind.EXPIRED, instance, None),
        Change(3, ChangeKind.REGISTERED, None, instance),
    ]
    assert registry.expire(9.9, ALL) == 0
    assert registry.expire(10.0, ALL) == 1


def test_churn_leaves_nothing_behind(registry: Registry, make: Make) -> None:
    numbers = count()
    for now in range(300):
        for ttl in (1, 5, 31_536_000, None):
            registry.grant(make(id=f"i{next(numbers)}.x", service=f"s{now % 7}", ttl=ttl), now)
        for lease in list(registry.catalogue.after(0)):
            if lease.instance.ttl in (31_536_000, None):
                registry.revoke(lease.instance.id, now)
        registry.expire(now, ALL)
    assert len(registry.catalogue) <= 6
    registry.expire(400.0, ALL)
    assert len(registry.catalogue) == registry.catalogue.count_services() == 0
    assert registry.next_deadline() is None


def test_an_unknown_service_is_told_by_name() -> None:
    fault = UnknownService("web")
    assert fault.service == "web"
    assert str(fault) == "no live instance belongs to the service 'web'"
