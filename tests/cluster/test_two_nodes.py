"""Two nodes of one store, while all is well."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from statistics import median

import pytest
import pytest_asyncio
from aiohttp import ClientSession

from dnsregistry.registry.names import host_label
from tests.cluster.conftest import launching, serving
from tests.cluster.nodes import Node, Refused, agree, until
from tests.wire import Reply, make_query

ROUNDS = 200
LATEST = 0.25
"""Seconds in the middle: p99 is the benchmark's to measure (tests.benchmarks.cluster), for beside
other tests the slowest of 200 rounds tells how long the machine was away."""
LONG_ID = "an-id-of-more-than-sixteen-octets"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nodes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Node]]:
    """The same two for all tests here, each of which has ids and addresses of its own."""
    folder = tmp_path_factory.mktemp("two")
    with launching(folder) as launch:
        async with serving(folder) as serve:
            store = ("--store", launch("--appendonly", "no").url)
            yield list(await asyncio.gather(serve(*store), serve(*store)))


async def test_a_change_is_in_the_other_nodes_answers_at_once(nodes: list[Node]) -> None:
    here, there = nodes
    client = there.served.dns.udp()
    query = make_query("seen.i.registry.local")
    taken: list[float] = []
    for number in range(ROUNDS):
        address = f"10.1.{number // 250}.{number % 250}"
        asyncio_put = asyncio.create_task(here.put("seen", address=address))
        began = time.monotonic()
        while address not in Reply.of(await client.exchange(query)).rdatas:
            assert time.monotonic() - began < 10
        taken.append(time.monotonic() - began)
        await asyncio_put
    assert median(taken) < LATEST
    await agree(nodes, ["seen"])


async def test_an_acknowledged_change_is_in_the_nodes_own_next_answer(nodes: list[Node]) -> None:
    for node in nodes:
        for number in range(50):
            await node.put("own", address=f"10.2.0.{number}")
            assert (await node.ask("own.i")).rdatas == [f"10.2.0.{number}"]
        await node.call("DELETE", "/v1/instances/own")
        assert (await node.ask("own.i")).rcode == "NXDOMAIN"


async def test_a_heartbeat_to_another_node_is_never_unknown(nodes: list[Node]) -> None:
    here, there = nodes
    for number in range(100):
        await here.put(f"i{number}", ttl=5)
        told = await there.call("POST", f"/v1/instances/i{number}/heartbeat")
        assert told["ttl"] == 5
        told = await there.call("POST", "/v1/heartbeats", {"ids": [f"I{number}", "ghost"]})
        assert told == {"renewed": 1, "unknown": ["ghost"]}
    with pytest.raises(Refused) as refused:
        await there.call("POST", "/v1/instances/ghost/heartbeat")
    assert (refused.value.status, refused.value.body["type"]) == (404, "unknown-instance")


async def test_every_node_tells_when_a_lease_ends(nodes: list[Node]) -> None:
    here, there = nodes
    registered = await here.put("told", ttl=3)
    await until(lambda: _told(there, "told"))
    for field in ("registered_at", "expires_at", "last_heartbeat"):
        assert _apart((await there.get("told"))[field], registered[field]) < 0.5
    # Heartbeats reach one node alone; the other learns of them in time.
    first = (await there.get("told"))["expires_at"]
    beaten: list[str] = []

    async def later() -> bool:
        beaten.append((await here.call("POST", "/v1/instances/told/heartbeat"))["expires_at"])
        return _apart((await there.get("told"))["expires_at"], first) > 1

    await until(later)
    assert _apart((await there.get("told"))["expires_at"], beaten[-1]) < 3


async def test_an_expiry_reaches_all_on_time_and_a_heartbeat_anywhere_prevents_it(
    nodes: list[Node],
) -> None:
    here, there = nodes
    await here.put("kept", ttl=1, address="10.3.0.1")
    await here.put("lost", ttl=1, address="10.3.0.2")
    began = time.monotonic()

    async def lost() -> bool:
        await there.call("POST", "/v1/instances/kept/heartbeat")
        return all([(await node.ask("lost.i")).rcode == "NXDOMAIN" for node in nodes])

    await until(lost)
    # A stall of the machine is an outage to the store, after which each lease has a whole ttl and
    # the 3.5 seconds in which nodes come back.
    assert 0.9 < time.monotonic() - began < 12
    for node in nodes:
        assert (await node.ask("kept.i")).rdatas == ["10.3.0.1"]
    await agree(nodes, ["kept", "lost"])


async def test_two_nodes_decide_as_one(nodes: list[Node]) -> None:
    here, there = nodes
    await here.put(LONG_ID)
    with pytest.raises(Refused) as refused:
        await there.put(host_label(LONG_ID))
    assert refused.value.body["field"] == "id"
    # What one node put into maintenance, a registration at the other does not end.
    await there.call("PUT", f"/v1/instances/{LONG_ID}/status", {"status": "maintenance"})
    again = await here.put(LONG_ID, port=81)
    assert (again["status"], again["port"]) == ("maintenance", 81)
    # The same again is a renewal, wherever.
    same = await there.put(LONG_ID, port=81)
    assert same["revision"] == again["revision"]
    for node in nodes:
        await until(lambda node=node: _told(node, LONG_ID))  # type: ignore[misc]
    await agree(nodes, [])


async def test_of_registrations_at_both_nodes_at_once_one_creates(nodes: list[Node]) -> None:
    for number in range(20):
        urls = [f"/v1/instances/both-{number}"] * 2
        bodies = [{"service": "web", "address": "10.0.0.1", "port": port} for port in (1, 2)]

        async def put(node: Node, url: str, body: object) -> int:
            async with node.http.put(url, json=body) as response:
                return response.status

        codes = await asyncio.gather(*map(put, nodes, urls, bodies))
        assert sorted(codes) == [200, 201]
    await agree(nodes, [f"both-{number}" for number in range(20)])


async def test_an_array_is_in_both_nodes(nodes: list[Node]) -> None:
    array = [
        {"id": f"a{number}", "service": "web", "address": "10.0.0.1", "port": 1 + number}
        for number in range(1200)
    ]
    told = await nodes[0].call("POST", "/v1/instances", array)
    assert len(told["instances"]) == 1200
    await until(lambda: _has_all(nodes[1], 1200))
    stats = [await node.stats() for node in nodes]
    assert stats[0]["zone"]["serial"] == stats[1]["zone"]["serial"]


async def _told(node: Node, id: str) -> bool:
    async with node.http.get(f"/v1/instances/{id}") as response:
        assert response.status in (200, 404)
        return response.status == 200


async def _has_all(node: Node, instances: int) -> bool:
    wanted = {f"a{number}" for number in range(instances)}
    return wanted <= await node.all_ids()


def _apart(one: str, other: str) -> float:
    return abs((datetime.fromisoformat(one) - datetime.fromisoformat(other)).total_seconds())


async def test_of_two_nodes_that_expect_one_revision_one_writes(nodes: list[Node]) -> None:
    """The store decides: at each node the revision may still be the one that was expected."""
    held = await nodes[0].put("raced", port=1)
    for number in range(100):
        await until(partial(_have_revision, nodes, held["revision"]))
        calls = [
            node.try_put(
                "raced", {"If-Match": f'"{held["revision"]}"'}, port=2 + 2 * number + place
            )
            for place, node in enumerate(nodes)
        ]
        answers = await asyncio.gather(*(calls if number % 2 else reversed(calls)))
        assert sorted(status for status, _ in answers) == [200, 412]
        [held] = [body for status, body in answers if status == 200]
        [refused] = [body for status, body in answers if status == 412]
        assert (refused["type"], refused["revision"]) == ("precondition-failed", held["revision"])


async def test_of_two_nodes_that_would_create_one_does(nodes: list[Node]) -> None:
    for number in range(50):
        answers = await asyncio.gather(
            *(node.try_put(f"new-{number}", {"If-None-Match": "*"}) for node in nodes)
        )
        assert sorted(status for status, _ in answers) == [201, 412]


async def test_a_tag_and_a_cursor_of_one_node_hold_at_the_other(nodes: list[Node]) -> None:
    here, there = nodes
    for number in range(4):
        await here.put(f"paged-{number}", service="paged")
    await agree(nodes, [f"paged-{number}" for number in range(4)])
    tags: list[str | None] = []
    for node in nodes:
        async with node.http.get("/v1/instances/paged-0") as response:
            tags.append(response.headers.get("ETag"))
    assert tags[0]
    assert tags[0] == tags[1]
    status, _ = await there.try_put("paged-0", {"If-Match": tags[0]}, service="paged", port=81)
    assert status == 200
    first = await here.call("GET", "/v1/instances?service=paged&limit=2")
    rest = await there.call("GET", f"/v1/instances?service=paged&cursor={first['next_cursor']}")
    assert [one["id"] for one in rest["instances"]] == ["paged-2", "paged-3"]


async def _have_revision(nodes: list[Node], revision: int) -> bool:
    told = [await node.get("raced") for node in nodes]
    return all(instance["revision"] == revision for instance in told)


async def test_each_node_tells_its_place_in_the_cluster_at_metrics(nodes: list[Node]) -> None:
    await nodes[0].put("counted", address="10.9.0.1")
    await agree(nodes, ["counted"])
    for node in nodes:
        text = await _scrape(node)
        told = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
        assert float(told["dnsregistry_cluster_nodes"]) == 2
        assert float(told["dnsregistry_cluster_revision"]) > 0
        assert float(told["dnsregistry_cluster_lag_changes"]) >= 0
        assert float(told['dnsregistry_store_up{engine="redis"}']) == 1
        assert float(told["dnsregistry_store_outages_total"]) == 0


async def _scrape(node: Node) -> str:
    async with ClientSession() as client, client.get(f"{node.served.url}/metrics") as response:
        return await response.text()


async def test_of_two_owners_who_claim_an_id_at_once_at_two_nodes_one_has_it(
    nodes: list[Node],
) -> None:
    secrets = ("the-secret-of-the-one", "the-secret-of-the-other")
    for number in range(50):
        name = f"claimed-{number}"
        done = await asyncio.gather(
            *(
                node.put(name, owner_secret=secret)
                for node, secret in zip(nodes, secrets, strict=True)
            ),
            return_exceptions=True,
        )
        refused = [error for error in done if isinstance(error, Refused)]
        assert [(error.status, error.body["type"]) for error in refused] == [(403, "not-owner")]
        winner = [not isinstance(told, Refused) for told in done].index(True)
        for node in nodes:
            with pytest.raises(Refused, match="not-owner"):
                await node.call("DELETE", f"/v1/instances/{name}")
        told = await nodes[1 - winner].put(name, owner_secret=secrets[winner], port=81)
        assert told["port"] == 81
