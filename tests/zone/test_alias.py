"""Aliases that lead back are refused at the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.names import host_label
from dnsregistry.zone.lookup import LONGEST_CHAIN

if TYPE_CHECKING:
    from tests.zone.conftest import House

FULL = {"tags": ["v1"], "capabilities": ["greet"], "ports": {"http": 80}}


def _check(house: House, service: str, host: str, id: str | None = None) -> None:
    instance = admit(id=id or f"to-{service}", service=service, address=host, port=80, **FULL)  # type: ignore[arg-type]
    house.zone.check_alias(instance, house.now)


def _alias(house: House, service: str, host: str) -> None:
    house.add(f"to-{service}", service=service, address=host)


@pytest.mark.parametrize("own", ["web", "v1.web", "greet.cap", f"{host_label('to-web')}.i"])
def test_a_host_name_that_is_the_instances_own_is_refused(house: House, own: str) -> None:
    with pytest.raises(InvalidField) as caught:
        _check(house, "web", f"{own}.Registry.local.")
    assert caught.value.field == "address"
    assert caught.value.rule == f"'{own}.registry.local' leads back to this instance"


@pytest.mark.parametrize("links", [1, 2, 7])
def test_a_host_name_that_leads_back_is_refused(house: House, links: int) -> None:
    for place in range(links):
        following = "web" if place + 1 == links else f"s{place + 1}"
        _alias(house, f"s{place}", f"{following}.registry.local")
    with pytest.raises(InvalidField, match="leads back"):
        _check(house, "web", "s0.registry.local")
    _check(house, "other", "s0.registry.local")


def test_as_many_aliases_as_an_answer_follows_are_let_in(house: House) -> None:
    house.add("end", service="s0")
    for place in range(1, LONGEST_CHAIN):
        target = f"s{place - 1}.registry.local"
        _check(house, f"s{place}", target)
        _alias(house, f"s{place}", target)
    _check(house, f"s{LONGEST_CHAIN}", f"s{LONGEST_CHAIN - 1}.registry.local")
    _alias(house, f"s{LONGEST_CHAIN}", f"s{LONGEST_CHAIN - 1}.registry.local")
    with pytest.raises(InvalidField, match="leads through more than 8 aliases"):
        _check(house, "one-more", f"s{LONGEST_CHAIN}.registry.local")


def test_a_loop_of_others_is_refused_too(house: House) -> None:
    _alias(house, "a", "b.registry.local")
    _alias(house, "b", "a.registry.local")
    with pytest.raises(InvalidField, match="more than 8 aliases"):
        _check(house, "web", "a.registry.local")


@pytest.mark.parametrize(
    "host", ["api.example.org", "unknown.registry.local", "user-service.registry.local", "local"]
)
def test_a_host_name_that_leads_elsewhere_is_let_in(users: House, host: str) -> None:
    _check(users, "web", host)


def test_addresses_lead_nowhere(users: House) -> None:
    users.zone.check_alias(users.add("again"), users.now)


def test_what_has_ended_leads_nowhere(house: House) -> None:
    house.add("a", service="a", address="web.registry.local", ttl=2)
    with pytest.raises(InvalidField):
        _check(house, "web", "a.registry.local")
    house.now += 2
    _check(house, "web", "a.registry.local")


def test_an_instance_may_be_pointed_elsewhere(house: House) -> None:
    _alias(house, "web", "api.example.org")
    _alias(house, "api", "web.registry.local")
    with pytest.raises(InvalidField):
        _check(house, "web", "api.registry.local")
    _check(house, "web", "other.example.org")
