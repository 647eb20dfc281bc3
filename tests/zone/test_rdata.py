"""Records in presentation format, read back by dnspython."""

from ipaddress import IPv4Address, IPv6Address

import dns.rdata
import dns.rdatatype
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import (
    AAAA,
    CNAME,
    HINFO,
    NS,
    SOA,
    SRV,
    TXT,
    A,
    Opaque,
    Rdata,
    name_type,
)
from dnsregistry.zone.rrset import RRset

NS1 = Name.from_text("ns1.registry.local")


@pytest.mark.parametrize(
    ("rdata", "text"),
    [
        (A(IPv4Address("10.0.0.1")), "A 10.0.0.1"),
        (AAAA(IPv6Address("2001:db8::0:1")), "AAAA 2001:db8::1"),
        (NS(NS1), "NS ns1.registry.local."),
        (CNAME(NS1), "CNAME ns1.registry.local."),
        (SRV(0, 65535, 80, NS1), "SRV 0 65535 80 ns1.registry.local."),
        (
            SOA(NS1, NS1, 9, 60, 15, 86400, 1),
            "SOA ns1.registry.local. ns1.registry.local. 9 60 15 86400 1",
        ),
        (TXT((b"a=b", b'"\\\x00')), 'TXT "a=b" "\\"\\\\\\000"'),
        (HINFO(b"RFC8482", b""), 'HINFO "RFC8482" ""'),
        (Opaque(65280, b"\x01", "\\# 1 01"), "TYPE65280 \\# 1 01"),
    ],
)
def test_a_record_is_written_as_dig_prints_it(rdata: Rdata, text: str) -> None:
    rrset = RRset(Name.from_text("x.registry.local"), rdata.rtype, 5, (rdata,))
    assert rrset.lines() == [f"x.registry.local. 5 IN {text}"]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=255), min_size=1, max_size=3))
def test_any_octets_in_a_text_are_read_back(strings: list[bytes]) -> None:
    written = str(TXT(tuple(strings)))
    read = dns.rdata.from_text("IN", "TXT", written)
    assert read.strings == tuple(strings)  # type: ignore[attr-defined]


@settings(deadline=None)
@given(st.binary(max_size=255), st.binary(max_size=255))
def test_any_octets_in_a_host_record_are_read_back(cpu: bytes, os: bytes) -> None:
    read = dns.rdata.from_text("IN", "HINFO", str(HINFO(cpu, os)))
    assert (read.cpu, read.os) == (cpu, os)  # type: ignore[attr-defined]


@settings(deadline=None)
@given(st.integers(0, 65535))
def test_a_type_is_named_so_that_it_is_read_back(rtype: int) -> None:
    assert dns.rdatatype.from_text(name_type(rtype)) == rtype
