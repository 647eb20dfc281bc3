"""Checks in the whole program: what people see of them, and what follows for leases and answers."""

import asyncio
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dns.edns
import pytest
from structlog.testing import capture_logs

from dnsregistry.health.outcome import Outcome
from dnsregistry.health.writer import VerdictWriter
from dnsregistry.registry.check import Health
from dnsregistry.registry.lease import Lease
from dnsregistry.storage.errors import StoreAway
from tests.conftest import Start
from tests.health.backend import Backend
from tests.health.conftest import NAME, StartBackend, Watch, until
from tests.program import Clock, Program

TCP: dict[str, object] = {
    "type": "tcp",
    "interval": 0.1,
    "timeout": 0.1,
    "failures_before_unhealthy": 2,
}
STALE = 3


async def _get(program: Program, path: str) -> Any:
    async with program.http.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


def _lease(program: Program, id: str = "i1") -> Lease:
    lease = program.app.registry.catalogue.find(id)
    assert lease is not None
    return lease


class Fleet:
    """Ten backends on addresses of their own, registered and healthy."""

    def __init__(self, program: Program, backends: list[Backend]) -> None:
        self.program = program
        self.watch = Watch(program)
        self.backends = backends
        self.hosts = [f"127.0.1.{number}" for number in range(10)]

    async def register(self) -> None:
        for number, backend in enumerate(self.backends):
            await self.program.register(
                f"i{number}",
                address=self.hosts[number],
                port=backend.port,
                ttl=None,
                checks=[TCP],
            )
        for number in range(10):
            await self.watch.wait(f"i{number}", Health.HEALTHY)
        self.watch.verdicts.clear()

    def count(self, health: Health) -> int:
        return sum(self.watch.health_of(f"i{number}") is health for number in range(10))

    async def wait_for_probes(self, count: int) -> None:
        tally = self.program.app.checking.tally
        made = tally.probes
        await until(lambda: tally.probes >= made + count)

    async def stop(self, count: int) -> None:
        await asyncio.gather(*(backend.stop() for backend in self.backends[:count]))


StartFleet = Callable[..., Any]


@pytest.fixture
def start_fleet(start: Start, start_backend: StartBackend) -> StartFleet:
    async def start_one(**settings: object) -> Fleet:
        program = await start(**settings)
        backends = [await start_backend(f"127.0.1.{number}") for number in range(10)]
        fleet = Fleet(program, backends)
        await fleet.register()
        return fleet

    return start_one


async def test_six_of_ten_that_stop_at_once_stay_for_the_limit_then_the_living_are_left(
    start_fleet: StartFleet,
) -> None:
    fleet = await start_fleet()
    with capture_logs() as lines:
        await fleet.stop(6)
        await until(lambda: fleet.count(Health.DEGRADED) == 6)
        # Several intervals of further failures change nothing.
        await fleet.wait_for_probes(50)
        assert await fleet.watch.answers() == fleet.hosts
        assert ("i0", Health.UNHEALTHY) not in fleet.watch.verdicts
        reply = await fleet.program.ask(NAME, "A", edns=1232)
        (option,) = [o for o in reply.message.options if isinstance(o, dns.edns.EDEOption)]
        assert option.code == STALE
        told = await _get(fleet.program, "/v1/services/user-service/health")
        assert (told["healthy"], told["degraded"], told["guard_trips"]) == (4, 6, 1)
        assert told["guard"]["holding"] is True
        assert told["guard"]["held"] == 6
        assert (await _get(fleet.program, "/v1/instances/i0"))["health"] == "degraded"
        listed = await _get(fleet.program, "/v1/instances?health=degraded")
        assert len(listed["instances"]) == 6
        assert (await fleet.program.read_stats())["health"]["guards_holding"] == ["user-service"]
        fleet.program.clock.advance(59.9)
        await fleet.wait_for_probes(50)
        assert await fleet.watch.answers() == fleet.hosts
        fleet.program.clock.advance(0.1)
        await until(lambda: fleet.count(Health.UNHEALTHY) == 6)
    assert await fleet.watch.answers() == fleet.hosts[6:]
    reply = await fleet.program.ask(NAME, "A", edns=1232)
    assert not reply.message.options
    guard_lines = [line for line in lines if line.get("service") == "user-service"]
    tripped, released = guard_lines
    assert 6 <= tripped["failing"] <= tripped["members"] == 10
    assert released["held"] == 6


async def test_one_of_ten_that_stops_is_gone_at_once(start_fleet: StartFleet) -> None:
    fleet = await start_fleet()
    fleet.watch.mark()
    await fleet.stop(1)
    await fleet.watch.wait("i0", Health.UNHEALTHY)
    assert fleet.watch.counted[0] == 2
    assert await fleet.watch.answers() == fleet.hosts[1:]


@pytest.mark.parametrize(
    ("empty_service", "rcode", "left"), [("nodata", "NOERROR", 0), ("all", "NOERROR", 10)]
)
async def test_without_any_healthy_instance_the_empty_service_follows_its_setting(
    start_fleet: StartFleet, empty_service: str, rcode: str, left: int
) -> None:
    fleet = await start_fleet(service_guards="user-*=off", empty_service=empty_service)
    await fleet.stop(10)
    await until(lambda: fleet.count(Health.UNHEALTHY) == 10)
    reply = await fleet.program.ask(NAME)
    assert (reply.rcode, len(reply.answer)) == (rcode, left)


async def test_the_guard_is_lifted_by_hand(start_fleet: StartFleet) -> None:
    fleet = await start_fleet()
    await fleet.stop(7)
    await until(lambda: fleet.count(Health.DEGRADED) == 7)
    async with fleet.program.http.delete("/v1/services/user-service/guard") as response:
        assert (response.status, await response.json()) == (200, {"lifted": 7})
    assert await fleet.watch.answers() == fleet.hosts[7:]
    told = await _get(fleet.program, "/v1/services/user-service/health")
    assert (told["unhealthy"], told["guard"]["holding"]) == (7, False)
    async with fleet.program.http.delete("/v1/services/nobody/guard") as response:
        assert response.status == 404


async def test_a_service_has_checks_by_default_unless_its_registration_says_otherwise(
    start: Start, backend: Backend
) -> None:
    program = await start(service_checks="user-*=http:/health,db=tcp")
    watch = Watch(program)
    await program.register("i1", address="127.0.0.1", port=backend.port)
    await program.register("i2", address="127.0.0.1", port=backend.port, checks=[])
    await program.register("i3", service="other")
    await watch.wait("i1", Health.HEALTHY)
    assert backend.asked[0].startswith(b"GET /health HTTP/1.1\r\n")
    assert (await _get(program, "/v1/instances/i1"))["checks"][0]["path"] == "/health"
    assert (await _get(program, "/v1/instances/i2"))["checks"] == []
    assert (await _get(program, "/v1/instances/i3"))["checks"] == []


async def test_a_passing_check_renews_the_lease_and_a_failing_one_does_not(
    program: Program, backend: Backend, watch: Watch
) -> None:
    await program.register("i1", address="127.0.0.1", port=backend.port, ttl=30, checks=[TCP])
    await watch.wait("i1", Health.HEALTHY)
    program.clock.advance(20)
    await until(lambda: _lease(program).deadline == program.clock() + 30)
    await backend.stop()
    await watch.wait("i1", Health.UNHEALTHY)
    program.clock.advance(30)
    await until(lambda: program.app.registry.catalogue.find("i1") is None)


async def test_an_instance_is_revoked_after_its_wait_and_its_lease_is_kept_until_then(
    program: Program, backend: Backend, watch: Watch
) -> None:
    check = {**TCP, "deregister_after": 100}
    await program.register("i1", address="127.0.0.1", port=backend.port, ttl=30, checks=[check])
    await watch.wait("i1", Health.HEALTHY)
    await backend.stop()
    await watch.wait("i1", Health.UNHEALTHY)
    for _ in range(4):
        program.clock.advance(20)
        await until(lambda: _lease(program).deadline == program.clock() + 30)
    program.clock.advance(20)
    await until(lambda: program.app.registry.catalogue.find("i1") is None)
    assert (await program.read_stats())["health"]["revoked"] == 1


async def test_who_registers_anew_is_not_revoked_for_what_it_was(
    start: Start, tmp_path: Path
) -> None:
    program = await start(store=f"sqlite:///{tmp_path / 'registry.db'}")
    check = {"type": "tcp", "address": "127.0.0.1:1", "deregister_after": 3600}
    for name in ("anew", "gone"):
        await program.register(name, address="127.0.0.1", port=1, ttl=None, checks=[check])
    app = program.app
    clock = program.clock
    writer = VerdictWriter(
        app.store,
        app.registry.catalogue,
        app.checking.ward,
        app.checking.tally,
        lambda: clock() + 7200,
    )
    for name in ("anew", "gone"):
        patient = app.checking.ward.find(name)
        assert patient is not None
        writer.settle(patient, Outcome(False, 0.0, "refused"))
    held = app.registry.find("anew", clock.now).instance
    granting = asyncio.create_task(app.store.grant(replace(held, port=2)))
    # It is on its way to the disk, and nobody else knows of it yet.
    await asyncio.sleep(0)
    ending = asyncio.create_task(writer.run())
    await granting
    await until(lambda: app.registry.catalogue.find("gone") is None)
    ending.cancel()
    assert app.registry.find("anew", clock.now).instance.port == 2


async def test_a_heartbeat_check_fails_without_heartbeats_and_probes_are_taken_for_none(
    program: Program, backend: Backend, watch: Watch
) -> None:
    beat = {"type": "heartbeat", "interval": 0.2, "timeout": 0.1, "failures_before_unhealthy": 1}
    await program.register(
        "i1", address="127.0.0.1", port=backend.port, ttl=None, checks=[TCP, beat]
    )
    await watch.wait("i1", Health.HEALTHY)
    program.clock.advance(1)
    await watch.wait("i1", Health.UNHEALTHY)
    history = (await _get(program, "/v1/instances/i1/checks"))["history"]
    assert history[-1]["reason"] == "the last heartbeat is 1.0 s old"
    async with program.http.post("/v1/instances/i1/heartbeat") as response:
        assert response.status == 200
    await watch.wait("i1", Health.HEALTHY)


async def test_draining_tells_when_the_last_answer_has_aged_out(
    start: Start, clock_at: Callable[[float], Clock]
) -> None:
    program = await start(clock_at(1_800_000_000.0), service_ttls="user-service=20")
    await program.register("i1", ttl=None)
    await program.register("i2", ttl=None, address="10.0.0.2")
    url = "/v1/instances/i1/status"
    async with program.http.put(url, json={"status": "draining"}) as response:
        told = await response.json()
    assert told["drained_at"] == "2027-01-15T08:00:20.000Z"
    assert (await program.ask(NAME)).rdatas == ["10.0.0.2"]
    assert (await program.ask("i1.i.registry.local")).rdatas == ["10.0.0.1"]
    program.clock.advance(5)
    async with program.http.put(url, json={"status": "draining"}) as response:
        assert (await response.json())["drained_at"] == told["drained_at"]
    assert (await _get(program, "/v1/instances/i1"))["drained_at"] == told["drained_at"]
    await program.set_status("i1", "healthy")
    assert "drained_at" not in await _get(program, "/v1/instances/i1")


async def test_maintenance_survives_registration_and_verdicts_until_it_is_lifted(
    program: Program, backend: Backend, watch: Watch
) -> None:
    fields: dict[str, Any] = {"address": "127.0.0.1", "port": backend.port, "ttl": None}
    await program.register("i1", **fields, checks=[TCP])
    await program.set_status("i1", "maintenance")
    await watch.wait("i1", Health.HEALTHY)
    await program.register("i1", **fields, checks=[TCP])
    assert await watch.answers() == []
    await program.set_status("i1", "healthy")
    assert await watch.answers() == ["127.0.0.1"]


async def test_weight_grows_after_an_instance_has_turned_healthy(start: Start) -> None:
    program = await start(slow_start=60)
    await program.register("i1", ttl=None)
    program.clock.advance(100)
    await program.register("i2", ttl=None, address="10.0.0.2", weight=3)

    async def read_weights() -> list[tuple[str, str]]:
        reply = await program.ask("_user-service._tcp.registry.local", "SRV")
        return sorted((line.split()[3], line.split()[1]) for line in reply.rdatas)

    i1, i2 = "i1.i.registry.local.", "i2.i.registry.local."
    assert await read_weights() == [(i1, "10"), (i2, "3")]
    program.clock.advance(5.9)
    assert await read_weights() == [(i1, "10"), (i2, "3")]
    program.clock.advance(0.1)
    assert await read_weights() == [(i1, "10"), (i2, "6")]
    program.clock.advance(30)
    assert await read_weights() == [(i1, "10"), (i2, "21")]
    program.clock.advance(24)
    assert await read_weights() == [(i1, "1"), (i2, "3")]
    await program.set_status("i2", "draining")
    await program.set_status("i2", "healthy")
    assert await read_weights() == [(i1, "10"), (i2, "3")]


async def test_a_want_of_open_files_is_nobodys_illness(
    program: Program, backend: Backend, watch: Watch
) -> None:
    pace = {"interval": 0.3, "timeout": 0.3, "failures_before_unhealthy": 3}
    targets: dict[str, dict[str, object]] = {
        "tcp": {"type": "tcp"},
        "name": {"type": "tcp", "address": f"localhost:{backend.port}"},
        "page": {"type": "http", "url": f"http://localhost:{backend.port}/"},
    }
    # Each in a service of its own, where the guard holds nobody up.
    for name, target in targets.items():
        check = {**pace, **target}
        await program.register(
            name, service=name, address="127.0.0.1", port=backend.port, ttl=None, checks=[check]
        )
    for name in targets:
        await watch.wait(name, Health.HEALTHY)
    tally = program.app.checking.tally
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with capture_logs() as lines:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
        try:
            # More in a row than make one unhealthy, of each.
            await until(lambda: tally.faults >= 5 * len(targets))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert {watch.health_of(name) for name in targets} == {Health.HEALTHY}
    told = [line["event"] for line in lines if "checks" in line["event"]]
    assert told == ["checks cannot be made, and verdicts stay"]
    await backend.stop()
    for name in targets:
        await watch.wait(name, Health.UNHEALTHY)


async def test_a_store_that_is_away_keeps_no_verdict_from_being_told_later(
    program: Program, backend: Backend, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await program.register("i1", address="127.0.0.1", port=backend.port, ttl=None, checks=[TCP])
    await watch.wait("i1", Health.HEALTHY)
    tries = 0

    async def refuse(instance_id: str, health: Health) -> Lease:
        nonlocal tries
        tries += 1
        raise StoreAway("it was taken away")

    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr(program.app.store, "set_health", refuse)
        await backend.stop()
        await until(lambda: tries >= 2)
        assert watch.health_of("i1") is Health.HEALTHY
    await watch.wait("i1", Health.UNHEALTHY)
    assert [line["event"] for line in lines] == ["verdicts wait for the store"]


async def test_checks_go_to_the_node_that_owns_them_and_come_back_when_it_dies(
    program: Program, backend: Backend, watch: Watch
) -> None:
    for number in range(40):
        await program.register(
            f"i{number}",
            address="127.0.0.1",
            port=backend.port,
            ttl=None,
            checks=[{**TCP, "interval": 0.3}],
        )
    for number in range(40):
        await watch.wait(f"i{number}", Health.HEALTHY)
    prober, ward = program.app.checking.prober, program.app.checking.ward
    await prober.replace_nodes(["other"])
    followed = len(ward)
    assert 8 <= followed <= 32
    await backend.stop()
    await until(
        lambda: sum(watch.health_of(f"i{n}") is not Health.HEALTHY for n in range(40)) == followed
    )
    other = next(n for n in range(40) if watch.health_of(f"i{n}") is Health.HEALTHY)
    told = await _get(program, f"/v1/instances/i{other}/checks")
    assert (told["followed_here"], told["history"]) == (False, [])
    await prober.replace_nodes([])
    assert len(ward) == 40
    await until(lambda: all(watch.health_of(f"i{n}") is not Health.HEALTHY for n in range(40)))


async def test_what_is_gone_is_no_longer_asked(
    program: Program, backend: Backend, start_backend: StartBackend, watch: Watch
) -> None:
    other = await start_backend()
    for key, port in (("gone", backend.port), ("stays", other.port)):
        check = {**TCP, "type": "http", "path": "/"}
        await program.register(key, address="127.0.0.1", port=port, ttl=None, checks=[check])
        await watch.wait(key, Health.HEALTHY)
    await program.remove("gone")
    asked, beside = len(backend.asked), len(other.asked)
    await until(lambda: len(other.asked) >= beside + 5)
    # One may have been under way.
    assert len(backend.asked) <= asked + 1
    assert len(program.app.checking.ward) == 1


@pytest.fixture
def clock_at() -> Callable[[float], Clock]:
    return Clock


async def test_a_verdict_outlives_a_restart(start: Start, backend: Backend, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/registry.db"
    program = await start(store=store)
    watch = Watch(program)
    fields: dict[str, Any] = {"address": "127.0.0.1", "port": backend.port, "ttl": None}
    check = {**TCP, "interval": 60, "timeout": 1}
    await program.register("i1", **fields, checks=[check])
    await watch.wait("i1", Health.HEALTHY)
    await program.stop()
    again = await start(store=store)
    assert (await again.ask(NAME)).rdatas == ["127.0.0.1"]
    assert again.app.checking.tally.probes == 0
    assert len(again.app.checking.ward) == 1
    told = await _get(again, "/v1/instances/i1")
    assert (told["health"], told["checks"][0]["interval"]) == ("healthy", 60)
