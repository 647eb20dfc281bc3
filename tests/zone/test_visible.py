"""The serial grows with every change that an answer shows, and with no other."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from dnsregistry.registry.instance import Status
from dnsregistry.zone.lookup import Found
from dnsregistry.zone.rdata import SOA
from dnsregistry.zone.serial import is_newer

if TYPE_CHECKING:
    from tests.zone.conftest import House

GIVEN = {
    "address": ["10.0.0.1", "2001:db8::1"],
    "tags": ["v1", "edge"],
    "capabilities": ["greet", "sing"],
    "ports": {"http": 80, "grpc": 90},
    "ttl": 30,
    "version": "1.0",
    "metadata": {"zone": "a"},
}


def test_the_soa_carries_the_serial(house: House) -> None:
    house.add("a")
    lookup = house.ask("", "SOA")
    assert isinstance(lookup, Found)
    (soa,) = lookup.rrset.rdatas
    assert isinstance(soa, SOA)
    assert soa.serial == house.zone.serial == 8
    assert lookup.rrset.ttl == soa.minimum == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"address": "10.0.0.9"},
        {"address": "api.example.org"},
        {"port": 9},
        {"protocol": "udp"},
        {"service": "task-service"},
        {"ports": {}},
        {"ports": {"http": 81, "grpc": 90}},
        {"priority": 1},
        {"weight": 2},
        {"tags": ["v1"]},
        {"tags": [], "capabilities": ["greet", "sing", "v1", "edge"]},
        {"capabilities": []},
        {"status": Status.DRAINING},
        {"metadata": {"zone": "b"}},
        {"version": "2.0"},
    ],
    ids=str,
)
def test_a_change_that_an_answer_shows_counts(house: House, changed: dict[str, object]) -> None:
    house.add("a", **GIVEN)
    before = house.zone.serial
    house.add("a", **GIVEN | changed)
    assert house.zone.serial == before + 1


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"metadata": {"zone": "a", "gone": None, "off": False}},
        {"metadata": {"zone": "a", "not=a key": 1, "long": "x" * 255}},
        {"ttl": 60},
        {"tags": ["V1", "EDGE"]},
        {"tags": ["edge", "v1"]},
        {"tags": ["edge", "v1", "greet"]},
        {"capabilities": ["Sing", "Greet"]},
        {"address": ["2001:db8::1", "10.0.0.1"]},
        {"ports": {"grpc": 90, "http": 80}},
    ],
    ids=str,
)
def test_a_change_that_no_answer_shows_does_not_count(
    house: House, changed: dict[str, object]
) -> None:
    house.add("a", **GIVEN)
    before = house.zone.serial
    house.add("a", **GIVEN | changed)
    assert house.zone.serial == before


def test_the_case_of_an_id_does_not_count(house: House) -> None:
    house.add("a")
    before = house.zone.serial
    house.add("A")
    assert house.zone.serial == before


def test_heartbeats_and_questions_do_not_count(house: House) -> None:
    house.add("a", ttl=30)
    before = house.zone.serial
    house.registry.renew("a", house.now)
    house.registry.renew_all(["a", "ghost"], house.now)
    house.ask("user-service", "A")
    house.ask("unknown", "A")
    house.now += 29
    house.ask("user-service", "A")
    assert house.zone.serial == before


def test_coming_and_going_counts(house: House) -> None:
    house.add("a")
    house.add("b", ttl=2)
    assert house.zone.serial == 9
    house.registry.set_status("a", Status.DRAINING, house.now)
    house.registry.set_status("a", Status.DRAINING, house.now)
    assert house.zone.serial == 10
    house.registry.revoke("a", house.now)
    assert house.zone.serial == 11
    house.now += 3
    assert house.registry.expire(house.now, 10) == 1
    assert house.zone.serial == 12


def test_the_serial_wraps_and_stays_newer(build: Callable[..., House]) -> None:
    house = build(serial=2**32 - 2)
    serials = [house.zone.serial]
    for place in range(4):
        house.add(f"i{place}")
        serials.append(house.zone.serial)
    assert serials == [2**32 - 2, 2**32 - 1, 1, 2, 3]
    assert all(is_newer(new, old) for old, new in pairwise(serials))
