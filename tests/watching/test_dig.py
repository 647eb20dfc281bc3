"""What is told over HTTP is true in DNS: asked by BIND's dig, main process and workers."""

import asyncio

import pytest

from tests.conftest import Start
from tests.machine import require
from tests.program import PATIENCE, Program
from tests.watching.sse import watching

ROUNDS = 25


async def _dig(program: Program, *arguments: str) -> list[str]:
    command = [require("dig"), "@127.0.0.1", "-p", str(program.port), "+tries=1", "+short"]
    process = await asyncio.create_subprocess_exec(
        *command, *arguments, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode().splitlines()


@pytest.mark.parametrize("workers", [0, 2])
async def test_an_event_is_answered_and_the_serial_proves_it(start: Start, workers: int) -> None:
    program = await start(workers=workers)
    await program.register("a", port=1)
    async with watching(program.http) as stream:
        for port in range(2, ROUNDS + 2):
            # The writer is not waited for: the event alone is what tells.
            change = asyncio.create_task(program.register("a", port=port))
            event = await stream.next()
            srv, soa = await asyncio.gather(
                _dig(program, "_user-service._tcp.registry.local", "SRV"),
                _dig(program, "registry.local", "SOA"),
            )
            assert srv == [f"0 1 {port} a.i.registry.local."]
            stats = await program.read_stats()
            assert stats["registry"]["revision"] == event.revision
            assert int(soa[0].split()[2]) == stats["zone"]["serial"]
            await change
        await program.remove("a")
        assert (await stream.next()).told == ("removed", "a")
        assert await _dig(program, "_user-service._tcp.registry.local", "SRV") == []
