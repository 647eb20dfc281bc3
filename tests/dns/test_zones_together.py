"""Zones of several sources in one program: files over live ones, reverse zones, what is kept."""

from pathlib import Path

import dns.edns
import pytest

from tests.conftest import Start
from tests.wire import Reply

HEAD = "$TTL 60\n@ SOA ns1 hostmaster 1 1h 15m 1w 1m\n  NS ns1\nns1 A 192.0.2.53\n"


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    folder = tmp_path / "zones"
    folder.mkdir()
    return folder


def _explain(reply: Reply) -> list[int]:
    return [int(o.code) for o in reply.message.options if isinstance(o, dns.edns.EDEOption)]


async def test_a_denial_of_one_type_denies_no_other(start: Start, zones: Path) -> None:
    """65, which is HTTPS, and 97 are one number but for a bit that letters have for their case."""
    (zones / "registry.local.zone").write_text("$TTL 60\nweb HTTPS 1 .\n")
    program = await start(zones_dir=str(zones))
    await program.register("w1", service="web")
    for _ in range(4):
        assert (await program.ask("web.registry.local", "TYPE97")).answer == []
    assert (await program.ask("web.registry.local", "HTTPS")).rdatas == ["1 ."]


async def test_an_address_of_another_name_goes_with_that_name(start: Start, zones: Path) -> None:
    (zones / "registry.local.zone").write_text("$TTL 60\nprinter A 192.0.2.1\n")
    program = await start(zones_dir=str(zones))
    await program.register("o1", service="other", address="10.7.7.7")
    await program.register("v1", service="via", address="other.registry.local")
    for _ in range(4):
        reply = await program.ask("_via._tcp.registry.local", "SRV")
        assert reply.additional == ["other.registry.local. 5 IN A 10.7.7.7"]
    await program.remove("o1")
    reply = await program.ask("_via._tcp.registry.local", "SRV")
    assert reply.additional == []


async def test_a_file_stands_over_an_automatic_reverse_zone(start: Start, zones: Path) -> None:
    (zones / "0.0.10.in-addr.arpa.zone").write_text(HEAD + "9 PTR printer.example.\n")
    program = await start(zones_dir=str(zones), reverse_zones="auto")
    name = "9.0.0.10.in-addr.arpa"
    await program.register("i1", address="10.0.0.1")
    assert (await program.ask(name, "PTR")).rdatas == ["printer.example."]
    await program.remove("i1")
    assert (await program.ask(name, "PTR")).rdatas == ["printer.example."]


async def test_a_broken_file_is_not_denied_by_an_empty_zone(start: Start, zones: Path) -> None:
    (zones / "10.in-addr.arpa.zone").write_text("broken\n")
    program = await start(zones_dir=str(zones), upstreams="127.0.0.1:9")
    reply = await program.ask("1.1.1.10.in-addr.arpa", "PTR", edns=1232)
    assert (reply.rcode, _explain(reply)) == ("SERVFAIL", [14])


async def test_a_name_that_is_not_ours_is_refused_and_says_so(start: Start) -> None:
    program = await start()
    reply = await program.ask("example.org", edns=1232)
    assert (reply.rcode, _explain(reply)) == ("REFUSED", [20])
    assert (await program.ask("example.org")).opts == 0


async def test_a_client_that_may_not_ask_is_told_so(start: Start) -> None:
    program = await start(allow_query="10.0.0.0/8")
    reply = await program.ask("registry.local", "SOA", edns=1232)
    assert (reply.rcode, _explain(reply)) == ("REFUSED", [18])


async def test_zone_files_are_counted_in_the_stats(start: Start, zones: Path) -> None:
    (zones / "example.test.zone").write_text(HEAD)
    (zones / "broken.test.zone").write_text("broken\n")
    program = await start(zones_dir=str(zones))
    stats = await program.read_stats()
    assert stats["zone_files"] == {"loaded": 1, "refused": 1, "zones": 1, "records": 3}


async def test_an_empty_list_lets_nobody_recurse(start: Start) -> None:
    program = await start(upstreams="127.0.0.1:9", allow_recursion="")
    assert (await program.ask("example.org")).flags == "QR RD"


async def test_instances_that_share_an_address_and_port_have_one_record(start: Start) -> None:
    program = await start()
    await program.register("d1", service="d", address=["10.9.0.1"], port=80)
    await program.register("d2", service="d", address=["10.9.0.1", "fd00::1"], port=80)
    reply = await program.ask("_d._tcp.registry.local", "SRV")
    assert reply.rdatas == ["0 1 80 d2.i.registry.local."]
