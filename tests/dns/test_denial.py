"""What is answered for names and types that are not there."""

import pytest

from tests.conftest import Start
from tests.program import Clock, Program

SRV = "_user-service._tcp.registry.local"
NAME = "user-service.registry.local"
# The clock's time at the start, and one for each of the three registrations.
SOA = (
    "registry.local. 1 IN SOA ns1.registry.local. hostmaster.registry.local."
    " 3030196227 60 15 86400 1"
)


async def test_aaaa_of_a_service_with_ipv4_alone_is_nodata(house: Program) -> None:
    """RFC 2308, 2.2: NODATA is "RCODE set to NOERROR" and no answer; the name exists."""
    reply = await house.ask(NAME, "AAAA")
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA RD")
    assert (reply.answer, reply.authority, reply.additional) == ([], [SOA], [])


@pytest.mark.parametrize("rtype", ["MX", "HINFO", "CNAME", "NAPTR", "TYPE65280"])
async def test_another_type_of_an_existing_name_is_nodata(house: Program, rtype: str) -> None:
    for name in (NAME, SRV, "i1.i.registry.local"):
        reply = await house.ask(name, rtype)
        assert (reply.rcode, reply.answer, reply.authority) == ("NOERROR", [], [SOA])


@pytest.mark.parametrize(
    "name",
    [
        "nobody.registry.local",
        "_nobody._tcp.registry.local",
        "_user-service._udp.registry.local",
        "i4.i.registry.local",
        "v1.user-service.registry.local",
        "a.b.user-service.registry.local",
        "_http._tcp.user-service.registry.local",
        "www.example.com.registry.local",
    ],
)
async def test_an_unknown_name_is_nxdomain_with_one_soa_of_the_apex(
    house: Program, name: str
) -> None:
    """RFC 2308, 3: name servers "MUST include the SOA record" in the authority section."""
    reply = await house.ask(name, "SRV")
    assert (reply.rcode, reply.flags) == ("NXDOMAIN", "QR AA RD")
    assert (reply.answer, reply.authority, reply.additional) == ([], [SOA], [])


@pytest.mark.parametrize(
    "name",
    [
        "_tcp.registry.local",
        "_udp.registry.local",
        "i.registry.local",
        "cap.registry.local",
        "_tcp.cap.registry.local",
        "_tcp.ported.registry.local",
    ],
)
async def test_an_empty_non_terminal_is_nodata(program: Program, name: str) -> None:
    """RFC 8020, 2: NXDOMAIN would deny every name below it too."""
    await program.register("p", service="ported", ports={"http": 80})
    reply = await program.ask(name)
    assert (reply.rcode, reply.answer, len(reply.authority)) == ("NOERROR", [], 1)


async def test_the_negative_ttl_is_that_of_the_soa_and_its_minimum(start: Start) -> None:
    """RFC 2308, 5: "the minimum of the MINIMUM field of the SOA record and the TTL of the SOA"."""
    program = await start(negative_ttl=7)
    [soa] = (await program.ask("nobody.registry.local")).authority
    fields = soa.split()
    assert (fields[1], fields[-1]) == ("7", "7")


@pytest.mark.parametrize(
    "name", [".", "local", "example.com", "xregistry.local", "registry.local.example.com"]
)
async def test_a_name_outside_the_zone_is_refused(house: Program, name: str) -> None:
    reply = await house.ask(name)
    assert (reply.rcode, reply.flags) == ("REFUSED", "QR RD")
    assert (reply.answer, reply.authority, reply.additional) == ([], [], [])


async def _start_without_healthy(start: Start, empty_service: str) -> Program:
    program = await start(empty_service=empty_service)
    await program.register("drains", address="10.0.0.1", status="draining")
    await program.register("rests", address="10.0.0.2", status="maintenance")
    return program


@pytest.mark.parametrize(
    ("empty_service", "rcode", "addresses"),
    [("nodata", "NOERROR", []), ("nxdomain", "NXDOMAIN", []), ("all", "NOERROR", ["10.0.0.1"])],
)
async def test_a_service_without_healthy_instance_answers_as_its_owner_says(
    start: Start, empty_service: str, rcode: str, addresses: list[str]
) -> None:
    program = await _start_without_healthy(start, empty_service)
    for name, rtype in ((NAME, "A"), (SRV, "SRV")):
        reply = await program.ask(name, rtype)
        assert reply.rcode == rcode
        assert len(reply.answer) == len(addresses)
        assert len(reply.authority) == (0 if addresses else 1)
    assert (await program.ask(NAME)).rdatas == addresses


@pytest.mark.parametrize("empty_service", ["nodata", "nxdomain", "all"])
async def test_a_service_whose_last_lease_ended_is_nxdomain(
    start: Start, empty_service: str
) -> None:
    clock = Clock()
    program = await start(clock, empty_service=empty_service)
    await program.register("i", ttl=10)
    clock.advance(10)
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("service", "user.service", "dot"),
        ("service", "user service", "letters"),
        ("service", "u" * 63, "62"),
        ("service", "-user", "begin"),
        ("service", "ns1", "zone"),
        ("tags", ["v1.2"], "dot"),
        ("address", "a" * 64 + ".example.org", "63"),
        ("address", ".".join(["a" * 60] * 5), "253"),
    ],
)
async def test_a_name_that_dns_cannot_carry_is_refused_at_registration(
    program: Program, field: str, text: object, rule: str
) -> None:
    body = {"service": "user-service", "address": "10.0.0.1", "port": 1, field: text}
    async with program.http.put("/v1/instances/i", json=body) as response:
        problem = await response.json()
        assert (response.status, problem["type"], problem["field"]) == (422, "invalid-field", field)
        assert rule in problem["reason"]
    assert (await program.ask("i.i.registry.local")).rcode == "NXDOMAIN"
    assert (await program.ask(NAME)).rcode == "NXDOMAIN"
