"""The table beside static zones, over and under the live one, and beside names made to mislead."""

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from dnsregistry.answers.access import Client
from dnsregistry.answers.responder import Responder
from dnsregistry.zone.authority import Source
from dnsregistry.zone.merged import MergedZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.tree import Tree
from tests.answers.test_table import UDP, House, TableBesideOrdinaryPath, _query, _read
from tests.zonefiles.text import rrsets_of

LIVE = "registry.local"
BELOW = f"static.{LIVE}"
ORIGIN = Name.from_text(LIVE).to_wire()
OVERLAYS = (
    "* 60 A 192.0.2.1\n",
    "web 60 A 192.0.2.2\nweb 60 MX 10 db\n",
    "a.i 60 A 192.0.2.3\n*.web 60 TXT wild\n",
    "web 60 NS ns.web\nns.web 60 A 192.0.2.4\n",
)
SERVERS = ("ns", "x", "xx", "y", "z.x", "web")
LABELS = (
    b"web",
    b"_web",
    b"_tcp",
    b"i",
    b"a",
    b"static",
    b"x",
    b"y",
    b"\0",
    b"x\0y",
    b"A\0",
    b"\x08registry\x05local\0",
    b"x" * 63,
)
HEADER = b"\x12\x34\1\0\0\1\0\0\0\0\0\0"


def _static(text: str, origin: str, server: str = "ns") -> StaticZone:
    soa = f"@ 60 SOA {server} {server} 1 60 60 60 60\n@ 60 NS {server}\n"
    return StaticZone(Name.from_text(origin), rrsets_of(soa + text, origin))


class TableBesideZones(TableBesideOrdinaryPath):
    """As its parent, with zones that come and go."""

    @rule(text=st.sampled_from(OVERLAYS))
    def lay_over(self, text: str) -> None:
        overlay = Tree(Name.from_text(LIVE), rrsets_of(text, LIVE))
        zone = MergedZone(self.house.zone, overlay, lambda *_: None)
        self.house.authority.put(zone, Source.FILE)
        self.house.zone.advance_serial()

    @rule(server=st.sampled_from(SERVERS))
    def put_below(self, server: str) -> None:
        text = "www 60 A 192.0.2.5\n*.www 60 A 192.0.2.6\na\\000b 60 A 192.0.2.7\n"
        self.house.authority.put(_static(text, BELOW, server), Source.FILE)

    @rule(origin=st.sampled_from([LIVE, BELOW]))
    def remove_zone(self, origin: str) -> None:
        try:
            self.house.authority.remove(Name.from_text(origin), Source.FILE)
        except KeyError:
            return

    @rule(
        labels=st.lists(st.sampled_from(LABELS), max_size=3),
        rtype=st.sampled_from([1, 28, 33, 16, 15, 43]),
        after=st.sampled_from([b"", b"\0", b"\0\0\1\0\1"]),
    )
    def ask_oddly(self, labels: list[bytes], rtype: int, after: bytes) -> None:
        wire = b"".join(bytes((len(label),)) + label for label in labels) + ORIGIN
        query = HEADER + wire + rtype.to_bytes(2) + b"\0\1" + after
        for _ in range(4):
            self.ordinary.table.clear()
            expected = _read(self.ordinary.respond(query, UDP))
            assert _read(self.tabled.respond(query, UDP)) == expected
            assert _read(self.worker.respond(query)) == expected

    @rule(name=st.sampled_from([f"{label}.{BELOW}" for label in ("www", "y", "x", "q.www", "a")]))
    def ask_below(self, name: str) -> None:
        for rtype in ("A", "AAAA", "NS"):
            self.ask(name, rtype, 1232, True, False)


TestTableBesideZones = TableBesideZones.TestCase
TestTableBesideZones.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)


def _ask_again(responder: Responder, query: bytes) -> list[object]:
    return [responder.respond(query, UDP) for _ in range(4)]


def _question(*labels: bytes) -> bytes:
    wire = b"".join(bytes((len(label),)) + label for label in labels)
    return HEADER + wire + ORIGIN + b"\0\1\0\1"


@pytest.mark.parametrize("label", [b"\0", b"a\0b", b"x" * 30 + b"\0b", b"\x08registry\x05local\0"])
def test_a_label_with_a_zero_octet_is_denied_and_not_kept(label: bytes) -> None:
    house = House()
    responder = house.build()
    for reply in _ask_again(responder, _question(label)):
        assert _read(reply)[2] == dns.rcode.NXDOMAIN
    assert (responder.table._names, responder.table._forms) == ({}, {})


def test_names_that_are_one_up_to_a_zero_octet_are_not_mistaken_for_each_other() -> None:
    house = House()
    zone = _static("a\\000b 60 A 192.0.2.1\na\\000c 60 A 192.0.2.2\n", BELOW)
    house.authority.put(zone, Source.FILE)
    responder = house.build()
    for label, last in ((b"a\0b", 1), (b"a\0c", 2)) * 2:
        for reply in _ask_again(responder, _question(label, b"static")):
            assert isinstance(reply, bytes)
            assert dns.message.from_wire(reply).answer[0][0].to_text() == f"192.0.2.{last}"


@pytest.mark.parametrize("server", ["x", "xx", "y.x", "ns"])
@pytest.mark.parametrize("others", ["y", "xx", "x.y", "zz.y"])
def test_a_static_denial_names_its_server_whoever_asks(server: str, others: str) -> None:
    house = House()
    house.authority.put(_static(f"{others} 60 TXT there\n", "example.test", server), Source.FILE)
    for reply in _ask_again(house.build(), _query(f"{others}.example.test", "A")):
        (soa,) = _read(reply)[-2]
        assert f" {server}.example.test. {server}.example.test. " in soa


@given(st.integers(64, 255), st.integers(0, 2))
def test_a_label_too_long_is_malformed_and_not_denied(length: int, below: int) -> None:
    house = House()
    responder = house.build()
    behind = b"\1z" * below
    octets = 1 + length + len(behind)
    for size in range(octets % 64 if octets % 64 > 1 else 2, octets + 1, 64):
        labels = [b"y" * 61, b"z"] * ((octets - size) // 64) + [b"w" * (size - 1)]
        if octets + len(ORIGIN) <= 255:
            _ask_again(responder, _question(*labels))
    query = HEADER + bytes((length,)) + b"y" * length + behind + ORIGIN + b"\0\1\0\1"
    for reply in _ask_again(responder, query):
        assert isinstance(reply, bytes)
        assert reply[3] & 0xF == dns.rcode.FORMERR


def test_what_is_kept_for_forged_clients_of_one_name_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.answers.table.MOST_OF_A_NAME", 50)
    house = House()
    house.fill(90)
    responder = house.build()
    query = _query("_web._tcp.registry.local", "SRV")
    for number in range(120):
        responder.respond(query, Client(f"10.9.9.{number}", tcp=False))
        assert all(len(entries) <= 50 for entries in responder.table._names.values())
    assert responder.table._names
