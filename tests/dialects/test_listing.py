"""Lists of everything: nothing is left out or told twice, and the event loop turns meanwhile."""

import asyncio

from tests.conftest import Start
from tests.dialects.spoken import Spoken

SERVICES, INSTANCES = 300, 10


async def test_a_long_list_is_whole_whatever_comes_and_goes_meanwhile(start: Start) -> None:
    program = await start(dialects="ip-port:0,base-url:0,modularity:0")
    await program.register_all(
        [
            {"id": f"i-{s}-{i}", "service": f"s{s}", "address": "10.0.0.1", "port": i + 1}
            for s in range(SERVICES)
            for i in range(INSTANCES)
        ]
    )

    async def disturb() -> None:
        for number in range(50):
            await program.register(f"x{number}", service=f"a{number}", port=9000)
            await program.remove(f"x{number}")

    lists = {"ip-port": "/services", "base-url": "/services", "modularity": "/api/services"}
    spoken = {name: Spoken(program, program.dialects[name]) for name in lists}
    disturbance = asyncio.create_task(disturb())
    answers = await asyncio.gather(*(spoken[name].ask("GET", path) for name, path in lists.items()))
    await disturbance
    for each in spoken.values():
        await each.close()
    (_, ip_port), (_, base_url), (_, modularity) = answers
    assert ip_port["totalServices"] == len(ip_port["services"]) >= SERVICES
    assert base_url["count"] == len(base_url["services"]) >= SERVICES
    for listed in (
        ip_port["services"][f"s{SERVICES - 1}"]["instances"],
        base_url["services"]["s0"],
    ):
        assert len(listed) == INSTANCES
    ids = [item["id"] for item in modularity["services"]]
    assert len(set(ids)) == len(ids) >= SERVICES * INSTANCES
