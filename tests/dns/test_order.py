"""Which record stands first. Bounds are six standard deviations wide."""

from collections import Counter

from tests.program import Program
from tests.wire import Reply, make_query

NAME = "user-service.registry.local"
ROUNDS = 3000


async def _count_first(program: Program, rtype: str) -> Counter[str]:
    """How often each record's last field was the first one's."""
    client = program.dns.udp()
    query = make_query(NAME, rtype)
    first: Counter[str] = Counter()
    for _ in range(ROUNDS):
        first[Reply.of(await client.exchange(query)).rdatas[0].split()[-1]] += 1
    return first


async def test_equal_instances_are_first_equally_often(program: Program) -> None:
    for number in (1, 2, 3):
        await program.register(f"i{number}", address=f"10.0.0.{number}")
    for rtype in ("A", "SRV"):
        first = await _count_first(program, rtype)
        assert len(first) == 3
        assert all(845 <= count <= 1155 for count in first.values()), first


async def test_weights_show_in_the_order_of_addresses(program: Program) -> None:
    for number, weight in ((1, 3), (2, 1), (3, 2)):
        await program.register(f"i{number}", address=f"10.0.0.{number}", weight=weight)
    first = await _count_first(program, "A")
    assert 1336 <= first["10.0.0.1"] <= 1664, first
    assert 378 <= first["10.0.0.2"] <= 622, first
    assert 845 <= first["10.0.0.3"] <= 1155, first


async def test_one_of_a_hundred_stands_first_in_one_answer_of_a_hundred(program: Program) -> None:
    await program.register("usual", address="10.0.0.1", weight=99)
    await program.register("canary", address="10.0.0.2", weight=1)
    first = await _count_first(program, "A")
    assert 1 <= first["10.0.0.2"] <= 65, first


async def test_a_lower_priority_always_stands_first(program: Program) -> None:
    await program.register("spare", address="10.0.0.2", priority=20, weight=65535)
    await program.register("first", address="10.0.0.1", priority=10, weight=1)
    for _ in range(50):
        assert (await program.ask(NAME)).rdatas == ["10.0.0.1", "10.0.0.2"]
