"""What a file must be to be served, and what is said where it is not."""

import os
from pathlib import Path

import pytest

from dnsregistry.zone.lookup import Found
from dnsregistry.zone.name import Name
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.tree import Tree
from dnsregistry.zonefiles.fault import ZoneFileError
from dnsregistry.zonefiles.load import Unwanted, load_zone
from dnsregistry.zonefiles.naming import read_origin, show
from dnsregistry.zonefiles.reader import MOST_FAULTS
from dnsregistry.zonefiles.sources import Sources
from tests.zonefiles.conftest import HEAD, HEAD_LINES, HEAD_RECORDS, Zones
from tests.zonefiles.text import ask, tell


def faults(zones: Zones, text: str | bytes, name: str = "test.zone") -> list[tuple[int, str]]:
    """Lines and reasons, the head's lines not counted; all in the file itself."""
    path = zones.write(name, text)
    with pytest.raises(ZoneFileError) as caught:
        zones.load(name)
    assert {fault.file for fault in caught.value.faults} == {str(path)}
    assert str(caught.value) == "\n".join(
        f"{path}:{fault.line}: {fault.reason}" for fault in caught.value.faults
    )
    return [(fault.line - HEAD_LINES, fault.reason) for fault in caught.value.faults]


def warnings(zones: Zones, text: str, name: str = "test.zone") -> list[tuple[int, str]]:
    """Lines and reasons, the head's lines not counted."""
    zones.write(name, text)
    return [(fault.line - HEAD_LINES, fault.reason) for fault in zones.load(name).warnings]


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("www A", 1, "bad A data"),
        ("www A 192.0.2", 1, "bad A data"),
        ("www A 192.0.2.1 extra", 1, "bad A data"),
        ("www A 192.0.2.256", 1, "bad A data"),
        ("www AAAA 192.0.2.1", 1, "bad AAAA data"),
        ("www MX mail", 1, "bad MX data"),
        ("www SRV 0 0 65536 x", 1, "bad SRV data: 65536"),
        ("www TXT", 1, "bad TXT data"),
        ('www TXT "' + "x" * 256 + '"', 1, "bad TXT data"),
        ("www TXT \\256", 1, "bad TXT data"),
        ("www TXT" + f" {'x' * 255}" * 256, 1, "the data is longer than 65535 octets"),
        ("www TYPE65280 \\# 3 0102", 1, "wrong length"),
        ("www A \\# 5 0102030405", 1, "bad A data"),
        ("www", 1, "a record has no type"),
        ("www 60 IN", 1, "a record has no type"),
        ("www FOO x", 1, "FOO is no record type"),
        ("www ANY x", 1, "the class ANY is not IN"),
        ("www IN ANY x", 1, "ANY is no type that a zone can hold"),
        ("www OPT x", 1, "OPT is no type that a zone can hold"),
        ("www TYPE0 \\# 0", 1, "TYPE0 is no type that a zone can hold"),
        ("www CH A 192.0.2.1", 1, "the class CH is not IN"),
        ("www 60x A 192.0.2.1", 1, "60x is no TTL"),
        ("www 2147483648 A 192.0.2.1", 1, "above 2147483647"),
        ("a..b A 192.0.2.1", 1, "label is empty"),
        ("x" * 64 + " A 192.0.2.1", 1, "63"),
        (".".join(["x" * 60] * 5) + " A 192.0.2.1", 1, "255"),
        ("www\\300 A 192.0.2.1", 1, "escape"),
        ("bücher A 192.0.2.1", 1, "bücher is not ASCII; write its xn-- form"),
        ("www CNAME bücher", 1, "bücher is not ASCII"),
        ('"www" A 192.0.2.1', 1, "expecting an identifier"),
        ('www TXT "no end', 1, "a quoted string does not end on its line"),
        ("www A 192.0.2.1 )", 1, "a parenthesis is closed and was never opened"),
        ("\nwww A (\n\n192.0.2.1\n", 2, "a parenthesis is opened and never closed"),
        ("www SRV ( 1\n 2\n x\n y )\n", 3, "bad SRV data"),
        ("www SRV ( 1 ; one\n 2 ; two\n 3 ; three\n)\n", 4, "bad SRV data"),
        ("@ SOA ns1 h (1 2 3 4\n\n\n\n5q)", 5, "bad SOA data: unknown unit 'q'"),
        ("$ORIGIN", 1, "expecting an identifier"),
        ("$ORIGIN a b", 1, 'got 3 "b"'),
        ("$ORIGIN a..b", 1, "label is empty"),
        ("$TTL", 1, "$TTL has no value"),
        ("$TTL never", 1, "never is no TTL"),
        ("$TTL 4294967295", 1, "above 2147483647"),
        ("$GENERATE 1-9 host$ A 192.0.2.$", 1, "$GENERATE is not read; write the records out"),
        ("$NOTHING x", 1, "there is no directive $NOTHING"),
        ("$INCLUDE", 1, "$INCLUDE names no file"),
        ("$INCLUDE none.inc", 1, "$INCLUDE: none.inc cannot be read: No such file or directory"),
        ("@ SOA ns2 h 1 2 3 4 5", 1, "test. has a second SOA"),
        ("www SOA ns2 h 1 2 3 4 5", 1, "not at test., where the zone begins"),
        ("www CNAME a\nwww TXT x", 1, "www.test. has a CNAME and other data"),
        ("www TXT x\nWWW CNAME a", 2, "www.test. has a CNAME and other data"),
        ("www CNAME a\nwww CNAME b", 2, "www.test. has a second CNAME"),
        ("www DNAME a.\nwww DNAME b.", 2, "www.test. has a second DNAME"),
        ("www DNAME a.\nwww NS b.", 1, "www.test. has a DNAME and is delegated"),
        ("* NS ns1", 1, "a wildcard cannot have this type"),
        ("*.x DNAME y.", 1, "a wildcard cannot have this type"),
    ],
)
def test_a_fault_is_told_with_its_line_and_reason(
    zones: Zones, text: str, line: int, reason: str
) -> None:
    found = faults(zones, HEAD + text)
    assert [number for number, _ in found] == [line], found
    assert reason in found[0][1]


def test_faults_that_do_not_hang_together_are_all_told(zones: Zones) -> None:
    text = "a A\nb A 192.0.2.1\nc FOO x\nd TXT (\n\nno'pe 'yes'\n )\ne A x\n"
    assert [line for line, _ in faults(zones, HEAD + text)] == [1, 3, 8]


def test_after_a_bad_directive_nothing_is_guessed(zones: Zones) -> None:
    assert [line for line, _ in faults(zones, HEAD + "$ORIGIN a..b\nx A y\n")] == [1]


def test_the_number_of_faults_is_bounded(zones: Zones) -> None:
    assert len(faults(zones, HEAD + "a A\n" * 1000)) == MOST_FAULTS


def test_a_zone_needs_its_soa(zones: Zones) -> None:
    assert faults(zones, "@ 60 NS ns1\n") == [(1 - HEAD_LINES, "test. has no SOA")]
    assert faults(zones, "") == [(1 - HEAD_LINES, "test. has no SOA")]


def test_the_first_record_needs_an_owner_and_a_ttl(zones: Zones) -> None:
    assert "no owner name" in faults(zones, "  60 TXT x\n" + HEAD)[0][1]
    assert "no TTL" in faults(zones, "www TXT x\n" + HEAD)[0][1]


@pytest.mark.parametrize(
    ("octets", "line", "reason"),
    [
        (b"\nx TXT \xff\n", 6, "is not UTF-8"),
        (b"x TXT a\n\n\0", 7, "has a NUL octet"),
        ("x TXT a\n".encode("utf-16"), 5, "has a NUL octet"),
    ],
)
def test_a_file_that_is_no_text_is_told_with_the_line(
    zones: Zones, octets: bytes, line: int, reason: str
) -> None:
    (found,) = faults(zones, HEAD.encode() + octets)
    assert found[0] + HEAD_LINES == line
    assert reason in found[1]


def test_lines_may_end_as_on_other_systems_and_begin_with_a_mark(zones: Zones) -> None:
    text = (HEAD + 'www TXT ( "a"\n "b" ) ; c\nwww TXT c').replace("\n", "\r\n")
    zones.write("test.zone", "\ufeff" + text)
    assert zones.load("test.zone").records == HEAD_RECORDS + 2
    zones.write("test.zone", text.replace("\r\n", "\r"))
    assert zones.load("test.zone").records == HEAD_RECORDS + 2


def test_what_is_no_regular_file_is_refused_at_once(zones: Zones) -> None:
    os.mkfifo(zones.path / "pipe.zone")
    (zones.path / "folder.zone").mkdir()
    (zones.path / "device.zone").symlink_to("/dev/zero")
    for name in ("pipe.zone", "device.zone", "folder.zone"):
        with pytest.raises(ZoneFileError, match="is no regular file"):
            zones.load(name)
    with pytest.raises(ZoneFileError, match=r"missing\.zone:1: cannot be read: No such file"):
        zones.load("missing.zone")


def test_all_files_of_a_zone_together_are_bounded(zones: Zones) -> None:
    zones.write("test.zone", HEAD + "$INCLUDE x.inc\n" * 10)
    zones.write("x.inc", "x TXT x\n" + ";" * 1000)
    assert zones.load("test.zone").records == HEAD_RECORDS + 1
    with pytest.raises(ZoneFileError, match="larger than 5000 octets together"):
        zones.load("test.zone", largest=5000)
    with pytest.raises(ZoneFileError, match=r"test\.zone:1: .* larger than 50 octets"):
        zones.load("test.zone", largest=50)


def test_reading_is_given_up_when_nobody_waits_for_it(zones: Zones) -> None:
    path = zones.write("test.zone", HEAD + "x TXT x\n" * 100)
    asked = 0

    def wanted() -> bool:
        nonlocal asked
        asked += 1
        return asked < 10

    with pytest.raises(Unwanted):
        load_zone(path, Name.from_text("test"), None, Sources(zones.path), wanted)
    assert asked < 20


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("www.other. A 192.0.2.1", 1, "www.other. is outside the zone test., and left out"),
        ("$ORIGIN other.\nwww A 192.0.2.1", 2, "www.other. is outside the zone"),
        ("www A 192.0.2.1\nwww 61 A 192.0.2.2", 2, "the TTLs of www.test. differ; 60 counts"),
        ("www NS ns.www", 1, "the name server ns.www.test. has no address in the zone"),
        ("x CNAME y\nwww MX 1 x", 2, "x.test. is an alias, which may not stand here (RFC 2181"),
        ("x CNAME y\nwww SRV 1 1 1 x", 2, "x.test. is an alias, which may not stand here"),
        ("sub NS ns1\nx.sub TXT x", 2, "x.sub.test. is not answered: sub.test. is delegated"),
        ("sub NS ns1\nsub TXT x", 2, "sub.test. is not answered: sub.test. is delegated"),
        ("old DNAME new.\nx.old TXT x", 2, "the DNAME of old.test. redirects it"),
        (
            "x RRSIG A 8 2 60 20300101000000 20200101000000 1 test. AAAA",
            1,
            "signatures are answered only where they are asked for by type",
        ),
    ],
)
def test_a_warning_is_told_with_its_line_and_reason(
    zones: Zones, text: str, line: int, reason: str
) -> None:
    found = warnings(zones, HEAD + text)
    assert [number for number, _ in found] == [line], found
    assert reason in found[0][1]


def test_sound_delegations_and_targets_warn_of_nothing(zones: Zones) -> None:
    text = """
sub NS ns.sub
sub NS sub
sub NS ns.other.
sub A 192.0.2.1
sub DS 1 8 2 0102030405060708091011121314151617181920212223242526272829303132
ns.sub AAAA 2001:db8::1
@ MX 0 .
@ MX 1 nobody
_x._tcp SRV 0 0 0 .
"""
    assert warnings(zones, HEAD + text) == []


def test_a_zone_without_name_servers_is_served_with_a_warning(zones: Zones) -> None:
    found = warnings(zones, "\n@ 60 SOA ns1 h 1 2 3 4 5\n")
    assert found == [(2 - HEAD_LINES, "test. has no NS, so that nobody can delegate to it")]


def test_records_in_the_live_zones_place_are_warned_of(zones: Zones) -> None:
    text = """\
registry NS ns1.registry
registry NS ns1
ns1.registry A 192.0.2.1
registry A 192.0.2.2
www.registry A 192.0.2.3
registry TXT x
x.y.registry TXT x
"""
    zones.write("local.zone", HEAD + text)
    found = [(fault.line - HEAD_LINES, fault.reason) for fault in zones.load("local.zone").warnings]
    assert [line for line, _ in found] == [4, 5, 6, 7]
    assert all("belongs to the live zone registry.local." in reason for _, reason in found)


def test_an_overlay_needs_no_soa_and_loses_the_one_it_has(zones: Zones) -> None:
    zones.write("registry.local.zone", "www 60 A 192.0.2.1\n")
    overlay = zones.load("registry.local.zone")
    assert isinstance(overlay.content, Tree)
    assert (overlay.records, overlay.serial, overlay.warnings) == (1, None, ())
    zones.write("registry.local.zone", HEAD)
    overlay = zones.load("registry.local.zone")
    assert isinstance(overlay.content, Tree)
    assert 6 not in overlay.content.apex.rrsets
    assert [fault.reason for fault in overlay.warnings] == [
        "the live zone's own SOA is answered, not this one"
    ]
    assert overlay.records == HEAD_RECORDS - 1
    assert faults(zones, "x 60 DNAME y.\n", "registry.local.zone") == [
        (1 - HEAD_LINES, "the DNAME of x.registry.local. would hide live names")
    ]


def test_the_lowest_of_different_ttls_counts(zones: Zones) -> None:
    zones.write("test.zone", HEAD + "www 50 A 192.0.2.1\nwww 40 A 192.0.2.2\nwww 45 A 192.0.2.2\n")
    content = zones.load("test.zone").content
    assert isinstance(content, StaticZone)
    assert tell(ask(content, "www.test", "A")) == [
        "www.test. 40 IN A 192.0.2.1",
        "www.test. 40 IN A 192.0.2.2",
    ]


def test_addresses_take_turns_and_other_records_keep_their_order(zones: Zones) -> None:
    text = "www A 192.0.2.1\nwww A 192.0.2.2\n@ MX 1 b\n@ MX 1 a\n_x._tcp SRV 3 4 5 a\n"
    zones.write("test.zone", HEAD + text)
    content = zones.load("test.zone").content
    assert isinstance(content, StaticZone)
    preferences = {}
    for name, rtype in (("www.test", "A"), ("test", "MX"), ("_x._tcp.test", "SRV")):
        lookup = ask(content, name, rtype)
        assert isinstance(lookup, Found)
        preferences[rtype] = [tuple(each) for each in lookup.rrset.preferences]
    assert preferences == {"A": [(0, 1), (0, 1)], "MX": [], "SRV": [(3, 4)]}


def test_a_ttl_not_written_is_the_soas_minimum_where_nothing_else_is(zones: Zones) -> None:
    zones.write("test.zone", "@ SOA ns1 h 1 2 3 4 77\n@ NS x.\nwww 5 TXT a\nweb TXT b\n")
    content = zones.load("test.zone").content
    assert isinstance(content, StaticZone)
    assert tell(ask(content, "web.test", "TXT")) == ['web.test. 77 IN TXT "b"']
    assert tell(ask(content, "www.test", "TXT")) == ['www.test. 5 IN TXT "a"']
    zones.write("test.zone", "@ 9 SOA ns1 h 1 2 3 4 77\n@ NS x.\nwww 5 TXT a\nweb TXT b\n")
    content = zones.load("test.zone").content
    assert isinstance(content, StaticZone)
    assert tell(ask(content, "web.test", "TXT")) == ['web.test. 5 IN TXT "b"']


@pytest.mark.parametrize(
    ("name", "origin"),
    [
        ("example.test.zone", "example.test."),
        ("EXAMPLE.Test.zone", "example.test."),
        ("lan.zone", "lan."),
        ("2.0.192.in-addr.arpa.zone", "2.0.192.in-addr.arpa."),
        ("0\\04725.2.0.192.in-addr.arpa.zone", "0/25.2.0.192.in-addr.arpa."),
        ("zone.zone", "zone."),
    ],
)
def test_the_files_name_is_the_origin(name: str, origin: str) -> None:
    assert str(read_origin(name)) == origin


@pytest.mark.parametrize(
    "name",
    [
        ".zone",
        "test.txt",
        "a..b.zone",
        ".test.zone",
        "x" * 64 + ".zone",
        "bücher.zone",
        "a\\b1.zone.x",
    ],
)
def test_a_files_name_that_is_no_origin_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_origin(name)


def test_any_path_can_be_shown() -> None:
    assert show(Path(os.fsdecode(b"zones/\xff\n\x1b.zone"))) == "zones/\\xff\\n\\x1b.zone"
    assert show(Path("zones/bücher.zone")) == "zones/bücher.zone"
