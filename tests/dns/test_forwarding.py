"""Names that are not ours, through the whole program: another one of us is the upstream."""

import base64

import pytest

from dnsregistry.servers.sockets import ListenError
from tests.conftest import Start
from tests.program import Clock, Program
from tests.wire import Reply, make_query

Pair = tuple[Program, Program]


@pytest.fixture
async def pair(start: Start) -> Pair:
    """A server, and a second one that forwards to it what is not its own."""
    upstream = await start(zone="up.test")
    await upstream.register("a1", service="api", address=["10.1.1.1", "fd00::5"], port=80)
    return upstream, await start(upstreams=f"127.0.0.1:{upstream.port}")


@pytest.mark.parametrize("tcp", [False, True])
async def test_a_name_of_others_is_answered_from_upstream(pair: Pair, tcp: bool) -> None:
    reply = await pair[1].ask("Api.up.TEST", tcp=tcp, edns=1232)
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR RD RA")
    assert reply.answer == ["Api.up.TEST. 5 IN A 10.1.1.1"]
    assert reply.question == ["Api.up.TEST. IN A"]
    assert reply.opts == 1


async def test_a_denial_comes_with_the_soa_of_its_zone(pair: Pair) -> None:
    reply = await pair[1].ask("nobody.up.test")
    assert (reply.rcode, reply.flags) == ("NXDOMAIN", "QR RD RA")
    assert [line.split()[0] for line in reply.authority] == ["up.test."]


async def test_what_was_fetched_is_not_asked_again(pair: Pair) -> None:
    upstream, local = pair
    await local.ask("api.up.test")
    asked = (await upstream.read_stats())["dns"]["queries"]["udp"]
    for _ in range(3):
        assert (await local.ask("api.up.test")).rcode == "NOERROR"
    assert (await upstream.read_stats())["dns"]["queries"]["udp"] == asked


async def test_over_https_a_name_of_others_is_answered_too(pair: Pair) -> None:
    message = make_query("api.up.test", id=0)
    text = base64.urlsafe_b64encode(message).rstrip(b"=").decode()
    async with pair[1].http.get("/dns-query", params={"dns": text}) as response:
        assert response.headers["Cache-Control"] == "max-age=5"
        assert Reply.of(await response.read()).rdatas == ["10.1.1.1"]


@pytest.mark.parametrize(
    ("rtype", "address"), [("A", "5 IN A 10.1.1.1"), ("AAAA", "5 IN AAAA fd00::5")]
)
async def test_an_alias_to_a_name_of_others_brings_its_addresses(
    pair: Pair, rtype: str, address: str
) -> None:
    local = pair[1]
    await local.register("ext", service="ext", address="api.up.test", port=80)
    reply = await local.ask("ext.registry.local", rtype)
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD RA")
    assert reply.answer == [
        "ext.registry.local. 5 IN CNAME api.up.test.",
        f"api.up.test. {address}",
    ]


async def test_without_recursion_desired_an_alias_is_told_alone(pair: Pair) -> None:
    local = pair[1]
    await local.register("ext", service="ext", address="api.up.test", port=80)
    reply = await local.ask("ext.registry.local", rd=False)
    assert reply.answer == ["ext.registry.local. 5 IN CNAME api.up.test."]


async def test_an_alias_to_a_name_that_is_not_there_is_nxdomain(pair: Pair) -> None:
    """RFC 6604, 3: the rcode is that of the end of the chain."""
    local = pair[1]
    await local.register("ext", service="ext", address="nobody.up.test", port=80)
    reply = await local.ask("ext.registry.local")
    assert reply.rcode == "NXDOMAIN"
    assert reply.answer == ["ext.registry.local. 5 IN CNAME nobody.up.test."]
    assert [line.split()[0] for line in reply.authority] == ["up.test."]


async def test_without_recursion_desired_nothing_is_forwarded(pair: Pair) -> None:
    reply = await pair[1].ask("api.up.test", rd=False)
    assert (reply.rcode, reply.answer) == ("REFUSED", [])


async def test_recursion_is_refused_outside_allow_recursion(start: Start) -> None:
    upstream = await start(zone="up.test")
    local = await start(upstreams=f"127.0.0.1:{upstream.port}", allow_recursion="10.0.0.0/8")
    reply = await local.ask("api.up.test")
    assert (reply.rcode, reply.flags) == ("REFUSED", "QR RD")
    assert (await local.ask("registry.local", "SOA")).flags == "QR AA RD"


@pytest.mark.parametrize(
    ("name", "rtype", "answer"),
    [
        ("localhost", "A", ["10800 IN A 127.0.0.1"]),
        ("db.localhost", "AAAA", ["10800 IN AAAA ::1"]),
        ("x.invalid", "A", None),
        ("4.3.2.10.in-addr.arpa", "PTR", None),
    ],
)
async def test_names_of_the_house_never_leave_it(
    pair: Pair, name: str, rtype: str, answer: list[str] | None
) -> None:
    upstream, local = pair
    before = (await upstream.read_stats())["dns"]["queries"]["udp"]
    reply = await local.ask(name, rtype)
    expected = [f"{name}. {line}" for line in answer or []]
    assert (reply.rcode, reply.answer) == ("NOERROR" if answer else "NXDOMAIN", expected)
    # Besides the loop probe, which may come at any time, nothing was asked.
    assert (await upstream.read_stats())["dns"]["queries"]["udp"] - before <= 1


async def test_our_own_zones_never_leak_upstream(pair: Pair) -> None:
    reply = await pair[1].ask("nobody.registry.local")
    assert (reply.rcode, reply.flags) == ("NXDOMAIN", "QR AA RD RA")


async def test_a_declared_reverse_zone_is_ours_and_not_the_empty_one(start: Start) -> None:
    local = await start(upstreams="127.0.0.1:9", reverse_zones="10.0.0.0/24")
    await local.register("i1", address="10.0.0.1")
    reply = await local.ask("1.0.0.10.in-addr.arpa", "PTR")
    assert reply.rdatas == ["i1.i.registry.local."]


async def test_an_upstream_that_is_the_server_itself_ends_the_start(start: Start) -> None:
    taken = await start()
    port = taken.port
    await taken.stop()
    with pytest.raises(ListenError, match=r"^UPSTREAMS: 127.0.0.1:\d+ is this server itself$"):
        await start(Clock(), dns_port=port, upstreams=f"127.0.0.1:{port}")
