"""Master file text to RRsets and zones, and their answers to text."""

from pathlib import Path
from tempfile import TemporaryDirectory

import dns.rdatatype

from dnsregistry.zone.lookup import (
    Found,
    Lookup,
    NoData,
    NoName,
    NotOurs,
    Referral,
    Unavailable,
    Zone,
)
from dnsregistry.zone.name import Name
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.static import StaticZone
from dnsregistry.zonefiles.reader import Reader
from dnsregistry.zonefiles.rrsets import group, make_rrsets
from dnsregistry.zonefiles.sources import Sources

SOA = "@ 3600 SOA ns1 hostmaster 1 3600 900 604800 60\n"


def read_rrsets(path: Path, origin: str) -> list[RRset]:
    """The RRsets of a file without fault."""
    reader = Reader(Sources(path.parent), Name.from_text(origin), lambda: True)
    reader.read(path)
    assert reader.faults == []
    return make_rrsets(group(reader.records))


def rrsets_of(text: str, origin: str) -> list[RRset]:
    """The RRsets of a text without fault."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "text.zone")
        path.write_text(text, encoding="utf-8")
        return read_rrsets(path, origin)


def build(text: str, origin: str) -> StaticZone:
    """A zone of records, with a SOA if the text has none."""
    if " SOA " not in text:
        text = SOA + text
    return StaticZone(Name.from_text(origin), rrsets_of(text, origin))


def ask(zone: Zone, name: str, rtype: str, now: float = 0.0) -> Lookup:
    """Look up an absolute name and a mnemonic."""
    return zone.lookup(Name.from_text(name), dns.rdatatype.from_text(rtype), now)


def tell(lookup: Lookup) -> str | list[str]:
    """The records of the answer, or of a referral; else the kind of denial."""
    match lookup:
        case Found(rrset):
            return rrset.lines()
        case Referral(ns, glue):
            return [line for rrset in (ns, *glue) for line in rrset.lines()]
        case NoData():
            return "NODATA"
        case NoName():
            return "NXDOMAIN"
        case NotOurs():
            return "not ours"
        case Unavailable():
            return "unavailable"
