"""UDP: where a reply leaves from and goes to, and what a burst may do."""

import asyncio
import socket
import struct

import pytest

from dnsregistry.servers.intake import BATCH
from dnsregistry.servers.scatter import SLOTS, is_available
from dnsregistry.servers.udp import ORDERLY
from tests.conftest import Start
from tests.machine import give_up
from tests.program import Clock, Program, UdpClient
from tests.wire import Reply, make_query

NAME = "user-service.registry.local"


@pytest.fixture(params=["many a call", "one a call"], autouse=True)
def _intake(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "one a call":
        monkeypatch.setattr("dnsregistry.servers.build.is_available", lambda: False)
    elif not is_available():
        give_up("no recvmmsg here")


def _make_slow_query(number: int) -> bytes:
    """One that no table has an answer to."""
    return make_query(f"n{number}.registry.local", "ANY", id=number)


@pytest.mark.parametrize("asked", ["127.0.0.1", "127.0.0.2", "127.9.9.9"])
async def test_a_wildcard_socket_answers_from_the_address_asked(start: Start, asked: str) -> None:
    program = await start(dns_host="0.0.0.0")
    # The client's socket is connected: the system drops what comes from elsewhere.
    reply = await program.ask(NAME, host=asked, source="127.0.0.1")
    assert reply.rcode == "NXDOMAIN"


async def test_an_ipv6_wildcard_socket_answers_from_the_address_asked(
    start: Start, ipv6: str
) -> None:
    program = await start(dns_host="::")
    for tcp in (False, True):
        assert (await program.ask(NAME, host=ipv6, tcp=tcp)).rcode == "NXDOMAIN"


async def test_ipv4_and_ipv6_wildcards_share_a_port(start: Start, ipv6: str) -> None:
    program = await start(dns_host="0.0.0.0,::")
    assert (await program.ask(NAME, host="127.0.0.2")).rcode == "NXDOMAIN"
    assert (await program.ask(NAME, host=ipv6)).rcode == "NXDOMAIN"


async def test_a_query_from_source_port_0_is_dropped_and_counted(program: Program) -> None:
    """Nobody can be answered there; the system refuses the reply."""
    query = make_query(NAME)
    datagram = struct.pack("!HHHH", 0, program.port, 8 + len(query), 0) + query
    try:
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
    except PermissionError:
        give_up("raw sockets need root")
    with raw:
        raw.sendto(datagram, ("127.0.0.1", 0))
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"
    stats = (await program.read_stats())["dns"]
    assert (stats["queries"]["udp"], stats["dropped"], stats["faults"]) == (2, 1, 0)


async def test_clients_that_are_gone_cost_nothing(program: Program) -> None:
    """Their ICMP errors come back to the socket that everyone is answered from."""
    for _ in range(200):
        client = program.dns.udp()
        await client.send(make_query(NAME))
        client.socket.close()
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"


async def test_a_burst_is_answered_whole(program: Program) -> None:
    client = program.dns.udp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for number in range(200):
        await client.send(make_query(NAME, id=number))
    assert [Reply.of(await client.receive()).id for _ in range(200)] == list(range(200))


async def test_under_overload_the_newest_is_answered_first(program: Program) -> None:
    client = program.dns.udp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    count = ORDERLY + 50
    for number in range(count):
        await client.send(_make_slow_query(number))
    ids = [Reply.of(await client.receive()).id for _ in range(count)]
    assert sorted(ids) == list(range(count))
    assert ids.index(count - 1) < ids.index(count // 2)


async def test_what_waits_too_long_is_given_up_and_counted(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.servers.udp.QUEUE", 100)
    client = program.dns.udp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    assert BATCH > 200
    for number in range(200):
        await client.send(_make_slow_query(number))
    overflowed = (await program.read_stats())["dns"]["overflowed"]
    assert overflowed > 0
    ids = [Reply.of(await client.receive()).id for _ in range(200 - overflowed)]
    assert ids[-1] == 199


async def test_a_turn_of_the_loop_answers_so_many_and_no_more(program: Program) -> None:
    client = program.dns.udp()
    for number in range(200):
        await client.send(_make_slow_query(number))
    while (answered := _count_waiting(client)) == 0:  # noqa: ASYNC110 - turns are counted
        await asyncio.sleep(0)
    assert answered <= BATCH


def _count_waiting(client: UdpClient) -> int:
    """Take the replies that are there already; returns how many."""
    count = 0
    while True:
        try:
            client.socket.recv(4096)
        except BlockingIOError:
            return count
        count += 1


async def test_a_burst_lets_http_have_its_turn(program: Program) -> None:
    client = program.dns.udp()
    flooding = True

    async def flood() -> None:
        query = make_query(NAME)
        while flooding:
            for _ in range(64):
                await client.send(query)
            await asyncio.sleep(0)

    task = asyncio.create_task(flood())
    for _ in range(20):
        async with program.http.get("/health") as response:
            assert response.status == 200
    flooding = False
    await task
    assert (await program.read_stats())["dns"]["queries"]["udp"] > 64


async def test_hits_and_misses_in_one_batch_are_all_answered(program: Program) -> None:
    await program.register("a", service="user-service", address="10.0.0.1", port=80)
    client = program.dns.udp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    await program.ask(NAME)
    for number in range(SLOTS * 3):
        if number % 3 == 2:
            await client.send(b"\0" * (number % 12))
        else:
            slow = number % 3
            query = _make_slow_query(number) if slow else make_query(NAME, id=number)
            await client.send(query)
    replies = [Reply.of(await client.receive()) for _ in range(SLOTS * 2)]
    assert sorted(reply.id for reply in replies) == [n for n in range(SLOTS * 3) if n % 3 != 2]
    assert all(reply.rcode == ("NXDOMAIN" if reply.id % 3 else "NOERROR") for reply in replies)
    stats = (await program.read_stats())["dns"]
    assert (stats["queries"]["udp"], stats["silent"]) == (SLOTS * 3 + 1, SLOTS)


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1", "::", "::1"])
async def test_a_kept_answer_leaves_from_the_address_asked(
    start: Start, ipv6: str, host: str
) -> None:
    program = await start(dns_host=host)
    await program.register("a", service="user-service", address="10.0.0.1", port=80)
    asked = ipv6 if ":" in host else "127.0.0.2" if host == "0.0.0.0" else host
    for _ in range(5):
        reply = await program.ask(NAME, host=asked)
        assert reply.answer == [f"{NAME}. 5 IN A 10.0.0.1"]
    dns = (await program.read_stats())["dns"]
    assert dns["queries"]["udp"] - dns["ordinary"] == 3


async def test_a_change_reaches_questions_that_were_asked_often(program: Program) -> None:
    for number in range(1, 6):
        await program.register("a", service="user-service", address=f"10.0.0.{number}", port=80)
        for _ in range(5):
            assert (await program.ask(NAME)).answer == [f"{NAME}. 5 IN A 10.0.0.{number}"]


async def test_what_was_asked_often_ends_with_its_lease(start: Start) -> None:
    clock = Clock()
    program = await start(clock)
    await program.register("a", service="user-service", address="10.0.0.1", port=80, ttl=10)
    for _ in range(6):
        assert (await program.ask(NAME)).rcode == "NOERROR"
    clock.advance(10)
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"


async def test_after_the_stop_the_port_is_free(start: Start) -> None:
    program = await start()
    connection = await program.dns.tcp()
    await connection.exchange(make_query(NAME))
    await program.stop()
    again = await start(dns_port=program.port)
    assert (await again.ask(NAME)).rcode == "NXDOMAIN"
