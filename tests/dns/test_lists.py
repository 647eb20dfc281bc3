"""Long lists beside DNS."""

import asyncio

import pytest

from dnsregistry import turns
from dnsregistry.api.wanted import Wanted
from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance
from tests.program import PATIENCE, Program

MANY = 10_000


@pytest.mark.parametrize("query", ["meta.nothing=1", "meta.nothing=1&sort=service"])
async def test_names_are_answered_while_a_list_looks_for_what_is_not_there(
    program: Program, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    await program.register("i1", service="asked")
    for number in range(MANY):
        instance = admit(
            id=f"n{number}", service=f"s{number % 50}", address="10.0.0.1", port=80, ttl=60
        )
        program.app.registry.grant(instance, program.clock())
    # A slice is over with each step, so that only the number of steps counts and no clock.
    monkeypatch.setattr(turns, "SLICE", -1.0)
    begun, takes = asyncio.Event(), Wanted.takes

    def take(wanted: Wanted, instance: Instance) -> bool:
        begun.set()
        return takes(wanted, instance)

    monkeypatch.setattr(Wanted, "takes", take)

    async def read() -> object:
        async with program.http.get(f"/v1/instances?{query}") as response:
            return await response.json()

    async with asyncio.timeout(PATIENCE):
        reading = asyncio.create_task(read())
        await begun.wait()
        reply = await program.ask("asked.registry.local", "A")
        assert reply.rdatas == ["10.0.0.1"]
        assert not reading.done()
        page = await reading
    assert isinstance(page, dict)
    assert page["instances"] == []
