"""Browsing for services as DNS-SD clients do (RFC 6763)."""

import pytest

from tests.conftest import Start
from tests.program import Program

SERVICE = "_user-service._tcp.registry.local"
TYPES = "_services._dns-sd._udp.registry.local"


@pytest.fixture
async def printers(program: Program) -> Program:
    """Two printers of one type, one of them with colour, and a scanner."""
    await program.register(
        "Office.2nd-floor",
        service="ipp",
        address=["10.0.0.1", "2001:db8::1"],
        port=631,
        tags=["Colour"],
        metadata={"rp": "ipp/print", "Duplex": True, "pdl": None, "copies": 99},
        version="1.1",
    )
    await program.register("hall", service="ipp", address="10.0.0.2", port=632)
    await program.register("glass", service="scan", address="10.0.0.3", port=80, protocol="udp")
    return program


async def test_a_browser_finds_types_then_instances_then_each_place(printers: Program) -> None:
    """RFC 6763, 9, 4 and 5: each answer is the next question, in one conversation."""
    types = await printers.ask(TYPES, "PTR")
    assert (types.rcode, types.flags) == ("NOERROR", "QR AA RD")
    assert types.rdatas == ["_ipp._tcp.registry.local.", "_scan._udp.registry.local."]
    found = {}
    for service in types.rdatas:
        for instance in (await printers.ask(service, "PTR")).rdatas:
            [srv] = (await printers.ask(instance, "SRV")).rdatas
            host = srv.split()[3]
            addresses = [
                address
                for rtype in ("A", "AAAA")
                for address in (await printers.ask(host, rtype)).rdatas
            ]
            found[instance.partition("._")[0]] = (srv.split()[2], addresses)
    assert found == {
        "office\\.2nd-floor": ("631", ["10.0.0.1", "2001:db8::1"]),
        "hall": ("632", ["10.0.0.2"]),
        "glass": ("80", ["10.0.0.3"]),
    }


async def test_one_question_brings_all_that_a_browser_shows(printers: Program) -> None:
    """RFC 6763, 12.1: "include ... The SRV record(s) ... The TXT record(s) ... All address"."""
    reply = await printers.ask("_ipp._tcp.registry.local", "PTR", edns=1232)
    assert sorted(reply.rdatas) == [
        "hall._ipp._tcp.registry.local.",
        "office\\.2nd-floor._ipp._tcp.registry.local.",
    ]
    kinds = [line.split(" ", 4)[3] for line in reply.additional]
    assert sorted(kinds) == ["A", "A", "AAAA", "SRV", "SRV", "TXT", "TXT"]
    for line in reply.additional:
        owner, _, _, rtype, _ = line.split(" ", 4)
        assert line in (await printers.ask(owner, rtype)).answer


async def test_srv_in_additional_stands_alone_without_its_glue(printers: Program) -> None:
    """RFC 6763, 12.2: for SRV, "All address records (type "A" and "AAAA") named"."""
    reply = await printers.ask("office\\.2nd-floor._ipp._tcp.registry.local", "SRV")
    assert [line.split()[3] for line in reply.additional] == ["A", "AAAA"]


async def test_metadata_is_told_as_key_value_pairs(printers: Program) -> None:
    """RFC 6763, 6.4: the key's case is kept; a key alone is "present, with no value"."""
    name = "OFFICE\\.2nd-Floor._ipp._tcp.registry.local"
    text = '"version=1.1" "rp=ipp/print" "Duplex" "copies=99"'
    reply = await printers.ask(name, "TXT")
    assert reply.answer == [f"{name}. 5 IN TXT {text}"]
    [srv] = (await printers.ask(name, "SRV")).rdatas
    assert (await printers.ask(srv.split()[3], "TXT")).rdatas == [text]


async def test_without_metadata_there_is_one_empty_string(printers: Program) -> None:
    """RFC 6763, 6.1: "an empty TXT record containing zero strings is not allowed"."""
    reply = await printers.ask("hall._ipp._tcp.registry.local", "TXT")
    assert reply.rdatas == ['""']


async def test_a_subtype_narrows_the_list(printers: Program) -> None:
    """RFC 6763, 7.1: the same instance names under another name."""
    reply = await printers.ask("COLOUR._sub._ipp._tcp.registry.local", "PTR")
    assert reply.rdatas == ["office\\.2nd-floor._ipp._tcp.registry.local."]
    reply = await printers.ask("staple._sub._ipp._tcp.registry.local", "PTR")
    assert reply.rcode == "NXDOMAIN"


@pytest.mark.parametrize(
    "name", ["_sub._ipp._tcp", "_dns-sd._udp", "_tcp", "hall._ipp._tcp", "_ipp._tcp"]
)
async def test_a_name_with_others_below_it_is_never_denied(printers: Program, name: str) -> None:
    """RFC 8020: NXDOMAIN for a name denies all names below it."""
    reply = await printers.ask(f"{name}.registry.local", "MX")
    assert (reply.rcode, reply.answer, len(reply.authority)) == ("NOERROR", [], 1)


async def test_what_goes_is_listed_no_more(printers: Program) -> None:
    await printers.set_status("hall", "draining")
    assert len((await printers.ask("_ipp._tcp.registry.local", "PTR")).rdatas) == 1
    for rtype in ("SRV", "TXT"):
        reply = await printers.ask("hall._ipp._tcp.registry.local", rtype)
        assert (reply.rcode, reply.answer) == ("NOERROR", [])
    assert (await printers.ask("hall.i.registry.local", "TXT")).rdatas == ['""']
    await printers.remove("glass")
    assert (await printers.ask(TYPES, "PTR")).rdatas == ["_ipp._tcp.registry.local."]
    assert (await printers.ask("glass._scan._udp.registry.local", "TXT")).rcode == "NXDOMAIN"


async def test_no_services_are_no_data(program: Program) -> None:
    reply = await program.ask(TYPES, "PTR")
    assert (reply.rcode, reply.answer, len(reply.authority)) == ("NOERROR", [], 1)


async def test_metadata_that_changes_shows_at_once_and_counts(printers: Program) -> None:
    name = "hall._ipp._tcp.registry.local"
    before = (await printers.read_stats())["zone"]["serial"]
    fields = {"service": "ipp", "address": "10.0.0.2", "port": 632}
    await printers.register("hall", **fields, metadata={"note": "é"})
    assert (await printers.ask(name, "TXT")).rdatas == ['"note=\\195\\169"']
    assert (await printers.read_stats())["zone"]["serial"] == before + 1


async def test_more_metadata_than_dns_carries_is_told_in_part(program: Program) -> None:
    """RFC 6763, 6.2: up to 1300 octets; a string too long is left out, the others stand."""
    metadata = {"long": "x" * 300, **{f"k{number:03}": "y" * 100 for number in range(100)}}
    await program.register("i", metadata=metadata)
    reply = await program.ask("i.i.registry.local", "TXT", tcp=True)
    [strings] = reply.rdatas
    assert strings.count('"k') == 1300 // 106
    assert strings.startswith('"k000=yyy')
    truncated = await program.ask("i.i.registry.local", "TXT", edns=1232)
    assert (truncated.flags, truncated.answer) == ("QR AA TC RD", [])


async def test_a_hundred_instances_are_listed_whole_over_tcp(start: Start) -> None:
    program = await start(service_limits="*=3")
    await program.register_all(
        [
            {"id": f"i{n}", "service": "user-service", "address": f"10.0.0.{n}", "port": 80}
            for n in range(100)
        ]
    )
    reply = await program.ask(SERVICE, "PTR", tcp=True)
    assert len(set(reply.rdatas)) == 100
    truncated = await program.ask(SERVICE, "PTR", edns=1232)
    assert "TC" in truncated.flags
    assert set(truncated.rdatas) < set(reply.rdatas)
    assert len((await program.ask(SERVICE, "SRV")).rdatas) == 3
