"""What was decided elsewhere is held as it is told, under the revisions given."""

from collections.abc import Callable

import pytest

from dnsregistry.registry.entry import Entry
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]


def test_a_lease_that_is_told_is_held_with_its_numbers(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    lease = registry.hold(Entry(make(ttl=5), 7, 40, 1.0), renewed_at=2.0, deadline=9.0)
    assert (lease.sequence, lease.revision, lease.granted_at) == (7, 40, 1.0)
    assert (lease.renewed_at, lease.deadline) == (2.0, 9.0)
    assert changes == [Change(40, ChangeKind.REGISTERED, None, make(ttl=5))]
    assert registry.next_deadline() == 9.0
    assert registry.grant(make(id="b"), 3.0).lease.sequence == 8
    assert registry.feed.revision == 41


def test_an_update_that_is_told_keeps_the_place(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    lease = registry.grant(make(ttl=60), 0.0).lease
    entry = Entry(make(id="A", ttl=5, status=Status.DRAINING), 99, 10, 50.0)
    assert registry.hold(entry, renewed_at=1.0, deadline=6.0) is lease
    assert (lease.sequence, lease.granted_at, lease.revision) == (1, 0.0, 10)
    assert changes[-1] == Change(10, ChangeKind.UPDATED, make(ttl=60), entry.instance)
    assert registry.next_deadline() == 6.0


@pytest.mark.parametrize("kind", [ChangeKind.REMOVED, ChangeKind.EXPIRED])
def test_an_end_that_is_told_is_held(
    registry: Registry, changes: list[Change], make: Make, kind: ChangeKind
) -> None:
    registry.grant(make(ttl=5), 0.0)
    registry.end("A", kind, 10)
    assert changes[-1] == Change(10, kind, make(ttl=5), None)
    assert (len(registry.catalogue), registry.next_deadline()) == (0, None)
    with pytest.raises(UnknownInstance):
        registry.end("a", kind, 11)


def test_a_revision_that_was_is_refused_and_nothing_is_changed(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    registry.grant(make(), 0.0)
    for told in (
        lambda: registry.hold(Entry(make(port=81), 1, 1, 0.0), renewed_at=0.0, deadline=9.0),
        lambda: registry.hold(Entry(make(id="b"), 2, 1, 0.0), renewed_at=0.0, deadline=9.0),
        lambda: registry.end("a", ChangeKind.REMOVED, 1),
        lambda: registry.feed.publish(ChangeKind.REMOVED, None, None, 1),
    ):
        with pytest.raises(ValueError, match="revision 1 does not come after 1"):
            told()
    assert [lease.instance for lease in registry.catalogue.after(0)] == [make()]
    assert len(changes) == registry.feed.revision == 1


def test_what_is_restored_tells_no_change(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    registry.resume(90, 20)
    registry.restore(Entry(make(ttl=5), 7, 40, 1.0), renewed_at=2.0, deadline=9.0)
    assert (changes, registry.feed.revision) == ([], 90)
    lease = registry.find("a", 8.9)
    assert (lease.sequence, lease.revision, lease.granted_at, lease.renewed_at) == (7, 40, 1.0, 2.0)
    assert registry.expire(9.0, 10) == 1
    assert registry.grant(make(), 9.0).lease.sequence == 21
    registry.resume(1, 1)
    assert (registry.feed.revision, registry.sequence) == (92, 21)
