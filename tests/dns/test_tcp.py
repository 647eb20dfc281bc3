"""DNS over TCP (RFC 7766): framing, many queries on a connection, and its limits."""

import asyncio
import statistics

import pytest

from tests.conftest import Start
from tests.program import PATIENCE, Program, TcpClient
from tests.wire import Reply, make_query, with_length

NAME = "user-service.registry.local"
IDLE = 0.3
"""Seconds; short, since the tests wait for them to pass."""


async def _is_served(client: TcpClient) -> bool:
    """Whether a query on the connection is answered; False where it was closed."""
    try:
        return len(await client.exchange(make_query(NAME))) > 0
    except (EOFError, ConnectionError):
        return False


async def test_a_query_may_come_an_octet_at_a_time(house: Program) -> None:
    client = await house.dns.tcp()
    octets = with_length(make_query(NAME, id=77))
    for place in range(len(octets)):
        await client.send_octets(octets[place : place + 1])
        # The server reads what is there before more of it comes.
        await asyncio.sleep(0)
    assert Reply.of(await client.receive()).id == 77


async def test_octets_may_be_cut_anywhere(house: Program) -> None:
    client = await house.dns.tcp()
    octets = b"".join(with_length(make_query(NAME, id=number)) for number in range(30))
    for start in range(0, len(octets), 37):
        await client.send_octets(octets[start : start + 37])
        await asyncio.sleep(0)
    assert [Reply.of(await client.receive()).id for _ in range(30)] == list(range(30))


async def test_many_queries_may_be_sent_before_a_reply_is_read(house: Program) -> None:
    """RFC 7766, 6.2.1.1: clients "SHOULD pipeline their queries"; replies are told by id."""
    client = await house.dns.tcp()
    names = {number: f"n{number}.registry.local" for number in range(500)}
    await client.send(*(make_query(name, id=number) for number, name in names.items()))
    replies = [Reply.of(await client.receive()) for _ in names]
    assert {reply.id: reply.question for reply in replies} == {
        number: [f"{name}. IN A"] for number, name in names.items()
    }


async def test_a_connection_with_many_queries_does_not_hold_up_another(house: Program) -> None:
    busy, other = await house.dns.tcp(), await house.dns.tcp()
    await busy.send(*(make_query(NAME, id=number) for number in range(1000)))
    await other.exchange(make_query(NAME))
    # By then the busy one has had some turns and not all of them.
    assert (await house.read_stats())["dns"]["queries"]["tcp"] < 1001
    assert len([await busy.receive() for _ in range(1000)]) == 1000


async def test_no_reply_waits_for_the_acknowledgement_of_another(house: Program) -> None:
    """Nagle's algorithm and a client's delayed acknowledgement make 40 ms a round together."""
    client = await house.dns.tcp()
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(60):
        began = loop.time()
        await client.send(*(make_query(NAME, id=number) for number in range(5)))
        for _ in range(5):
            await client.receive()
        took.append(loop.time() - began)
    # Clients acknowledge at once in the beginning. The slower rounds are the machine's; were it
    # waited for, nearly all would take that long.
    assert statistics.quantiles(took[20:], n=4)[0] < 0.03


async def test_a_half_closed_connection_gets_all_of_its_replies(house: Program) -> None:
    client = await house.dns.tcp()
    await client.send(*(make_query(NAME, id=number) for number in range(100)))
    client.socket.shutdown(1)
    assert [Reply.of(await client.receive()).id for _ in range(100)] == list(range(100))
    assert await client.wait_closed() == b""


async def test_a_malformed_query_costs_the_connection_nothing(house: Program) -> None:
    client = await house.dns.tcp()
    await client.send(make_query(NAME)[:-1], b"", b"short", make_query(NAME, id=9))
    assert Reply.of(await client.receive()).rcode == "FORMERR"
    assert Reply.of(await client.receive()).id == 9


async def test_an_idle_connection_is_closed_at_the_limit(start: Start) -> None:
    program = await start(tcp_idle=IDLE)
    client = await program.dns.tcp()
    assert await _is_served(client)
    began = asyncio.get_running_loop().time()
    assert await client.wait_closed() == b""
    # The timer runs from the query, a moment before its reply is here.
    assert asyncio.get_running_loop().time() - began > IDLE / 2


@pytest.mark.parametrize("octets", [0, 1, 2, 20])
async def test_a_half_sent_query_is_closed_at_the_limit(start: Start, octets: int) -> None:
    program = await start(tcp_idle=IDLE)
    client = await program.dns.tcp()
    await client.send_octets(with_length(make_query(NAME))[:octets])
    assert await client.wait_closed() == b""


async def test_dripping_octets_hold_no_connection_open(start: Start) -> None:
    """RFC 7766, 6.2.3 lets a server close at once; a trickle must not be a way around it."""
    program = await start(tcp_idle=IDLE)
    client = await program.dns.tcp()
    closed = asyncio.create_task(client.wait_closed())
    await client.send_octets(b"\xff\xff")
    try:
        while not closed.done():
            await client.send_octets(b"\0")
            await asyncio.wait([closed], timeout=IDLE / 20)
    except ConnectionError:
        pass
    assert await closed == b""


async def test_a_connection_in_use_stays_open_past_the_limit(start: Start) -> None:
    program = await start(tcp_idle=1)
    loop = asyncio.get_running_loop()

    async def use() -> bool:
        """True where it was used all the time, False where the machine left it idle for long."""
        client, began = await program.dns.tcp(), loop.time()
        last = began
        while last < began + 2.5:
            is_served = await _is_served(client)
            before, last = last, loop.time()
            if last - before > 0.5:
                return False
            assert is_served
        return True

    async with asyncio.timeout(PATIENCE):
        while not await use():
            pass


async def test_a_client_has_so_many_connections_and_no_more(start: Start) -> None:
    program = await start(tcp_connections_per_client=2)
    first, second = await program.dns.tcp(), await program.dns.tcp()
    assert await _is_served(first)
    assert await _is_served(second)
    third = await program.dns.tcp()
    assert not await _is_served(third)
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"
    elsewhere = await program.dns.tcp(source="127.0.0.2")
    assert await _is_served(elsewhere)
    assert (await program.read_stats())["dns"]["refused_connections"] == 1


async def test_all_clients_together_have_so_many_connections(start: Start) -> None:
    program = await start(tcp_connections=2)
    clients = [await program.dns.tcp(source=f"127.0.0.{number}") for number in (2, 3)]
    assert [await _is_served(client) for client in clients] == [True, True]
    assert not await _is_served(await program.dns.tcp(source="127.0.0.4"))
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"


async def test_a_closed_connection_makes_room_for_another(start: Start) -> None:
    program = await start(tcp_connections=1)
    for _ in range(20):
        client = await program.dns.tcp()
        assert await _is_served(client)
        client.socket.shutdown(1)
        assert await client.wait_closed() == b""
        client.socket.close()
    assert (await program.read_stats())["dns"]["refused_connections"] == 0
