"""Resolvers that people have, each with the snippet of the page: what they make of our answers."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.resolvers.asked import Asked
from tests.resolvers.conftest import Launch, Serve
from tests.resolvers.place import open_namespace
from tests.resolvers.programs import (
    Bench,
    run_dnsmasq,
    run_named_delegating,
    run_named_forwarding,
    run_unbound,
)
from tests.resolvers.served import DNS_TTL, NEGATIVE_TTL, describe

SLACK = 5.0
"""Seconds beyond a TTL: the fraction that resolvers round up, and a slow machine."""
ON_A_PORT = {
    "unbound": run_unbound,
    "dnsmasq": run_dnsmasq,
    "named-forwarding": run_named_forwarding,
}


@pytest.fixture(params=[*ON_A_PORT, "named-delegating"])
async def resolver(
    request: pytest.FixtureRequest,
    serve: Serve,
    launch: Launch,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> AsyncIterator[Asked]:
    """Each resolver in turn, with a registry behind it."""
    if request.param in ON_A_PORT:
        bench = Bench(await serve(), launch, free_port(), tmp_path)
        yield await ON_A_PORT[request.param](bench)
        return
    # A delegation leads to port 53, so it takes addresses of its own.
    async with open_namespace("10.0.0.53/32") as place:
        registry = await serve("--dns-host=10.0.0.53", "--dns-port=53", place=place)
        yield await run_named_delegating(Bench(registry, launch, 53, tmp_path))


async def test_a_service_resolves_with_every_type_it_has(resolver: Asked) -> None:
    await resolver.registry.register_all(
        describe("i1", tags=["v1"], metadata={"region": "eu"}),
        describe("i2", port=8081),
        describe("i3", address=["10.0.0.2", "2001:db8::2"], weight=7),
    )
    srv = await resolver.ask("_web._tcp.registry.test", "SRV")
    assert srv.rdatas == [
        "0 1 8080 i1.i.registry.test.",
        "0 1 8081 i2.i.registry.test.",
        "0 7 8080 i3.i.registry.test.",
    ]
    assert set(srv.ttls) <= set(range(DNS_TTL + 1))
    assert (await resolver.ask("web.registry.test", "A")).rdatas == ["10.0.0.1", "10.0.0.2"]
    assert (await resolver.ask("web.registry.test", "AAAA")).rdatas == ["2001:db8::2"]
    assert (await resolver.ask("v1.web.registry.test", "A")).rdatas == ["10.0.0.1"]
    assert (await resolver.ask("i3.i.registry.test", "A")).rdatas == ["10.0.0.2"]
    assert (await resolver.ask("registry.test", "NS")).rdatas == ["ns1.registry.test."]

    types = await resolver.ask("_services._dns-sd._udp.registry.test", "PTR")
    assert types.rdatas == ["_web._tcp.registry.test."]
    instances = await resolver.ask("_web._tcp.registry.test", "PTR")
    assert instances.rdatas == [f"i{number}._web._tcp.registry.test." for number in (1, 2, 3)]
    tagged = await resolver.ask("v1._sub._web._tcp.registry.test", "PTR")
    assert tagged.rdatas == ["i1._web._tcp.registry.test."]
    (text,) = (await resolver.ask("i1._web._tcp.registry.test", "TXT")).rdatas
    assert '"region=eu"' in text


async def test_what_is_not_there_is_denied_and_soon_forgotten(resolver: Asked) -> None:
    await resolver.registry.register(describe("i1"))
    for name, rtype in (
        ("web.registry.test", "AAAA"),
        ("_web._tcp.registry.test", "A"),
        ("_tcp.registry.test", "SRV"),
        ("i.registry.test", "A"),
    ):
        denied = await resolver.ask(name, rtype)
        assert (denied.rcode, denied.answer) == ("NOERROR", [])
        assert all(ttl <= NEGATIVE_TTL for ttl in denied.ttls)
    unknown = await resolver.ask("db.registry.test", "A")
    assert (unknown.rcode, unknown.answer) == ("NXDOMAIN", [])
    assert all(ttl <= NEGATIVE_TTL for ttl in unknown.ttls)


async def test_who_comes_and_goes_is_followed_within_the_ttl(resolver: Asked) -> None:
    registry = resolver.registry
    await registry.register(describe("i1"))
    name = "_web._tcp.registry.test"
    stays, comes = "0 1 8080 i1.i.registry.test.", "0 1 8080 new.i.registry.test."
    assert (await resolver.ask(name, "SRV")).rdatas == [stays]
    assert (await resolver.ask("new.i.registry.test", "A")).rcode == "NXDOMAIN"

    await registry.register(describe("new", address="10.0.0.9"))
    denied = resolver.wait_for("new.i.registry.test", "A", ["10.0.0.9"])
    assert await denied < NEGATIVE_TTL + SLACK
    assert await resolver.wait_for(name, "SRV", [stays, comes]) < DNS_TTL + SLACK

    await registry.remove("new")
    assert await resolver.wait_for(name, "SRV", [stays]) < DNS_TTL + SLACK
    assert (await resolver.ask("web.registry.test", "A")).rdatas == ["10.0.0.1"]


async def test_an_answer_too_large_for_udp_comes_whole(resolver: Asked) -> None:
    instances = [describe(f"n{number}", port=8000 + number) for number in range(60)]
    await resolver.registry.register_all(*instances)
    srv = await resolver.ask("_web._tcp.registry.test", "SRV")
    assert srv.rdatas == sorted(
        f"0 1 {instance['port']} {instance['id']}.i.registry.test." for instance in instances
    )


async def test_unbound_never_has_to_do_without_0x20(
    serve: Serve, launch: Launch, free_port: Callable[[], int], tmp_path: Path
) -> None:
    registry = await serve()
    unbound = await run_unbound(Bench(registry, launch, free_port(), tmp_path))
    await registry.register_all(*(describe(f"n{number}") for number in range(60)))
    for name in ("web", "_web._tcp", "n1.i", "none", "_none._tcp"):
        for rtype in ("A", "SRV", "TXT", "PTR"):
            assert (await unbound.ask(f"{name}.registry.test", rtype)).rcode != "SERVFAIL"
    # What it logs when a reply does not repeat the letters of its question.
    assert "capsforid" not in unbound.program.output.lower()
