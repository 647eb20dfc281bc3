"""Noise: whatever octets come, no exception passes the guard and the next query is answered."""

import asyncio
import random
from collections.abc import Iterator

import pytest

from tests.program import Program, TcpClient, UdpClient
from tests.wire import Reply, make_query

EXAMPLES = 20_000
BATCH = 40
"""Messages sent before their replies are read: what a socket's buffer holds."""
TIME_LIMIT = 60.0
"""Seconds for all examples; a machine of today needs a tenth of it."""
OPCODE = 0x78
"""The opcode's bits in a header's third octet. The oracle reads UPDATE by rules of its own."""
NAME = "user-service.registry.local"

_SEEDS = [
    make_query(NAME),
    make_query(NAME, "AAAA", edns=1232),
    make_query("_user-service._tcp.registry.local", "SRV", edns=4096, dnssec_ok=True),
    make_query("registry.local", "SOA", rd=False),
    make_query("nobody.registry.local", "ANY"),
    make_query("version.bind", "TXT", rclass="CH"),
    make_query("example.com", "TYPE65280", edns=512),
]


def _mutate(chance: random.Random, message: bytes) -> bytes:
    """The message with a few faults."""
    octets = bytearray(message)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(octets) + 1)
        match chance.randrange(6):
            case 0 if place < len(octets):
                octets[place] = chance.randrange(256)
            case 1 if place < len(octets):
                octets[place] ^= 1 << chance.randrange(8)
            case 2:
                del octets[place : place + chance.randint(1, 8)]
            case 3:
                octets[place:place] = chance.randbytes(chance.randint(1, 40))
            case 4:
                octets[place:place] = octets[: chance.randint(1, 40)]
            case _:
                octets[4:12] = bytes(chance.choice((0, 0, 1, 2, 255)) for _ in range(8))
    return bytes(octets[:4000])


def _make_noise(chance: random.Random) -> Iterator[list[bytes]]:
    """Batches: messages of pure chance, and queries with faults."""
    for _ in range(EXAMPLES // BATCH):
        yield [
            chance.randbytes(chance.randint(0, 600))
            if chance.random() < 0.3
            else _mutate(chance, chance.choice(_SEEDS))
            for _ in range(BATCH)
        ]


async def _send_all(client: UdpClient | TcpClient, chance: random.Random) -> None:
    """Send the noise, and after each batch a query whose answer must come."""
    # No table has its answer, so that it waits in line behind the others.
    last = make_query("the-end-of-a-batch.registry.local", "ANY", id=0)
    end = last[12:]
    for batch in _make_noise(chance):
        if isinstance(client, TcpClient):
            await client.send(*batch, last)
        else:
            for message in (*batch, last):
                await client.send(message)
        ids = {message[:2] for message in batch}
        while not (wire := await client.receive())[12:].startswith(end):
            assert wire[:2] in ids
            if not wire[2] & OPCODE:
                Reply.of(wire)


@pytest.mark.parametrize("tcp", [False, True])
async def test_no_octets_raise_past_the_guard(house: Program, tcp: bool) -> None:
    seed = random.SystemRandom().getrandbits(64)
    client = await house.dns.tcp() if tcp else house.dns.udp()
    try:
        async with asyncio.timeout(TIME_LIMIT):
            await _send_all(client, random.Random(seed))
    except Exception as error:
        error.add_note(f"the seed was {seed}")
        raise
    stats = (await house.read_stats())["dns"]
    assert stats["faults"] == 0, f"the seed was {seed}"
    assert stats["queries"]["tcp" if tcp else "udp"] == EXAMPLES // BATCH * (BATCH + 1)
    assert len((await house.ask(NAME, tcp=tcp)).answer) == 2


async def test_a_stream_of_noise_costs_only_its_own_connection(house: Program) -> None:
    chance = random.Random(1)
    for _ in range(50):
        client = await house.dns.tcp()
        try:
            await client.send_octets(chance.randbytes(chance.randint(1, 5000)))
            client.socket.shutdown(1)
        except OSError:
            pass
        await client.wait_closed()
        client.socket.close()
    assert (await house.read_stats())["dns"]["faults"] == 0
    assert len((await house.ask(NAME, tcp=True)).answer) == 2
