"""Reverse zones by setting: addresses to the hosts that have them."""

import pytest

from tests.conftest import Start
from tests.program import Clock, Program

V6_ZONE = "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
V6_NAME = "1" + ".0" * 15 + f".{V6_ZONE}"


@pytest.fixture
async def declared(start: Start) -> Program:
    """A house with its IPv4 and IPv6 network declared."""
    program = await start(reverse_zones="10.0.0.0/24, 2001:db8::/64", service_ttls="user-*=20")
    await program.register("i1", address=["10.0.0.1", "2001:db8::1"], port=8080)
    await program.register("i2", service="other", address="10.0.0.2")
    await program.register("i3", address="10.0.0.1", port=8081)
    return program


async def test_ptr_names_every_host_of_an_address(declared: Program) -> None:
    reply = await declared.ask("1.0.0.10.in-addr.arpa", "PTR")
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
    assert sorted(reply.answer) == [
        "1.0.0.10.in-addr.arpa. 20 IN PTR i1.i.registry.local.",
        "1.0.0.10.in-addr.arpa. 20 IN PTR i3.i.registry.local.",
    ]
    for host in reply.rdatas:
        assert "10.0.0.1" in (await declared.ask(host)).rdatas
    reply = await declared.ask(V6_NAME.upper(), "PTR")
    assert reply.rdatas == ["i1.i.registry.local."]


async def test_the_ttl_of_a_ptr_follows_the_service(declared: Program) -> None:
    reply = await declared.ask("2.0.0.10.in-addr.arpa", "PTR")
    assert reply.answer == ["2.0.0.10.in-addr.arpa. 5 IN PTR i2.i.registry.local."]


@pytest.mark.parametrize(
    ("name", "zone"),
    [("9.0.0.10.in-addr.arpa", "0.0.10.in-addr.arpa"), (f"9{V6_NAME[1:]}", V6_ZONE)],
)
async def test_an_unknown_address_is_nxdomain_with_its_zones_soa(
    declared: Program, name: str, zone: str
) -> None:
    reply = await declared.ask(name, "PTR")
    assert (reply.rcode, reply.flags, reply.answer) == ("NXDOMAIN", "QR AA RD", [])
    [soa] = reply.authority
    assert soa.startswith(f"{zone}. 1 IN SOA ns1.registry.local. hostmaster.registry.local. ")


async def test_another_type_and_names_between_are_nodata(declared: Program) -> None:
    for name in ("1.0.0.10.in-addr.arpa", f"0.{V6_ZONE}"):
        reply = await declared.ask(name, "A")
        assert (reply.rcode, reply.answer, len(reply.authority)) == ("NOERROR", [], 1)


@pytest.mark.parametrize(
    "name", ["1.1.0.10.in-addr.arpa", "0.10.in-addr.arpa", "1.0.8.b.d.0.1.0.0.2.ip6.arpa"]
)
async def test_outside_the_zones_it_is_refused(declared: Program, name: str) -> None:
    reply = await declared.ask(name, "PTR")
    assert (reply.rcode, reply.flags) == ("REFUSED", "QR RD")


async def test_a_reverse_zone_can_be_delegated_to(declared: Program) -> None:
    reply = await declared.ask("0.0.10.in-addr.arpa", "NS")
    assert reply.rdatas == ["ns1.registry.local."]
    reply = await declared.ask("0.0.10.in-addr.arpa", "SOA")
    serial = (await declared.read_stats())["zone"]["serial"]
    assert reply.rdatas[0].split()[2] == str(serial)


@pytest.mark.parametrize("status", ["draining", "maintenance"])
async def test_what_is_out_of_service_is_gone(declared: Program, status: str) -> None:
    await declared.set_status("i2", status)
    assert (await declared.ask("2.0.0.10.in-addr.arpa", "PTR")).rcode == "NXDOMAIN"
    await declared.remove("i1")
    reply = await declared.ask("1.0.0.10.in-addr.arpa", "PTR")
    assert reply.rdatas == ["i3.i.registry.local."]


async def test_a_lease_ends_in_the_reverse_zone_too(start: Start) -> None:
    clock = Clock()
    program = await start(clock, reverse_zones="10.0.0.0/24")
    await program.register("i", ttl=10)
    clock.advance(9.5)
    reply = await program.ask("1.0.0.10.in-addr.arpa", "PTR")
    assert reply.answer == ["1.0.0.10.in-addr.arpa. 1 IN PTR i.i.registry.local."]
    clock.advance(0.5)
    assert (await program.ask("1.0.0.10.in-addr.arpa", "PTR")).rcode == "NXDOMAIN"


async def test_auto_follows_what_is_registered(start: Start) -> None:
    program = await start(reverse_zones="auto")
    asked = ("1.0.0.10.in-addr.arpa", "9.0.0.10.in-addr.arpa", V6_NAME)
    before = [(await program.ask(name, "PTR")).rcode for name in asked]
    await program.register("i", address=["10.0.0.1", "2001:db8::1"])
    during = [(await program.ask(name, "PTR")).rcode for name in asked]
    await program.remove("i")
    after = [(await program.ask(name, "PTR")).rcode for name in asked]
    # Without a registered address around it, no reverse name is ours.
    assert "NOERROR" not in before
    assert during == ["NOERROR", "NXDOMAIN", "NOERROR"]
    assert after == before


async def test_ten_instances_behind_one_address_are_one_rrset(start: Start) -> None:
    """As many as a host runs; 1,100 of them still come whole over TCP."""
    program = await start(reverse_zones="10.0.0.0/24")
    await program.register_all(
        [
            {"id": f"i{n:04}", "service": "many", "address": "10.0.0.1", "port": 1000 + n}
            for n in range(1100)
        ]
    )
    reply = await program.ask("1.0.0.10.in-addr.arpa", "PTR", tcp=True)
    assert (reply.flags, len(set(reply.rdatas))) == ("QR AA RD", 1100)
    assert "TC" in (await program.ask("1.0.0.10.in-addr.arpa", "PTR")).flags
