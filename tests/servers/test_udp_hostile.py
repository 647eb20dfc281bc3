"""UDP: what comes between good questions harms none, and no reply holds another's octets."""

import asyncio
import random
import socket
import struct

import pytest

from dnsregistry.answers.access import Client
from dnsregistry.servers.scatter import MESSAGE_OCTETS, SLOTS, is_available
from tests.conftest import Start
from tests.machine import give_up
from tests.program import PATIENCE, Program
from tests.wire import Reply, make_query

SERVICES = 12
ODD = (
    b"",
    b"\0",
    b"\0\1",
    b"\0" * 11,
    b"\0" * 12,
    b"\0\1\1\0\0\1\0\0\0\0\0\0",
    b"\0\1\1\0\0\1\0\0\0\0\0\0\7s",
    b"\0\1\1\0\0\1\0\0\0\0\0\0\x3f" + b"x" * 3000,
    b"\xff" * MESSAGE_OCTETS,
    b"\0\1\1\0\0\1\0\0\0\0\0\0" + b"\1x" * 30_000,
)


@pytest.fixture(autouse=True)
def _many_a_call() -> None:
    if not is_available():
        give_up("no recvmmsg here")


@pytest.fixture
async def services(start: Start) -> Program:
    """Services of which each has its own number of instances, so that no two replies are alike."""
    program = await start()
    await program.register_all(
        [
            {"id": f"i{n}-{k}", "service": f"s{n}", "address": f"10.1.{n}.{k}", "port": 80}
            for n in range(SERVICES)
            for k in range(n + 1)
        ]
    )
    return program


def _query(service: int, number: int) -> bytes:
    name = f"s{service}.registry.local"
    return make_query(name.swapcase() if number % 3 == 0 else name, "A", id=number)


def _check(reply: bytes, numbers: dict[int, int]) -> None:
    """Each reply is to its own question, whole, and of its own service."""
    read = Reply.of(reply)
    number = numbers.pop(int.from_bytes(reply[:2]))
    name = f"s{number}.registry.local."
    addresses = sorted(line.lower() for line in read.answer)
    expected = sorted(f"{name} 5 in a 10.1.{number}.{k}" for k in range(number + 1))
    assert addresses == expected


async def _receive(sock: socket.socket) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await asyncio.get_running_loop().sock_recv(sock, 65535)


@pytest.mark.parametrize("octets", [1 << 28, 4000])
async def test_each_good_question_among_odd_ones_has_its_own_answer(
    services: Program, monkeypatch: pytest.MonkeyPatch, octets: int
) -> None:
    # With a small table answers end all the time, also those that the short way still knows.
    monkeypatch.setattr("dnsregistry.answers.table.MOST_OCTETS", octets)
    monkeypatch.setattr("dnsregistry.servers.batch.MOST_QUESTIONS", 5)
    chance = random.Random(1)
    good, odd = services.dns.udp().socket, services.dns.udp().socket
    for turn in range(40):
        numbers: dict[int, int] = {}
        for number in range(SLOTS - 4):
            if chance.random() < 0.2:
                odd.send(chance.choice(ODD))
            numbers[number] = chance.randrange(SERVICES)
            good.send(_query(numbers[number], number))
        if turn % 5 == 0:
            await services.register("other", address=f"10.2.0.{turn}", port=80)
        while numbers:
            _check(await _receive(good), numbers)
    assert services.app._responder.tally.ordinary > 0


async def test_every_reply_to_an_odd_datagram_is_what_the_ordinary_path_says(
    services: Program,
) -> None:
    odd = services.dns.udp()
    responder = services.app._responder
    for datagram in ODD:
        message = datagram[:MESSAGE_OCTETS]
        expected = responder.respond(message, Client("127.0.0.1", tcp=False))
        odd.socket.send(datagram)
        if expected is not None:
            assert await odd.receive() == expected
    assert (await services.ask("s1.registry.local", "A")).rcode == "NOERROR"


async def test_a_kept_reply_that_cannot_be_sent_costs_no_other(services: Program) -> None:
    client = services.dns.udp()
    for number in range(4):
        await client.exchange(_query(3, number))
    query = make_query("s3.registry.local", "A", id=1)
    # From source port 0, where the system refuses to send to.
    datagram = struct.pack("!HHHH", 0, services.port, 8 + len(query), 0) + query
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        give_up("a raw socket takes root")
    dropped = (await services.read_stats())["dns"]["dropped"]
    with raw:
        numbers = {}
        for number in range(10):
            if number in (0, 4, 5):
                raw.sendto(datagram, ("127.0.0.1", 0))
            numbers[number] = 3
            client.socket.send(_query(3, number))
        raw.sendto(datagram, ("127.0.0.1", 0))
    while numbers:
        _check(await client.receive(), numbers)
    assert (await services.read_stats())["dns"]["dropped"] == dropped + 4
