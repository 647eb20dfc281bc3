"""Each change once, in order, to whoever listens."""

from collections.abc import Callable

from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
ALL = 1_000_000


def _kinds(changes: list[Change]) -> list[ChangeKind]:
    return [change.kind for change in changes]


def test_revisions_are_dense_and_go_on_from_where_they_were(make: Make) -> None:
    registry = Registry(revision=41)
    changes: list[Change] = []
    registry.feed.subscribe(changes.append)
    registry.grant(make(ttl=5), 0.0)
    registry.set_status("a", Status.DRAINING, 0.0)
    registry.renew("a", 1.0)
    registry.expire(6.0, ALL)
    registry.grant(make(), 6.0)
    registry.revoke("a", 6.0)
    assert [change.revision for change in changes] == [42, 43, 44, 45, 46]
    assert _kinds(changes) == [
        ChangeKind.REGISTERED,
        ChangeKind.UPDATED,
        ChangeKind.EXPIRED,
        ChangeKind.REGISTERED,
        ChangeKind.REMOVED,
    ]
    assert registry.feed.revision == 46


def test_a_listener_hears_each_change_when_the_catalogue_already_has_it(
    registry: Registry, make: Make
) -> None:
    held: list[list[int]] = []
    registry.feed.subscribe(
        lambda change: held.append([lease.instance.port for lease in registry.catalogue.after(0)])
    )
    registry.grant(make(), 0.0)
    registry.grant(make(port=81), 0.0)
    registry.revoke("a", 0.0)
    assert held == [[80], [81], []]


def test_listeners_are_called_in_the_order_of_subscription_until_they_end(
    registry: Registry, make: Make
) -> None:
    heard: list[str] = []
    end_first = registry.feed.subscribe(lambda change: heard.append(f"first {change.revision}"))
    registry.feed.subscribe(lambda change: heard.append(f"second {change.revision}"))
    registry.grant(make(), 0.0)
    end_first()
    end_first()
    registry.revoke("a", 0.0)
    assert heard == ["first 1", "second 1", "second 2"]


def test_a_listener_may_unsubscribe_while_it_listens(registry: Registry, make: Make) -> None:
    heard: list[tuple[str, int]] = []

    def listen_once(change: Change) -> None:
        heard.append(("once", change.revision))
        end()

    end = registry.feed.subscribe(listen_once)
    registry.feed.subscribe(lambda change: heard.append(("always", change.revision)))
    registry.grant(make(), 0.0)
    registry.revoke("a", 0.0)
    assert heard == [("once", 1), ("always", 1), ("always", 2)]
