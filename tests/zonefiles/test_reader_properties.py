"""What is written is read back, and no text breaks the reader."""

from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given, settings
from hypothesis import strategies as st

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, CNAME, NS, SRV, TXT, A
from dnsregistry.zone.rrset import RRset
from dnsregistry.zonefiles.entries import split_entries
from dnsregistry.zonefiles.fault import Fault, ZoneFileError
from dnsregistry.zonefiles.load import load_zone
from dnsregistry.zonefiles.sources import Sources
from tests.zonefiles.conftest import HEAD
from tests.zonefiles.text import rrsets_of

TEST = Name.from_text("test")

labels = st.binary(min_size=1, max_size=20).map(bytes.lower)
names = st.lists(labels, max_size=4).map(lambda held: Name((*held, *TEST.labels)))
numbers = st.integers(0, 65535)
rdatas = st.one_of(
    st.builds(A, st.integers(0, 2**32 - 1).map(IPv4Address)),
    st.builds(AAAA, st.integers(0, 2**128 - 1).map(IPv6Address)),
    st.builds(NS, names),
    st.builds(CNAME, names),
    st.builds(SRV, numbers, numbers, numbers, names),
    st.builds(TXT, st.lists(st.binary(max_size=255), min_size=1, max_size=4).map(tuple)),
)
rrsets = st.builds(
    lambda owner, ttl, rdata: RRset(owner, rdata.rtype, ttl, (rdata,)),
    names,
    st.integers(0, 2**31 - 1),
    rdatas,
)


@given(rrsets)
def test_the_presentation_format_is_read_back_to_the_same_values(rrset: RRset) -> None:
    (line,) = rrset.lines()
    (read,) = rrsets_of(line, "test")
    assert (read.owner, read.rtype, read.ttl, read.rdatas) == (
        rrset.owner,
        rrset.rtype,
        rrset.ttl,
        rrset.rdatas,
    )


WORDS = r"""
@ x * ( ) " ; \ \0 \000 \# . .. $ $TTL $ORIGIN $INCLUDE $GENERATE IN CH 60 1h 4294967296 -1 é
A AAAA NS SOA TXT SRV CNAME MX TYPE65280 DNAME HTTPS LOC APL NAPTR RRSIG NSEC OPT ANY
192.0.2.1 ::1 x.zone / ٣
"""
pieces = st.sampled_from(
    [*WORDS.split(), " ", " ", "\t", "\n", "\n", "\r", "\ufeff", "\u2028", "\x7f"]
)


def refuse(octets: bytes, live_origin: Name | None = None) -> tuple[Fault, ...]:
    """The faults of a file; none where it is read."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "test.zone")
        path.write_bytes(octets)
        try:
            load_zone(path, TEST, live_origin, Sources(path.parent))
        except ZoneFileError as error:
            return error.faults
    return ()


@settings(deadline=None)
@given(st.lists(pieces | st.just(" "), max_size=40).map("".join))
@example("\\")
@example("x A \\")
@example('x TXT "\\"')
@example("x LOC 1 2 3 4")
@example("x APL 1:192.0.2.1/99")
@example("x A \\# 4 0000000")
@example("٣ ٣ A 192.0.2.1")
@example("x ٣ A 192.0.2.1")
@example("$TTL ٣")
@example("x SRV ٣ ٣ ٣ x")
def test_any_text_is_read_or_refused_with_faults_in_its_lines(text: str) -> None:
    octets = HEAD.encode() + text.encode()
    last = 1 + octets.count(b"\n") + octets.count(b"\r")
    for fault in refuse(octets):
        assert 1 <= fault.line <= last
        assert fault.reason


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    assert all(fault.reason for fault in refuse(octets, live_origin=TEST))


@given(st.text(alphabet='ab ();"\\\n', max_size=40))
def test_entries_are_the_lines_of_the_text_in_order(text: str) -> None:
    lines = text.split("\n")
    last = 0
    for entry in split_entries(text):
        assert entry.line > last
        count = entry.text.count("\n") + 1
        last = entry.line + count - 1
        if entry.fault is None:
            assert entry.text == "\n".join(lines[entry.line - 1 : last])
