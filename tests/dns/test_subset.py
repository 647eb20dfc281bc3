"""What a client sees of a service that does not fit a datagram, and of one with a limit."""

import pytest

from tests.conftest import Start
from tests.program import Program

SRV = "_user-service._tcp.registry.local"
NAME = "user-service.registry.local"
COUNT = 40


@pytest.fixture
async def crowd(program: Program) -> Program:
    """Forty instances with names as an orchestrator gives them."""
    await _fill(program)
    return program


async def _fill(program: Program) -> None:
    await program.register_all([_describe(number) for number in range(COUNT)])


def _describe(number: int) -> dict[str, object]:
    return {
        "id": f"user-service-7d9c6b5f4-{number:05}",
        "service": "user-service",
        "address": f"10.0.0.{number}",
        "port": 8080,
    }


@pytest.mark.parametrize(("name", "rtype", "edns"), [(SRV, "SRV", 1232), (NAME, "A", None)])
async def test_a_client_holds_the_same_set_over_a_hundred_answers(
    crowd: Program, name: str, rtype: str, edns: int | None
) -> None:
    first = await crowd.ask(name, rtype, edns=edns)
    assert "TC" in first.flags
    assert 5 < len(first.rdatas) < COUNT
    orders = set()
    for _ in range(100):
        reply = await crowd.ask(name, rtype, edns=edns)
        assert set(reply.rdatas) == set(first.rdatas)
        orders.add(tuple(reply.rdatas))
    # Among the same ones the first is drawn each time.
    assert len({order[0] for order in orders}) > 5


async def test_clients_hold_different_sets(crowd: Program) -> None:
    sets = {
        frozenset((await crowd.ask(SRV, "SRV", edns=1232, source=f"127.0.0.{number}")).rdatas)
        for number in range(2, 32)
    }
    assert len(sets) == 30
    assert len(frozenset().union(*sets)) == COUNT


async def test_an_instance_that_goes_moves_at_most_one_other(crowd: Program) -> None:
    sources = [f"127.0.0.{number}" for number in range(2, 12)]

    async def ask_all() -> list[set[str]]:
        replies = [await crowd.ask(SRV, "SRV", edns=1232, source=source) for source in sources]
        return [set(reply.rdatas) for reply in replies]

    before = await ask_all()
    gone = (await crowd.ask(SRV, "SRV", edns=1232)).rdatas[0]
    number = (await crowd.ask(gone.split()[3])).rdatas[0].rpartition(".")[2]
    await crowd.remove(f"user-service-7d9c6b5f4-{int(number):05}")
    after = await ask_all()
    for one, other in zip(before, after, strict=True):
        assert one - other <= {gone}
        assert len(other - one) <= 1
    await crowd.register_all([_describe(int(number))])
    assert await ask_all() == before


async def test_all_of_it_comes_over_tcp(crowd: Program) -> None:
    for _ in range(3):
        reply = await crowd.ask(SRV, "SRV", tcp=True)
        assert (reply.flags, len(set(reply.rdatas))) == ("QR AA RD", COUNT)


async def test_two_servers_show_a_client_the_same_set(start: Start) -> None:
    """A resolver that asks either of two replicas sees no flapping between them."""
    sets = []
    for _ in range(2):
        program = await start()
        await _fill(program)
        sets.append(set((await program.ask(SRV, "SRV", edns=1232)).rdatas))
    assert sets[0] == sets[1]


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_limit_by_setting_holds_still_as_well(start: Start, tcp: bool) -> None:
    program = await start(service_limits="user-*=4,task-service=0")
    await _fill(program)
    for name, rtype in ((SRV, "SRV"), (NAME, "A"), (NAME, "SRV")):
        sets = {frozenset((await program.ask(name, rtype, tcp=tcp)).rdatas) for _ in range(20)}
        assert len(sets) == 1
        assert len(*sets) == 4
        reply = await program.ask(name, rtype, tcp=tcp, source="127.0.0.2")
        assert (reply.flags, len(reply.rdatas)) == ("QR AA RD", 4)
        assert set(reply.rdatas) not in sets
    assert len(reply.additional) == 4


async def test_a_limit_prefers_the_lower_priority(start: Start) -> None:
    program = await start(service_limits="user-service=2")
    for number in range(6):
        await program.register(f"i{number}", address=f"10.0.0.{number}", priority=number)
    for source in ("127.0.0.2", "127.0.0.3", "127.0.0.4"):
        reply = await program.ask(NAME, source=source)
        assert reply.rdatas == ["10.0.0.0", "10.0.0.1"]
