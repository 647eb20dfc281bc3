"""Each instance is told to be kept, or left out and why."""

import socket

import pytest

from dnsregistry.registry.check import Health
from tests.conftest import Start
from tests.explain.conftest import SERVICE, SRV, explain, fates
from tests.health.conftest import until
from tests.program import Clock, Program


async def test_who_is_answered_is_kept(house: Program) -> None:
    told = await explain(house, SRV, "SRV")
    assert fates(told) == dict.fromkeys(("i1", "i2", "i3"), "+ answered")
    assert (told["path"], told["rcode"]) == ("live zone", "NOERROR")
    assert (told["candidates_total"], told["candidates_kept"]) == (3, 3)
    assert told["serial"] == house.app.zone.serial
    assert told["revision"] == house.app.registry.feed.revision


async def test_who_has_expired_tells_when(start: Start) -> None:
    program = await start(clock := Clock())
    await program.register("a", ttl=10)
    await program.register("b", ttl=None)
    clock.advance(13)
    assert fates(await explain(program, SERVICE)) == {"a": "expired 3 s ago", "b": "+ answered"}
    await until(lambda: program.app.registry.catalogue.find("a") is None)
    clock.advance(60)
    assert fates(await explain(program, SERVICE))["a"] in ("expired 1 min ago",)
    clock.advance(600)
    assert fates(await explain(program, SERVICE)) == {"b": "+ answered"}


async def test_who_was_removed_is_remembered_until_it_is_back(start: Start) -> None:
    program = await start(clock := Clock())
    await program.register("a")
    await program.remove("a")
    clock.advance(10)
    told = await explain(program, SERVICE)
    assert fates(told) == {"a": "removed 10 s ago"}
    assert told["rcode"] == "NXDOMAIN"
    assert told["ede"] == {"code": 0, "text": "last instance removed 10 s ago"}
    await program.register("a")
    assert fates(await explain(program, SERVICE)) == {"a": "+ answered"}


@pytest.mark.parametrize(
    ("status", "why"), [("draining", "draining"), ("maintenance", "in maintenance")]
)
async def test_a_status_is_a_reason(house: Program, status: str, why: str) -> None:
    await house.set_status("i1", status)
    assert fates(await explain(house, SRV, "SRV"))["i1"] == why


async def test_a_check_that_was_not_made_yet_is_told(
    program: Program, never: dict[str, object]
) -> None:
    await program.register("a", checks=[never])
    why = "check 1 (tcp 127.0.0.1:9) has not been made yet"
    told = await explain(program, SERVICE)
    assert fates(told) == {"a": why}
    assert told["ede"]["text"] == "no healthy instance: 1 of 1 failed checks"


async def test_a_failed_check_is_told_with_its_last_words(program: Program) -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        check = {"type": "tcp", "interval": 0.1, "timeout": 0.1}
        await program.register("a", address="127.0.0.1", port=port, checks=[check])
        patient = program.app.checking.ward.find("a")
        assert patient is not None
        await until(lambda: patient.course.courses[0].last is not None)
        why = fates(await explain(program, SERVICE))["a"]
    assert why.startswith("check 1 (tcp) failed 0 s ago: ")
    assert "refused" in why


async def test_what_a_question_wants_and_an_instance_lacks_is_told(program: Program) -> None:
    await program.register("a", tags=["v1"], ports={"http": 80})
    await program.register("b", address="fd00::1", protocol="udp")
    await program.register("c", address="api.example.org")
    labelled = fates(await explain(program, f"v1.{SERVICE}"))
    assert labelled["b"] == "has no tag and no capability v1"
    assert fates(await explain(program, SRV, "SRV"))["b"] == "speaks udp, not tcp"
    ports = fates(await explain(program, f"_http._tcp.{SERVICE}", "SRV"))
    assert ports == {"a": "+ answered", "b": "speaks udp, not tcp", "c": "has no port named http"}
    family = fates(await explain(program, SERVICE, "AAAA"))
    assert family["a"] == "has no IPv6 address"
    assert family["c"].startswith("is the host name api.example.org")
    assert set(fates(await explain(program, SERVICE, "TXT")).values()) == {
        "has no TXT record at this name"
    }


async def test_the_same_place_is_told_once(house: Program) -> None:
    await house.register("i4", address="10.0.0.2", port=8080)
    assert fates(await explain(house, SRV, "SRV"))["i4"] == "same address and port as i3"
    assert fates(await explain(house, SERVICE))["i4"] == "+ answered"


async def test_a_limit_and_a_small_datagram_are_told_apart(start: Start) -> None:
    program = await start(service_limits="few=2")
    for number in range(60):
        await program.register(f"m{number}", address=f"10.0.0.{number}")
    for number in range(3):
        await program.register(f"f{number}", service="few", address=f"10.1.0.{number}")
    few = sorted(fates(await explain(program, "few.registry.local")).values())
    assert few == ["+ answered"] * 2 + ["limit: this client gets 2 of 3 (SERVICE_LIMITS)"]
    told = await explain(program, SERVICE, bufsize="0")
    assert told["flags"]["tc"]
    kept = told["candidates_kept"]
    left_out = f"no room in 512 octets: this client gets {kept} of 60 records, and asks by TCP"
    assert sorted(fates(told).values()) == ["+ answered"] * kept + [left_out] * (60 - kept)
    assert (await explain(program, SERVICE, transport="tcp"))["candidates_kept"] == 60


async def test_who_stands_in_for_none_is_told(start: Start) -> None:
    program = await start(empty_service="all")
    await program.register("a")
    await program.set_status("a", "draining")
    why = "+ answered; for want of any better (EMPTY_SERVICE=all): draining"
    assert fates(await explain(program, SERVICE)) == {"a": why}


async def test_a_guard_that_holds_and_a_slow_start_are_told(start: Start) -> None:
    program = await start(clock := Clock(), slow_start=100.0)
    await program.register("a", weight=0, ttl=None)
    await program.register("b", address="10.0.0.2", ttl=None)
    program.app.registry.set_health("b", Health.DEGRADED, clock.now)
    told = fates(await explain(program, SRV, "SRV"))
    assert (
        told["a"]
        == "+ answered; slow start: 1 of 10 parts of its weight; weight 0: seldom stands first"
    )
    assert told["b"].startswith("+ answered; held up by the guard: unhealthy")


async def test_a_static_record_that_stands_in_the_place_of_live_ones_is_told(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    zones = tmp_path_factory.mktemp("zones")
    (zones / "registry.local.zone").write_text("$TTL 60\nuser-service IN A 192.0.2.1\n")
    program = await start(zones_dir=zones)
    await program.register("a")
    told = await explain(program, SERVICE)
    assert (told["path"], fates(told)) == (
        "static zone",
        {"a": "a record of the zone file stands in its place"},
    )


async def test_candidates_are_bounded_and_counted(program: Program) -> None:
    await program.register_all(
        [
            {"id": f"i{number}", "service": "user-service", "address": "10.0.0.1", "port": number}
            for number in range(1, 300)
        ]
    )
    for number in (7, 250):
        await program.set_status(f"i{number}", "draining")
    told = await explain(program, SRV, "SRV", transport="tcp", limit="5")
    assert (told["candidates_total"], told["candidates_kept"]) == (299, 297)
    assert [one["id"] for one in told["candidates"]][:2] == ["i7", "i250"]
    assert len(told["candidates"]) == 5


async def test_an_address_tells_its_instances(start: Start) -> None:
    program = await start(reverse_zones="10.0.0.0/24")
    await program.register("a")
    await program.register("b")
    await program.set_status("b", "maintenance")
    told = await explain(program, "1.0.0.10.in-addr.arpa", "PTR")
    assert (told["path"], fates(told)) == (
        "reverse zone",
        {"a": "+ answered", "b": "in maintenance"},
    )
