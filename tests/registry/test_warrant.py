"""On whose authority: seals of secrets, services that are reached, owners who are asked."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import NotAllowed, NotOwner
from dnsregistry.registry.registry import Registry
from dnsregistry.registry.warrant import ANYONE, HOUSE, Warrant, seal

SECRET = "correct horse battery staple"
OWNER = Warrant(secrets=(SECRET,))
NOBODY = Warrant(secrets=("another secret of the same length",))
INSTANCE = admit(id="a", service="web", address="10.0.0.1", port=80, ttl=30)
OWNED = replace(INSTANCE, owner=seal(SECRET, "a"))


@given(st.text(), st.text(), st.text(min_size=1), st.text(min_size=1))
def test_a_seal_holds_for_one_secret_and_one_id(one: str, two: str, a: str, b: str) -> None:
    same = (one, a.lower()) == (two, b.lower())
    assert (seal(one, a) == seal(two, b)) == same


def test_a_seal_holds_for_its_id_in_any_case() -> None:
    assert seal(SECRET, "An-Id") == seal(SECRET, "an-iD")


def test_a_warrant_tells_no_secret() -> None:
    assert SECRET not in repr(OWNER)
    assert OWNED.owner is not None
    assert OWNED.owner not in repr(OWNED)


@pytest.mark.parametrize("by", [ANYONE, NOBODY], ids=["nobody", "another"])
def test_an_owned_instance_is_changed_with_its_owners_secret_only(by: Warrant) -> None:
    registry = Registry()
    registry.grant(OWNED, 0, by=ANYONE)
    revision = registry.feed.revision
    for change in (
        lambda: registry.grant(replace(INSTANCE, port=81), 1, by=by),
        lambda: registry.grant(replace(INSTANCE, owner=seal("x", "a")), 1, by=by),
        lambda: registry.renew("a", 1, by=by),
        lambda: registry.set_status("a", INSTANCE.status, 1, by=by),
        lambda: registry.revoke("a", 1, by=by),
    ):
        with pytest.raises(NotOwner):
            change()
    assert registry.renew_all(["a", "b"], 1, by=by).forbidden == ["a"]
    lease = registry.find("a", 1)
    assert (lease.instance, lease.deadline, registry.feed.revision) == (OWNED, 30, revision)


@pytest.mark.parametrize("by", [OWNER, HOUSE], ids=["owner", "house"])
def test_the_owner_and_the_house_change_it_and_it_stays_the_owners(by: Warrant) -> None:
    registry = Registry()
    registry.grant(OWNED, 0)
    registry.grant(replace(INSTANCE, port=81), 1, by=by)
    assert registry.find("a", 1).instance == replace(OWNED, port=81)
    assert registry.renew_all(["a"], 2, by=by).renewed == 1
    registry.revoke("a", 3, by=by)
    assert not len(registry.catalogue)


def test_the_same_secret_in_another_registration_is_a_proof() -> None:
    registry = Registry()
    registry.grant(OWNED, 0)
    assert not registry.grant(replace(OWNED, port=81), 1).created


def test_a_new_secret_takes_the_place_of_the_old_one() -> None:
    registry = Registry()
    registry.grant(OWNED, 0)
    other = replace(OWNED, owner=seal("new", "a"))
    registry.grant(other, 1, by=OWNER)
    with pytest.raises(NotOwner):
        registry.revoke("a", 1, by=OWNER)
    registry.revoke("a", 1, by=Warrant(secrets=("new",)))


def test_after_its_lease_the_id_is_free() -> None:
    registry = Registry()
    registry.grant(OWNED, 0)
    assert registry.grant(INSTANCE, 30).created
    registry.revoke("a", 30)


def test_a_warrant_reaches_its_services_alone() -> None:
    registry = Registry()
    by = Warrant(reaches="web".__eq__)
    registry.grant(replace(INSTANCE, service="db"), 0)
    for change in (
        lambda: registry.grant(INSTANCE, 1, by=by),
        lambda: registry.renew("a", 1, by=by),
        lambda: registry.revoke("a", 1, by=by),
    ):
        with pytest.raises(NotAllowed, match="the scope write:db is missing"):
            change()
    with pytest.raises(NotAllowed, match="write:db"):
        by.check_service("db")
