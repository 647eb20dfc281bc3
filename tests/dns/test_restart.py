"""A program that is started again on its store answers as if it had not stopped."""

from pathlib import Path

from tests.conftest import Start
from tests.program import Clock

SRV = "_user-service._tcp.registry.local"


async def test_all_is_answered_from_the_start_on(start: Start, tmp_path: Path) -> None:
    clock = Clock()
    settings = {"store": f"sqlite:///{tmp_path}/registry.db", "reverse_zones": "auto"}
    first = await start(clock, **settings)
    await first.register("i1", address="10.0.0.1", tags=["v1"], ttl=5)
    await first.register("i2", address=["10.0.0.2", "2001:db8::2"], ports={"http": 80})
    await first.register("gone")
    await first.remove("gone")
    questions = [
        *((SRV, "SRV"), (SRV, "PTR"), ("user-service.registry.local", "AAAA")),
        *(("v1.user-service.registry.local", "A"), ("gone.i.registry.local", "A")),
        *(("_http._tcp.user-service.registry.local", "SRV"), ("2.0.0.10.in-addr.arpa", "PTR")),
        ("_services._dns-sd._udp.registry.local", "PTR"),
    ]
    before = [await first.ask(*question) for question in questions]
    await first.stop()
    clock.advance(3600)
    again = await start(clock, **settings)
    after = [await again.ask(*question) for question in questions]
    assert [(r.rcode, sorted(r.answer)) for r in after] == [
        (r.rcode, sorted(r.answer)) for r in before
    ]
    clock.advance(5)
    assert (await again.ask("v1.user-service.registry.local", "A")).rdatas == []


async def test_a_list_is_read_on_and_the_serial_grows(start: Start, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/registry.db"
    first = await start(store=store)
    for name in ("i1", "i2", "i3"):
        await first.register(name)
    async with first.http.get("/v1/instances?limit=1") as response:
        page = await response.json()
    [before] = (await first.ask("registry.local", "SOA")).rdatas
    await first.stop()
    again = await start(store=store)
    await again.register("i4")
    url = f"/v1/instances?cursor={page['next_cursor']}"
    async with again.http.get(url) as response:
        rest = await response.json()
    assert [one["id"] for one in rest["instances"]] == ["i2", "i3", "i4"]
    assert rest["revision"] == page["revision"] + 1
    [after] = (await again.ask("registry.local", "SOA")).rdatas
    assert int(after.split()[2]) > int(before.split()[2]) + 1
    stats = await again.read_stats()
    assert stats["store"]["engine"] == "sqlite"
    assert stats["store"]["away_since"] is None


async def test_the_program_runs_on_the_file_as_in_memory(start: Start, tmp_path: Path) -> None:
    program = await start(store=f"sqlite:///{tmp_path}/registry.db")
    await program.register_all(
        [
            {"id": f"i{number}", "service": "many", "address": f"10.0.1.{number}", "port": 80}
            for number in range(200)
        ]
    )
    await program.register("i7", service="many", address="10.0.2.7")
    await program.set_status("i8", "draining")
    await program.remove("i9")
    reply = await program.ask("many.registry.local", "A", tcp=True)
    assert sorted(reply.rdatas) == sorted(
        ["10.0.2.7", *(f"10.0.1.{number}" for number in range(200) if number not in (7, 8, 9))]
    )
    async with program.http.get("/ready") as response:
        assert await response.json() == {"status": "ready"}
