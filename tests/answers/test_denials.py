"""What denies names that are not there, without their names."""

from dataclasses import replace

import pytest

from dnsregistry.answers import denials
from dnsregistry.answers.denials import Denials, Told, fill
from dnsregistry.answers.entry import Entry
from dnsregistry.answers.tally import Tally
from dnsregistry.answers.variants import Parts
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import SOA, RRType
from dnsregistry.zone.rrset import RRset

ORIGIN = Name.from_text("registry.local")
OWN = len(ORIGIN.to_wire()) - 1


def _soa(mname: str, rname: str) -> RRset:
    names = Name.from_text(mname), Name.from_text(rname)
    return RRset(ORIGIN, RRType.SOA, 5, (SOA(*names, 1, 1, 1, 1, 1),))


@pytest.mark.parametrize("octets", [OWN, *range(OWN + 2, 255)])
def test_a_name_of_any_length_can_be_stood_for(octets: int) -> None:
    wire = fill(octets, _soa("ns1.registry.local", "hostmaster.registry.local"))
    name = Name.from_wire(wire)
    assert len(wire) == len(name.to_wire()) == octets + 1
    assert name.relative_to(ORIGIN) is not None


def test_what_is_kept_of_denials_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "MOST_DENIALS", 4)
    entry = Entry(
        bytes(10), 30, Parts((b"",), b"", b""), 1.0, Tally(), RRType.A, 3, is_general=True
    )
    kept, told = Denials(ORIGIN, 3), Told()
    for number in range(4):
        kept.keep(b"form", number, entry)
        told.keep(b"name", bytes((number,)), entry)
    assert (len(kept), len(told)) == (4, 4)
    kept.keep(b"form", 4, entry)
    told.keep(b"name", b"4", entry)
    assert (list(kept), list(told)) == ([(b"form", 4)], [(b"name", b"4")])


def test_denials_that_tell_an_older_serial_count_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(denials, "MOST_DENIALS", 4)
    kept = Denials(ORIGIN, 3)
    entries = [
        Entry(bytes(10), 30, Parts((b"",), b"", bytes(20)), 1.0, Tally(), 1, 3, is_general=True)
        for _ in range(5)
    ]
    for number in range(4):
        kept.keep(b"form", number, entries[number])
        kept.renumber(number)
    renewed = kept.renew(b"form", 1)
    assert renewed is entries[1]
    assert renewed.rest == (3).to_bytes(4) + bytes(16)
    assert kept.renew(b"form", 1) is None
    kept.keep(b"form", 4, entries[4])
    assert list(kept) == [(b"form", 4)]
    assert [entry.until for entry in entries] == [-1.0] * 4 + [1.0]
    assert kept.renew(b"form", 0) is None


@pytest.mark.parametrize(("mname", "rname"), [("x", "y"), ("y", "x"), ("a.x", "b.y"), ("z", "x")])
def test_what_stands_for_a_name_shares_no_label_with_the_soa(mname: str, rname: str) -> None:
    soa = _soa(f"{mname}.registry.local", f"{rname}.registry.local")
    relative = Name.from_wire(fill(OWN + 2, soa)).relative_to(ORIGIN)
    assert relative is not None
    assert relative[-1].decode() not in (mname[-1], rname[-1])
    assert fill(OWN, replace(soa, ttl=6)) == ORIGIN.to_wire()
