"""The same server, asked by BIND's dig."""

import asyncio

import pytest

from tests.machine import require
from tests.program import PATIENCE, Program

SRV = "_user-service._tcp.registry.local"


async def _dig(program: Program, *arguments: str, host: str = "127.0.0.1") -> str:
    command = [require("dig"), f"@{host}", "-p", str(program.port), "+tries=1", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(PATIENCE):
        output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
async def test_dig_sees_three_srv_and_their_addresses(house: Program, transport: str) -> None:
    output = await _dig(house, transport, SRV, "SRV")
    assert "status: NOERROR" in output
    assert "flags: qr aa rd;" in output
    assert "ANSWER: 3, AUTHORITY: 0, ADDITIONAL: 4" in output
    assert "WARNING: recursion requested but not available" in output
    assert "Got bad packet" not in output
    assert "Warning: Message parser" not in output


async def test_dig_retries_a_truncated_answer_over_tcp(program: Program) -> None:
    for number in range(100):
        await program.register(f"i{number}", address=f"10.0.0.{number}")
    output = await _dig(program, "+short", "+noedns", "user-service.registry.local")
    addresses = [line for line in output.splitlines() if not line.startswith(";")]
    assert len(addresses) == 100
    assert (await program.read_stats())["dns"]["queries"] == {
        "udp": 1, "tcp": 1, "dot": 0, "doh": 0
    }  # fmt: skip


async def test_dig_reads_a_denial(house: Program) -> None:
    output = await _dig(house, "nobody.registry.local")
    assert "status: NXDOMAIN" in output
    assert "ANSWER: 0, AUTHORITY: 1" in output


async def test_dig_negotiates_the_edns_version(house: Program) -> None:
    output = await _dig(house, "+edns=1", "+noednsnegotiation", SRV, "SRV")
    assert "status: BADVERS" in output
    assert "status: NOERROR" in await _dig(house, "+edns=1", "+ednsnegotiation", SRV, "SRV")


async def test_dig_keeps_a_connection_open_for_more(house: Program) -> None:
    output = await _dig(house, "+tcp", "+keepopen", "+short", SRV, "SRV", SRV, "SRV")
    assert len(output.splitlines()) == 6


async def test_dig_sends_a_cookie_and_padding_and_is_answered(house: Program) -> None:
    output = await _dig(house, "+cookie", "+nsid", "+subnet=192.0.2.0/24", "+short", SRV, "SRV")
    assert len(output.splitlines()) == 3
