"""The host label that two ids may not share, whether it is held or promised."""

from collections.abc import Callable

import pytest

from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
LONG_ID = "an-id-of-more-than-sixteen-octets"
TWINS = [(LONG_ID, host_label(LONG_ID)), (host_label(LONG_ID), LONG_ID)]


def _assert_refused(registry: Registry, instance: Instance, held_id: str) -> None:
    rule = f"{instance.id!r} would share the host name of the instance {held_id!r}"
    for field in ("id", "7.id"):
        with pytest.raises(InvalidField) as refused:
            registry.promise(instance, field)
        assert refused.value.field == field
        assert refused.value.rule == f"{rule}; choose another id"
    with pytest.raises(InvalidField) as refused:
        registry.grant(instance, 0.0)
    assert (refused.value.field, refused.value.rule) == ("id", f"{rule}; choose another id")
    with pytest.raises(UnknownInstance):
        registry.find(instance.id, 0.0)


@pytest.mark.parametrize(("held_id", "other_id"), TWINS)
def test_an_id_whose_host_label_is_anothers_is_refused(
    registry: Registry, changes: list[Change], make: Make, held_id: str, other_id: str
) -> None:
    other = make(id=other_id)
    registry.grant(make(id=held_id), 0.0)
    _assert_refused(registry, other, held_id)
    assert len(changes) == len(registry.catalogue) == 1
    registry.revoke(held_id, 0.0)
    assert registry.grant(other, 0.0).created


@pytest.mark.parametrize(("promised_id", "other_id"), TWINS)
def test_a_promised_host_label_is_refused_to_others_until_the_last_release(
    registry: Registry, changes: list[Change], make: Make, promised_id: str, other_id: str
) -> None:
    promised, other = make(id=promised_id), make(id=other_id)
    label = host_label(promised_id)
    assert not registry.is_taken(label)
    registry.promise(promised)
    registry.promise(make(id=promised_id.upper(), port=1))
    _assert_refused(registry, other, promised_id)
    registry.release(promised)
    assert registry.is_taken(label)
    _assert_refused(registry, other, promised_id)
    registry.release(promised)
    assert not registry.is_taken(label)
    assert changes == []
    assert registry.grant(other, 0.0).created


def test_what_is_promised_may_be_granted_ended_and_granted_again(
    registry: Registry, make: Make
) -> None:
    promised, other = make(id=LONG_ID), make(id=host_label(LONG_ID))
    registry.promise(promised)
    assert registry.grant(promised, 0.0).created
    registry.revoke(LONG_ID, 0.0)
    _assert_refused(registry, other, LONG_ID)
    assert registry.grant(promised, 0.0).created
    registry.release(promised)
    _assert_refused(registry, other, LONG_ID)
