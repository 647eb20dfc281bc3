"""Finding a service, by the API and by DNS."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from dnsregistry.client import Client, DnsAway, RegistryAway, UnknownInstance
from dnsregistry.client.finding import MOST_KEPT, Finder
from dnsregistry.client.values import Endpoint
from tests.client.conftest import House, MakeFace, free_port
from tests.program import LOOPBACK, Program

Clients = Callable[..., Client]


def _places(endpoints: object) -> list[str]:
    return sorted(str(endpoint) for endpoint in endpoints)  # type: ignore[attr-defined]


@pytest.fixture
def dns(house: Program) -> str:
    return f"{LOOPBACK}:{house.port}"


async def test_both_ways_find_the_same(house: Program, clients: Clients, dns: str) -> None:
    await house.register("i4", address="2001:db8::1", port=8082)
    await house.register("i5", address="10.0.0.9", status="draining")
    client = clients(house.url)
    found = _places(await client.find("user-service"))
    assert found == ["10.0.0.1:8080", "10.0.0.1:8081", "10.0.0.2:8080", "[2001:db8::1]:8082"]
    assert _places(await client.find_by_dns("user-service", dns=dns)) == found
    assert {endpoint.id for endpoint in await client.find("user-service")} == {
        *("i1", "i2", "i3", "i4")
    }


async def test_priority_goes_over_weight_and_the_order_is_drawn_anew(
    house: Program, clients: Clients, dns: str
) -> None:
    for number, (priority, weight) in enumerate([(1, 9), (0, 1), (0, 9)]):
        address = f"10.1.0.{number}"
        await house.register(
            f"w{number}", service="web", address=address, priority=priority, weight=weight
        )
    client = clients(house.url)
    for find in (client.find, lambda name: client.find_by_dns(name, dns=dns)):
        orders = [tuple(e.host[-1] for e in await find("web")) for _ in range(200)]
        assert {order[2] for order in orders} == {"0"}
        firsts = Counter(order[0] for order in orders)
        assert firsts["2"] > 140
        assert firsts["1"] > 2


async def test_nobody_there_is_an_empty_list(house: Program, clients: Clients, dns: str) -> None:
    client = clients(house.url)
    assert await client.find("nobody") == []
    assert await client.find_by_dns("nobody", dns=dns) == []
    assert await client.find_by_dns("user-service", protocol="udp", dns=dns) == []


async def test_host_names_and_large_answers_are_found_by_dns(
    house: Program, clients: Clients, dns: str
) -> None:
    await house.register("h1", service="far", address="api.example.org", port=3000)
    many = [
        {"service": "many", "address": f"10.2.0.{number}", "port": 80, "id": f"m{number}"}
        for number in range(200)
    ]
    await house.register_all(list(many))
    client = clients(house.url)
    assert _places(await client.find_by_dns("far", dns=dns)) == ["api.example.org:3000"]
    # More than a datagram holds: asked again by TCP.
    assert len(await client.find_by_dns("many", dns=dns)) == 200


async def test_a_list_of_several_pages_comes_whole(
    house: Program, clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.client.client.PAGE", 2)
    client = clients(house.url)
    assert [i.id for i in await client.instances("user-service")] == ["i1", "i2", "i3"]
    assert [(s.name, s.instances, s.healthy) for s in await client.services()] == [
        ("user-service", 3, 3)
    ]
    assert (await client.instance("i1")).addresses == ("10.0.0.1",)
    with pytest.raises(UnknownInstance):
        await client.instance("a/b#c?d")


async def test_a_list_is_of_one_registry_whatever_becomes_of_the_one_that_began_it(
    house: Program,
    place: House,
    clients: Clients,
    face: MakeFace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.client.client.PAGE", 2)
    other = await place.open()
    for name, service in (("i1", "a"), ("j1", "b"), ("j2", "b"), ("j3", "c")):
        await other.register(name, service=service)
    first = await face(house, [False, True])
    client = clients(f"{first.url},{place.url}")
    assert [i.id for i in await client.instances()] == ["i1", "j1", "j2", "j3"]
    first = await face(house, [False, True])
    await house.register("w1", service="z1")
    await house.register("w2", service="z2")
    client = clients(f"{first.url},{place.url}")
    assert [s.name for s in await client.services()] == ["a", "b", "c"]
    assert client.addresses.first == place.url


async def test_addresses_that_leave_each_list_unfinished_are_away(
    house: Program, clients: Clients, face: MakeFace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.client.client.PAGE", 2)
    turns = [False, True] * 9
    first, second = await face(house, turns), await face(house, turns)
    with pytest.raises(RegistryAway, match="lists all that it has"):
        await clients(f"{first.url},{second.url}").instances()


async def test_an_id_of_any_letters_arrives_as_it_is(house: Program, clients: Clients) -> None:
    client = clients(house.url)
    async with house.http.post(
        "/v1/instances",
        json={"id": "{x}?#%41", "service": "odd", "address": "10.0.0.7", "port": 1},
    ) as response:
        told = await response.json()
        assert response.status == 201, told
    assert (await client.instance(told["id"])).id == "{x}?#%41"
    await client.deregister("{x}?#%41")


async def test_a_registry_that_is_away_takes_no_service_away(
    place: House,
    clients: Clients,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.client.naming.QUERY_SECONDS", 0.5)
    program = await place.open()
    await program.register("i1")
    dns = f"{LOOPBACK}:{program.port}"
    client = clients(place.url, keep=0)
    before = await client.find("user-service"), await client.find_by_dns("user-service", dns=dns)
    program.clock.advance(1)
    await program.stop()
    assert await client.find("user-service") == before[0]
    assert "using what was known before" in caplog.text
    assert await client.find_by_dns("user-service", dns=dns) == before[1]
    with pytest.raises(RegistryAway, match="connection refused"):
        await client.find("never-asked-for")
    with pytest.raises(DnsAway, match="no name server at"):
        await client.find_by_dns("never-asked-for", dns=dns)


async def test_several_addresses_and_several_name_servers_stand_in_for_each_other(
    house: Program, clients: Clients, dns: str
) -> None:
    nobody = free_port()
    client = clients(f"http://{LOOPBACK}:{nobody},{house.url}")
    assert len(await client.find("user-service")) == 3
    assert client.addresses.first == house.url
    servers = f"{LOOPBACK}:{nobody},{dns}"
    assert len(await client.find_by_dns("user-service", dns=servers)) == 3


class _Asked:
    def __init__(self) -> None:
        self.count = 0
        self.away = False

    async def __call__(self) -> tuple[list[Endpoint], float]:
        self.count += 1
        if self.away:
            raise RegistryAway("away")
        return [Endpoint("h", self.count)], 5


async def test_an_answer_is_kept_for_its_time_and_used_longer_in_need() -> None:
    now = [0.0]
    asked = _Asked()
    finder = Finder(lambda: now[0], lambda: 0.5, stale=100)
    for at, port in [(0, 1), (4.9, 1), (5, 2), (9, 2)]:
        now[0] = at
        assert [e.port for e in await finder.find("x", asked)] == [port]
    asked.away = True
    now[0] = 109.9
    assert [e.port for e in await finder.find("x", asked)] == [2]
    assert asked.count == 3
    # Who finds often does not wait for an answer each time.
    await finder.find("x", asked)
    assert asked.count == 3
    now[0] = 110
    with pytest.raises(RegistryAway):
        await finder.find("x", asked)


async def test_what_is_kept_is_bounded() -> None:
    finder = Finder(lambda: 0.0, lambda: 0.5, stale=0)
    asked = _Asked()
    await asyncio.gather(*(finder.find(number, asked) for number in range(MOST_KEPT + 5)))
    assert len(finder._kept) == MOST_KEPT
