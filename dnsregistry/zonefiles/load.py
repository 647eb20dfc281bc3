"""A master file to a zone. Imports dnspython.

Rules:
- A file with the live zone's origin is an overlay: it needs no SOA, and its SOA is left out.
- What has a fault is refused as a whole.
"""

from collections.abc import Callable
from pathlib import Path

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.tree import Tree
from dnsregistry.zonefiles.fault import Fault, ZoneFileError
from dnsregistry.zonefiles.naming import show
from dnsregistry.zonefiles.reader import Reader
from dnsregistry.zonefiles.record import Record
from dnsregistry.zonefiles.rrsets import group, make_rrsets
from dnsregistry.zonefiles.rules import find_faults, find_warnings
from dnsregistry.zonefiles.sources import Sources
from dnsregistry.zonefiles.zonefile import ZoneFile


class Unwanted(Exception):
    """Reading was given up because nobody waits for it any more."""


def load_zone(
    path: Path,
    origin: Name,
    live_origin: Name | None,
    sources: Sources,
    wanted: Callable[[], bool] = lambda: True,
) -> ZoneFile:
    """Read the file of a zone, and what it includes, through fresh sources.

    Takes about 60 µs a record; `wanted` is asked between them, and where it says no, Unwanted
    is raised. Raises ZoneFileError with every fault found.
    """
    reader = Reader(sources, origin, wanted)
    reader.read(path)
    if not wanted():
        raise Unwanted
    if reader.faults:
        raise ZoneFileError(reader.faults)
    overlay = origin == live_origin
    records, warnings = reader.records, reader.warnings
    if overlay:
        records, ignored = _drop_soa(records)
        warnings += ignored
    groups = group(records)
    faults = list(find_faults(origin, groups, overlay=overlay))
    if not overlay and (origin, RRType.SOA) not in groups:
        faults.append(Fault(show(path), 1, f"{origin} has no SOA"))
    if faults:
        raise ZoneFileError(faults)
    rrsets = make_rrsets(groups)
    tree = Tree(origin, rrsets)
    warnings += find_warnings(tree, groups, live_origin)
    return ZoneFile(
        origin=origin,
        content=tree if overlay else StaticZone(origin, rrsets),
        records=sum(len(rrset.rdatas) for rrset in rrsets),
        warnings=tuple(warnings),
    )


def _drop_soa(records: list[Record]) -> tuple[list[Record], list[Fault]]:
    kept = [record for record in records if record.rdata.rtype != RRType.SOA]
    dropped = [record for record in records if record.rdata.rtype == RRType.SOA]
    reason = "the live zone's own SOA is answered, not this one"
    return kept, [record.fault(reason) for record in dropped]
