"""What time and status do to an answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Status
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.policy import EmptyService
from dnsregistry.zone.records import Span

if TYPE_CHECKING:
    from tests.zone.conftest import House

NAMES = [
    ("user-service", "A"),
    ("user-service", "SRV"),
    ("_user-service._tcp", "SRV"),
    ("v1.user-service", "A"),
    ("greet.cap", "A"),
    ("_greet._tcp.cap", "SRV"),
    ("_http._tcp.user-service", "SRV"),
]
FULL = {"tags": ["v1"], "capabilities": ["greet"], "ports": {"http": 80}}


@pytest.mark.parametrize(("name", "rtype"), [*NAMES, ("a.i", "A"), ("_tcp.user-service", "A")])
def test_a_lease_past_its_deadline_is_not_answered(house: House, name: str, rtype: str) -> None:
    house.add("a", ttl=2, **FULL)
    there = house.says(name, rtype)
    assert there != "NoName"
    house.now += 1.999
    assert house.says(name, rtype) == there
    house.now += 0.001
    assert house.says(name, rtype) == "NoName"


def test_only_the_lease_that_ended_is_gone(house: House) -> None:
    house.add("a", ttl=2)
    house.add("b", address="10.0.0.2", ttl=3)
    house.now += 2
    assert house.data("user-service", "A") == ["10.0.0.2"]
    assert house.data("user-service", "SRV") == ["0 1 8080 b.i.registry.local."]


def test_a_renewed_lease_is_answered_past_its_first_deadline(house: House) -> None:
    house.add("a", ttl=2)
    assert house.data("user-service", "A") == ["10.0.0.1"]
    house.now += 1.5
    house.registry.renew("a", house.now)
    house.now += 1.9
    assert house.data("user-service", "A") == ["10.0.0.1"]
    house.now += 0.1
    assert house.says("user-service", "A") == "NoName"


@pytest.mark.parametrize(
    ("elapsed", "ttl"), [(0, 5), (25, 5), (25.1, 4), (26, 4), (28.5, 1), (29, 1), (29.99, 1)]
)
def test_the_ttl_never_exceeds_the_lease_that_remains(
    house: House, elapsed: float, ttl: int
) -> None:
    house.add("a", ttl=30)
    house.add("b", address="10.0.0.2", ttl=None)
    assert house.found("user-service", "A").ttl == 5
    house.now += elapsed
    for name, rtype in (("user-service", "A"), ("user-service", "SRV"), ("a.i", "A")):
        assert house.found(name, rtype).ttl == ttl
    assert all(f" {ttl} IN A " in line for line in house.additional("user-service"))
    assert house.found("b.i", "A").ttl == 5


@settings(deadline=None)
@given(
    ttls=st.lists(st.none() | st.floats(1, 40), min_size=1, max_size=4),
    longest=st.integers(1, 20),
    elapsed=st.floats(0, 40),
    later=st.floats(0, 60),
)
def test_a_ttl_holds_until_its_span_ends(
    ttls: list[float | None], longest: int, elapsed: float, later: float
) -> None:
    leases = [
        Lease(admit(id="a", service="s", address="10.0.0.1", port=1, ttl=ttl), 1, 1, 0.0)
        for ttl in ttls
    ]
    shown = [lease for lease in leases if lease.is_live(elapsed)]
    assume(shown)
    span = Span.of(shown, lambda _: longest, elapsed)
    remains = min(lease.deadline for lease in shown) - elapsed
    assert 1 <= span.ttl <= max(1, remains)
    assert span.ttl <= longest
    moment = elapsed + later
    if moment < span.until:
        assert all(lease.is_live(moment) for lease in shown)
        assert Span.of(shown, lambda _: longest, moment).ttl == span.ttl


@pytest.mark.parametrize(("name", "rtype"), NAMES)
@pytest.mark.parametrize("status", [Status.DRAINING, Status.MAINTENANCE])
def test_an_instance_out_of_service_leaves_its_services_answers(
    house: House, name: str, rtype: str, status: Status
) -> None:
    house.add("a", **FULL)
    house.add("b", address="10.0.0.2", **FULL)
    assert len(house.data(name, rtype)) == 2
    house.registry.set_status("a", status, house.now)
    assert len(house.data(name, rtype)) == 1
    assert not any("10.0.0.1" in line or " a.i." in line for line in house.lines(name, rtype))
    house.registry.set_status("a", Status.HEALTHY, house.now)
    assert len(house.data(name, rtype)) == 2


def test_a_draining_instance_keeps_its_own_host_name(house: House) -> None:
    house.add("a", status=Status.DRAINING)
    assert house.data("a.i", "A") == ["10.0.0.1"]


def test_an_instance_in_maintenance_keeps_no_data(house: House) -> None:
    house.add("a", ttl=2, status=Status.MAINTENANCE)
    assert house.says("a.i", "A") == "NoData"
    house.now += 2
    assert house.says("a.i", "A") == "NoName"


@pytest.mark.parametrize("status", [Status.DRAINING, Status.MAINTENANCE])
@pytest.mark.parametrize(("name", "rtype"), [*NAMES, ("_tcp.user-service", "A")])
@pytest.mark.parametrize(
    ("empty_service", "said"),
    [(EmptyService.NODATA, "NoData"), (EmptyService.NXDOMAIN, "NoName")],
)
def test_a_service_out_of_service_is_denied_as_its_owner_decides(
    build: Callable[..., House],
    status: Status,
    name: str,
    rtype: str,
    empty_service: EmptyService,
    said: str,
) -> None:
    house = build(empty_service=empty_service)
    house.add("a", ttl=3, status=status, **FULL)
    house.add("b", address="10.0.0.2", ttl=4, status=status, **FULL)
    assert house.says(name, rtype) == said
    house.now += 3
    assert house.says(name, rtype) == said
    house.now += 1
    assert house.says(name, rtype) == "NoName"


@pytest.mark.parametrize(("name", "rtype"), NAMES)
def test_a_draining_service_may_answer_what_is_left(
    build: Callable[..., House], name: str, rtype: str
) -> None:
    house = build(empty_service=EmptyService.ALL)
    house.add("a", status=Status.DRAINING, **FULL)
    house.add("b", address="10.0.0.2", status=Status.MAINTENANCE, **FULL)
    assert len(house.data(name, rtype)) == 1
    house.add("c", address="10.0.0.3", **FULL)
    assert house.data(name, rtype)[0] in {
        "10.0.0.3",
        "0 1 8080 c.i.registry.local.",
        "0 1 80 c.i.registry.local.",
    }
    house.registry.revoke("c", house.now)
    house.registry.set_status("a", Status.MAINTENANCE, house.now)
    assert house.says(name, rtype) == "NoData"


def test_the_last_to_go_takes_the_name_along(house: House) -> None:
    house.add("a")
    house.add("b", address="10.0.0.2")
    house.registry.revoke("a", house.now)
    assert house.data("user-service", "A") == ["10.0.0.2"]
    house.registry.revoke("b", house.now)
    assert house.says("user-service", "A") == "NoName"


def test_an_instance_that_moves_leaves_its_former_names(house: House) -> None:
    house.add("a", **FULL)
    assert house.says("user-service", "A") == "Found"
    house.add("a", service="task-service", address="10.0.0.9")
    for name, rtype in NAMES:
        assert house.says(name, rtype) == "NoName"
    assert house.data("task-service", "A") == ["10.0.0.9"]
    assert house.data("a.i", "A") == ["10.0.0.9"]
