"""Records to RRsets (RFC 2181, 5).

Rules:
- Equal data counts once, whatever the case of names in it (RFC 2181, 5; RFC 4034, 6.2).
- The records of an RRset share one TTL: where they do not, the lowest (RFC 2181, 5.2).
- SRV goes by its own priority and weight. Addresses are equals, and take turns in front.
"""

from collections.abc import Mapping, Sequence

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, SRV, A, Rdata
from dnsregistry.zone.rrset import Preference, RRset
from dnsregistry.zonefiles.record import Record

Groups = Mapping[tuple[Name, int], Sequence[Record]]
"""The records of each owner name and type, different in their data, in the order written."""

_EQUAL = Preference(0, 1)


def group(records: Sequence[Record]) -> Groups:
    """Return the records by owner name and type, each datum once, as it was written first."""
    groups: dict[tuple[Name, int], dict[bytes, Record]] = {}
    for record in records:
        held = groups.setdefault((record.owner, record.rdata.rtype), {})
        held.setdefault(record.canonical, record)
    return {key: tuple(held.values()) for key, held in groups.items()}


def make_rrsets(groups: Groups) -> list[RRset]:
    """Return one RRset for each owner name and type."""
    return [
        RRset(
            owner,
            rtype,
            min(record.ttl for record in records),
            tuple(record.rdata for record in records),
            tuple(p for p in (_prefer(record.rdata) for record in records) if p),
        )
        for (owner, rtype), records in groups.items()
    ]


def _prefer(rdata: Rdata) -> Preference | None:
    match rdata:
        case A() | AAAA():
            return _EQUAL
        case SRV(priority, weight):
            return Preference(priority, weight)
    return None
