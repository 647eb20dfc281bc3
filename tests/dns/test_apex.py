"""The apex: SOA, NS and the name server's own addresses; and the serial."""

import pytest

from tests.conftest import Start
from tests.program import Clock, Program

ORIGIN = "registry.local"
SOA = (
    "registry.local. 1 IN SOA ns1.registry.local. hostmaster.registry.local."
    " 3030196224 60 15 86400 1"
)


async def _read_serial(program: Program) -> int:
    [soa] = (await program.ask(ORIGIN, "SOA")).answer
    return int(soa.split()[6])


async def test_the_soa_of_the_apex_is_in_the_answer(program: Program) -> None:
    reply = await program.ask(ORIGIN, "SOA")
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
    assert (reply.answer, reply.authority) == ([SOA], [])


async def test_the_ns_of_the_apex_is_in_the_answer(program: Program) -> None:
    reply = await program.ask(ORIGIN, "NS")
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
    assert (reply.answer, reply.authority) == (
        ["registry.local. 5 IN NS ns1.registry.local."],
        [],
    )


@pytest.mark.parametrize("rtype", ["SOA", "NS"])
@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        ("user-service.registry.local", "NOERROR"),
        ("_tcp.registry.local", "NOERROR"),
        ("ns1.registry.local", "NOERROR"),
        ("nobody.registry.local", "NXDOMAIN"),
    ],
)
async def test_below_the_apex_there_is_neither(
    house: Program, name: str, rcode: str, rtype: str
) -> None:
    reply = await house.ask(name, rtype)
    assert (reply.rcode, reply.answer) == (rcode, [])
    [soa] = reply.authority
    assert soa.startswith("registry.local. 1 IN SOA ")


async def test_ns_and_mname_resolve_inside_the_zone(start: Start, ipv6: str) -> None:
    """A parent that delegates to us needs glue, and a resolver asks us for the same."""
    program = await start(dns_host=f"127.0.0.1,{ipv6}")
    [ns] = (await program.ask(ORIGIN, "NS")).rdatas
    mname = (await program.ask(ORIGIN, "SOA")).rdatas[0].split()[0]
    assert ns == mname
    assert (await program.ask(ns)).answer == ["ns1.registry.local. 5 IN A 127.0.0.1"]
    assert (await program.ask(ns, "AAAA")).answer == ["ns1.registry.local. 5 IN AAAA ::1"]


async def test_the_apex_has_no_address(program: Program) -> None:
    reply = await program.ask(ORIGIN)
    assert (reply.rcode, reply.answer, reply.authority) == ("NOERROR", [], [SOA])


async def test_the_serial_grows_with_every_visible_change(program: Program) -> None:
    serials = [await _read_serial(program)]

    async def note() -> None:
        serials.append(await _read_serial(program))

    await program.register("i")
    await note()
    await program.register("i", port=8081)
    await note()
    await program.set_status("i", "draining")
    await note()
    await program.register("i", tags=["v1"])
    await note()
    await program.remove("i")
    await note()
    assert serials == [serials[0] + step for step in range(6)]


async def test_the_serial_stands_where_nothing_visible_changes(program: Program) -> None:
    await program.register("i", metadata={"zone": "a"})
    serial = await _read_serial(program)
    await program.register("i", metadata={"zone": "a"})
    await program.register("i", metadata={"zone": "a"}, ttl=60)
    async with program.http.post("/v1/instances/i/heartbeat") as response:
        assert response.status == 200
    async with program.http.put("/v1/instances/i", json={"service": "no good"}) as response:
        assert response.status == 422
    await program.ask("nobody.registry.local")
    assert await _read_serial(program) == serial


async def test_the_serial_of_a_later_run_is_newer(start: Start) -> None:
    first = await start()
    for number in range(10):
        await first.register(f"i{number}")
    serial = await _read_serial(first)
    second = await start(Clock(first.clock.now + 60))
    assert await _read_serial(second) > serial
