"""Who has gone is found by each name that it had, and looked for at a glance."""

from collections.abc import Iterator

import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.departures import Departures
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.zone import live
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import Owner, owners_of
from dnsregistry.zone.policy import EmptyService, LivePolicy

NOW = 1_800_000_000.0
MANY = 50


def _make_zone() -> tuple[LiveZone, list[Instance]]:
    registry, departures = Registry(), Departures()
    policy = LivePolicy(Name.from_text("registry.local"), 5, 1, EmptyService.NODATA, ())
    zone = LiveZone(registry.catalogue, policy, 1, departures=departures)

    def note(change: Change) -> None:
        departures.note(change, NOW)

    registry.feed.subscribe(note)
    gone = [
        admit(
            id=f"Web-{number}",
            service=f"s{number % 2}",
            address="10.0.0.1",
            port=80,
            tags=[f"V{number}", "All"],
            capabilities=[f"Greet{number}"],
            ports={f"p{number}": 81},
        )
        for number in range(MANY)
    ]
    for instance in gone:
        registry.grant(instance, NOW)
    for instance in gone:
        registry.revoke(instance.id, NOW)
    return zone, gone


def test_who_has_gone_is_found_by_each_of_its_names() -> None:
    zone, gone = _make_zone()
    for owner in owners_of(gone[7]):
        name = zone.origin.prepend(*owner.labels())
        having = [instance for instance in gone if owner in owners_of(instance)]
        assert [x.instance for x in zone.find_departed(name, NOW)] == having, owner


@pytest.mark.parametrize(
    "label", ["none", "none.s0", "none.cap", "none.i", "_none._tcp.s0", "none._s0._tcp", "_x._tcp"]
)
def test_for_a_name_that_nobody_had_no_names_are_made(
    label: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone, _ = _make_zone()

    def make(instance: Instance) -> Iterator[Owner]:
        raise AssertionError(f"the names of {instance.id} are made")

    monkeypatch.setattr(live, "owners_of", make)
    name = Name.from_text(f"{label}.{zone.origin}")
    assert list(zone.find_departed(name, NOW)) == []
