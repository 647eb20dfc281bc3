"""What is answered for names that exist."""

import pytest

from tests.conftest import Start
from tests.program import Program

SRV = "_user-service._tcp.registry.local"
NAME = "user-service.registry.local"


async def test_srv_names_every_instance_with_its_addresses(house: Program) -> None:
    reply = await house.ask(SRV, "SRV")
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
    assert sorted(reply.answer) == [
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i1.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8080 i3.i.registry.local.",
        "_user-service._tcp.registry.local. 5 IN SRV 0 1 8081 i2.i.registry.local.",
    ]
    assert sorted(reply.additional) == [
        "i1.i.registry.local. 5 IN A 10.0.0.1",
        "i2.i.registry.local. 5 IN A 10.0.0.1",
        "i3.i.registry.local. 5 IN A 10.0.0.2",
    ]
    assert reply.authority == []


async def test_srv_of_the_plain_name_is_that_of_the_service(house: Program) -> None:
    plain, full = await house.ask(NAME, "SRV"), await house.ask(SRV, "SRV")
    assert sorted(plain.rdatas) == sorted(full.rdatas)
    assert sorted(plain.additional) == sorted(full.additional)


async def test_an_address_of_two_instances_is_one_record(house: Program) -> None:
    reply = await house.ask(NAME)
    assert sorted(reply.answer) == [
        "user-service.registry.local. 5 IN A 10.0.0.1",
        "user-service.registry.local. 5 IN A 10.0.0.2",
    ]
    assert reply.additional == []


async def test_every_srv_target_resolves_to_its_own_address(house: Program) -> None:
    targets = {rdata.split()[3] for rdata in (await house.ask(SRV, "SRV")).rdatas}
    addresses = {target: (await house.ask(target)).rdatas for target in targets}
    assert addresses == {
        "i1.i.registry.local.": ["10.0.0.1"],
        "i2.i.registry.local.": ["10.0.0.1"],
        "i3.i.registry.local.": ["10.0.0.2"],
    }


async def test_the_same_address_and_port_is_one_srv(house: Program) -> None:
    await house.register("again", address="10.0.0.2", port=8080)
    ports = sorted(rdata.split()[2] for rdata in (await house.ask(SRV, "SRV")).rdatas)
    assert ports == ["8080", "8080", "8081"]


async def test_a_dual_stack_instance_has_both_addresses(program: Program) -> None:
    await program.register("d", address=["10.0.0.9", "2001:db8::9"])
    assert (await program.ask(NAME)).answer == ["user-service.registry.local. 5 IN A 10.0.0.9"]
    assert (await program.ask(NAME, "AAAA")).answer == [
        "user-service.registry.local. 5 IN AAAA 2001:db8::9"
    ]
    reply = await program.ask(SRV, "SRV")
    assert len(reply.answer) == 1
    assert reply.additional == [
        "d.i.registry.local. 5 IN A 10.0.0.9",
        "d.i.registry.local. 5 IN AAAA 2001:db8::9",
    ]


async def test_a_long_id_has_a_short_host_name(program: Program) -> None:
    await program.register("user-service-7d4b9c-x2x9z.node-17", address="10.0.0.9")
    target = (await program.ask(SRV, "SRV")).rdatas[0].split()[3]
    assert len(target.split(".")[0]) == 10
    assert (await program.ask(target)).rdatas == ["10.0.0.9"]


async def test_the_question_and_the_owner_come_back_in_the_clients_case(house: Program) -> None:
    """RFC 4343, 4.1: labels that are copied from the query keep its case."""
    reply = await house.ask("uSeR-SeRvIcE.ReGiStRy.LoCaL")
    assert reply.question == ["uSeR-SeRvIcE.ReGiStRy.LoCaL. IN A"]
    assert sorted(reply.answer) == [
        "uSeR-SeRvIcE.ReGiStRy.LoCaL. 5 IN A 10.0.0.1",
        "uSeR-SeRvIcE.ReGiStRy.LoCaL. 5 IN A 10.0.0.2",
    ]


async def test_a_tag_filters_in_any_case(house: Program) -> None:
    await house.register("i3", address="10.0.0.2", tags=["v2"])
    assert (await house.ask(f"v2.{NAME}")).rdatas == ["10.0.0.2"]
    assert (await house.ask(f"V2.{NAME}")).rdatas == ["10.0.0.2"]
    assert (await house.ask(f"v3.{NAME}")).rcode == "NXDOMAIN"


async def test_a_capability_is_found_across_services(program: Program) -> None:
    await program.register("a", service="one", address="10.0.0.1", capabilities=["Greet"])
    await program.register("b", service="two", address="10.0.0.2", capabilities=["greet"])
    assert sorted((await program.ask("greet.cap.registry.local")).rdatas) == [
        "10.0.0.1",
        "10.0.0.2",
    ]
    targets = {
        line.split()[3]
        for line in (await program.ask("_greet._tcp.cap.registry.local", "SRV")).rdatas
    }
    assert targets == {"a.i.registry.local.", "b.i.registry.local."}


async def test_a_named_port_is_the_port_of_its_srv(program: Program) -> None:
    await program.register("a", ports={"http": 80, "metrics": 9100})
    await program.register("b", ports={"http": 81}, address="10.0.0.2")
    reply = await program.ask(f"_http._tcp.{NAME}", "SRV")
    assert sorted(reply.rdatas) == ["0 1 80 a.i.registry.local.", "0 1 81 b.i.registry.local."]
    reply = await program.ask(f"_metrics._tcp.{NAME}", "SRV")
    assert reply.rdatas == ["0 1 9100 a.i.registry.local."]


async def test_one_host_name_instance_is_an_alias(program: Program) -> None:
    """RFC 1034, 3.6.2: "If a CNAME RR is present at a node, no other data should be present"."""
    await program.register("h", address="api.example.org", port=3000)
    for rtype in ("A", "AAAA", "SRV", "TXT", "CNAME"):
        reply = await program.ask(NAME, rtype)
        assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
        assert reply.answer == ["user-service.registry.local. 5 IN CNAME api.example.org."]
    assert (await program.ask(SRV, "SRV")).rdatas == ["0 1 3000 api.example.org."]


async def test_an_alias_inside_the_zone_is_followed_in_order(program: Program) -> None:
    await program.register("h", address="other.registry.local")
    await program.register("o", service="other", address="10.0.0.7")
    assert (await program.ask(NAME)).answer == [
        "user-service.registry.local. 5 IN CNAME other.registry.local.",
        "other.registry.local. 5 IN A 10.0.0.7",
    ]


async def test_a_host_name_in_the_zone_comes_with_its_addresses(program: Program) -> None:
    """RFC 2782 looks for the target's address records in the Additional Data section first."""
    await program.register("h", address="other.registry.local", port=3000)
    assert (await program.ask(SRV, "SRV")).additional == []
    await program.register("o4", service="other", address="10.0.0.7")
    await program.register("o6", service="other", address="2001:db8::7")
    for address in ("10.0.0.8", "10.0.0.9"):
        await program.register("o4", service="other", address=address)
        for _ in range(3):
            reply = await program.ask(SRV, "SRV")
            assert reply.rdatas == ["0 1 3000 other.registry.local."]
            assert reply.additional == [
                f"other.registry.local. 5 IN A {address}",
                "other.registry.local. 5 IN AAAA 2001:db8::7",
            ]


async def test_host_names_in_the_zone_keep_no_long_answer_from_being_kept(program: Program) -> None:
    await program.register("h", address="other.registry.local", port=3000)
    await program.register("o", service="other", address="10.0.0.7")
    for number in range(20):
        await program.register(f"i{number}", address=f"10.0.1.{number}")
    for _ in range(4):
        reply = await program.ask(SRV, "SRV", edns=1232)
        assert len(reply.rdatas) == 21
    assert (await program.read_stats())["dns"]["hits"] > 0


async def test_an_alias_to_a_missing_name_is_nxdomain_with_the_alias(program: Program) -> None:
    """RFC 6604, 3: the RCODE is that of the last name in the chain."""
    await program.register("h", address="nobody.registry.local")
    reply = await program.ask(NAME)
    assert reply.rcode == "NXDOMAIN"
    assert reply.answer == ["user-service.registry.local. 5 IN CNAME nobody.registry.local."]
    assert len(reply.authority) == 1


async def test_a_loop_of_aliases_is_refused_at_registration(program: Program) -> None:
    await program.register("a", service="one", address="two.registry.local")
    body = {"service": "two", "address": "one.registry.local", "port": 80}
    async with program.http.put("/v1/instances/b", json=body) as response:
        assert (response.status, (await response.json())["field"]) == (422, "address")


async def test_a_loop_that_arises_later_is_servfail(program: Program) -> None:
    """While `two` has an address it is no alias, and `one` may point to it."""
    await program.register("with-address", service="two", address="10.0.0.1")
    await program.register("b", service="two", address="one.registry.local")
    await program.register("a", service="one", address="two.registry.local")
    await program.remove("with-address")
    for name in ("one", "two"):
        reply = await program.ask(f"{name}.registry.local")
        assert (reply.rcode, reply.answer) == ("SERVFAIL", [])


async def test_several_host_names_are_no_alias(program: Program) -> None:
    await program.register("h1", address="a.example.org")
    await program.register("h2", address="b.example.org")
    reply = await program.ask(NAME)
    assert (reply.rcode, reply.answer) == ("NOERROR", [])
    assert sorted((await program.ask(SRV, "SRV")).rdatas) == [
        "0 1 8080 a.example.org.",
        "0 1 8080 b.example.org.",
    ]


async def test_beside_an_address_a_host_name_is_no_alias(program: Program) -> None:
    await program.register("h", address="a.example.org")
    await program.register("i", address="10.0.0.1")
    assert (await program.ask(NAME)).answer == ["user-service.registry.local. 5 IN A 10.0.0.1"]


async def test_any_is_one_rrset_and_not_larger_than_a(house: Program) -> None:
    """RFC 8482, 4.1: a subset of what there is may be the whole answer; it should be small."""
    addresses = await house.ask(NAME)
    reply = await house.ask(NAME, "ANY")
    assert sorted(reply.answer) == sorted(addresses.answer)
    assert len(reply.wire) <= len(addresses.wire)


async def test_any_without_addresses_is_hinfo(house: Program) -> None:
    """RFC 8482, 4.2: "The CPU field of the HINFO RDATA SHOULD be set to "RFC8482"."""
    reply = await house.ask(SRV, "ANY")
    assert reply.answer == ['_user-service._tcp.registry.local. 1 IN HINFO "RFC8482" ""']


@pytest.mark.parametrize(("priority", "weight"), [(0, 0), (65535, 65535), (7, 300)])
async def test_priority_and_weight_pass_through(
    program: Program, priority: int, weight: int
) -> None:
    await program.register("i", priority=priority, weight=weight, port=65535)
    assert (await program.ask(SRV, "SRV")).rdatas == [
        f"{priority} {weight} 65535 i.i.registry.local."
    ]


async def test_another_origin_is_answered_in_place_of_the_first(start: Start) -> None:
    program = await start(zone="Svc.Example.Internal.", dns_ttl=20)
    await program.register("i")
    assert (await program.ask("user-service.svc.example.internal")).answer == [
        "user-service.svc.example.internal. 20 IN A 10.0.0.1"
    ]
    assert (await program.ask(NAME)).rcode == "REFUSED"


@pytest.mark.parametrize("tcp", [False, True])
async def test_all_of_it_is_the_same_over_ipv6(start: Start, ipv6: str, tcp: bool) -> None:
    program = await start(dns_host=f"127.0.0.1,{ipv6}")
    await program.register("i1")
    answers = [
        (await program.ask(SRV, "SRV", host=host, tcp=tcp, id=1)).wire
        for host in ("127.0.0.1", ipv6)
    ]
    assert answers[0] == answers[1]
