"""Many registrations at once, all or none, and the host label that two ids may not share."""

from collections.abc import Callable

import pytest

from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
LONG_ID = "an-id-of-more-than-sixteen-octets"


@pytest.mark.parametrize("ids", [(LONG_ID, host_label(LONG_ID)), (host_label(LONG_ID), LONG_ID)])
def test_an_id_whose_host_label_is_anothers_is_refused(
    registry: Registry, changes: list[Change], make: Make, ids: tuple[str, str]
) -> None:
    held, refused_id = ids
    registry.grant(make(id=held), 0.0)
    rule = f"{refused_id!r} would share the host name of the instance {held!r}; choose another id"
    with pytest.raises(InvalidField) as refused:
        registry.grant(make(id=refused_id), 0.0)
    assert (refused.value.field, refused.value.rule) == ("id", rule)
    with pytest.raises(InvalidField) as refused:
        registry.grant_all([make(id="b"), make(id=refused_id)], 0.0)
    assert (refused.value.field, refused.value.rule) == ("1.id", rule)
    with pytest.raises(UnknownInstance):
        registry.find(refused_id, 0.0)
    assert len(changes) == len(registry.catalogue) == 1
    registry.revoke(held, 0.0)
    assert registry.grant(make(id=refused_id), 0.0).created


def test_grant_all_registers_all_in_order(
    registry: Registry, changes: list[Change], make: Make
) -> None:
    registry.grant(make(id="b", port=1), 0.0)
    grants = registry.grant_all([make(id="c"), make(id="B"), make(id="a")], 1.0)
    assert [grant.created for grant in grants] == [True, False, True]
    assert [grant.lease.instance.id for grant in grants] == ["c", "B", "a"]
    assert [lease.instance.id for lease in registry.catalogue.after(0)] == ["B", "c", "a"]
    assert [change.revision for change in changes] == [1, 2, 3, 4]
    assert registry.grant_all([], 1.0) == []


@pytest.mark.parametrize(
    ("twin", "rule"),
    [
        (LONG_ID, f"{LONG_ID!r} is given twice"),
        (LONG_ID.upper(), f"{LONG_ID.upper()!r} is given twice"),
        (
            host_label(LONG_ID),
            f"{host_label(LONG_ID)!r} would share the host name of the instance {LONG_ID!r};"
            " choose another id",
        ),
    ],
)
def test_grant_all_with_twins_registers_none(
    registry: Registry, changes: list[Change], make: Make, twin: str, rule: str
) -> None:
    with pytest.raises(InvalidField) as refused:
        registry.grant_all([make(id=LONG_ID), make(id="b"), make(id=twin)], 0.0)
    assert (refused.value.field, refused.value.rule) == ("2.id", rule)
    assert changes == []
    assert len(registry.catalogue) == 0
    assert registry.next_deadline() is None
