"""Many leases that end together, over real sockets: answered no more, and in nobody's way."""

import asyncio
from itertools import pairwise

from dnsregistry.health.sweep import SLICE
from tests.program import PATIENCE, Program

MANY = 3000
EACH = 10
TTL = 30


async def test_leases_that_end_together_are_swept_in_slices_and_answered_in_none(
    program: Program,
) -> None:
    await program.register("standing", service="standing")
    await program.register_all(
        [
            {
                "id": f"i{number}",
                "service": f"s{number // EACH}",
                "address": f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
                "port": 80,
                "ttl": TTL,
            }
            for number in range(MANY)
        ]
    )
    program.clock.advance(TTL - 0.001)
    for _ in range(3):  # so that finished answers are kept
        assert len((await program.ask("_s0._tcp.registry.local", "SRV")).rdatas) == EACH
        assert (await program.ask("standing.registry.local")).rdatas == ["10.0.0.1"]
        # The default ttl is as long; this one goes on.
        await program.register("standing", service="standing")
    program.clock.advance(0.001)
    catalogue, held = program.app.registry.catalogue, [MANY + 1]
    async with asyncio.timeout(PATIENCE):
        while held[-1] > 1:
            for number in (0, len(held) % (MANY // EACH)):
                reply = await program.ask(f"_s{number}._tcp.registry.local", "SRV")
                assert reply.rdatas == []
            assert (await program.ask("standing.registry.local")).rdatas == ["10.0.0.1"]
            held.append(len(catalogue))
    # Questions had their turn all the while: no look at the catalogue missed most of the sweep.
    steps = [before - after for before, after in pairwise(held) if before > after]
    assert len(steps) > 3
    assert max(steps) < MANY // 2
    assert MANY > 10 * SLICE
