"""What makes a zone of records: the faults that refuse it, and the warnings that do not.

A fault has no answer that could be right. A warning is for records that are answered, or left
out, in a way that their author may not expect.
"""

from collections.abc import Iterator

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import NS, RRType
from dnsregistry.zone.targets import MX, target_of, targets_of
from dnsregistry.zone.tree import ADDRESS_TYPES, DNAME, DS, WILDCARD, Tree
from dnsregistry.zonefiles.fault import Fault
from dnsregistry.zonefiles.record import Record
from dnsregistry.zonefiles.rrsets import Groups

RRSIG, NSEC = 46, 47

_ALONE = {RRType.SOA: "SOA", RRType.CNAME: "CNAME", DNAME: "DNAME"}
_BESIDE_CNAME = frozenset({RRType.CNAME, RRSIG, NSEC})
_AT_CUT = frozenset({RRType.NS, DS, RRSIG, NSEC, *ADDRESS_TYPES})
_NO_ALIAS = {RRType.NS: "RFC 2181, 10.3", MX: "RFC 2181, 10.3", RRType.SRV: "RFC 2782"}


def find_faults(origin: Name, groups: Groups, *, overlay: bool) -> Iterator[Fault]:
    """Yield what refuses the records; a missing SOA is not among it. `overlay`: see MergedZone."""
    by_owner: dict[Name, set[int]] = {}
    for owner, rtype in groups:
        by_owner.setdefault(owner, set()).add(rtype)
    for (owner, rtype), records in groups.items():
        first = records[0]
        if rtype in _ALONE and len(records) > 1:
            yield records[1].fault(f"{owner} has a second {_ALONE[rtype]}")
        if rtype == RRType.SOA and owner != origin:
            yield first.fault(f"the SOA of {owner} is not at {origin}, where the zone begins")
        if rtype == RRType.CNAME and not by_owner[owner] <= _BESIDE_CNAME:
            yield first.fault(f"{owner} has a CNAME and other data (RFC 1034, 3.6.2)")
        if owner.labels[:1] == (WILDCARD,) and rtype in (RRType.NS, DNAME):
            yield first.fault(f"a wildcard cannot have this type, {owner} does (RFC 4592, 4)")
        if rtype == DNAME and owner != origin and RRType.NS in by_owner[owner]:
            yield first.fault(f"{owner} has a DNAME and is delegated (RFC 6672, 2.4)")
        if rtype == DNAME and overlay:
            yield first.fault(f"the DNAME of {owner} would hide live names")


def find_warnings(tree: Tree, groups: Groups, live_origin: Name | None) -> Iterator[Fault]:
    """Yield what is strange about a zone without faults.

    `live_origin` is that of the live zone, where this is another one.
    """
    if (tree.origin, RRType.NS) not in groups and live_origin != tree.origin:
        soa = groups[tree.origin, RRType.SOA][0]
        yield soa.fault(f"{tree.origin} has no NS, so that nobody can delegate to it")
    if any(rtype == RRSIG for _, rtype in groups):
        first = next(records[0] for (_, rtype), records in groups.items() if rtype == RRSIG)
        yield first.fault("signatures are answered only where they are asked for by type")
    for (owner, rtype), records in groups.items():
        first = records[0]
        lowest = min(record.ttl for record in records)
        different = next((record for record in records if record.ttl != first.ttl), None)
        if different and rtype != RRSIG:
            yield different.fault(f"the TTLs of {owner} differ; {lowest} counts for all")
        hidden = _find_cover(tree, owner, rtype, live_origin)
        if hidden:
            yield first.fault(f"{owner} {hidden}")
            continue
        for record in records:
            yield from _warn_of_target(tree, record)


def _find_cover(tree: Tree, owner: Name, rtype: int, live_origin: Name | None) -> str | None:
    """Why a record is not answered, if it is not."""
    relative = owner.relative_to(tree.origin)
    if relative is None:
        return None
    if live_origin and live_origin != tree.origin and owner.relative_to(live_origin) is not None:
        return _find_live_cover(tree, owner, rtype, live_origin)
    branch, left = tree.descend(relative)
    if branch.cut and (rtype not in ADDRESS_TYPES if left else rtype not in _AT_CUT):
        return f"is not answered: {branch.owner} is delegated"
    if left and not branch.cut:
        return f"is not answered: the DNAME of {branch.owner} redirects it (RFC 6672, 2.4)"
    return None


def _find_live_cover(tree: Tree, owner: Name, rtype: int, live_origin: Name) -> str | None:
    """Why a record in the live zone's place is not answered; its delegation is in order."""
    cut = tree.find(live_origin.relative_to(tree.origin) or ())
    ns = cut.rrsets.get(RRType.NS) if cut else None
    if owner == live_origin and rtype in (RRType.NS, DS):
        return None
    if ns and rtype in ADDRESS_TYPES and owner in targets_of(ns):
        return None
    return f"belongs to the live zone {live_origin}, and is not answered from here"


def _warn_of_target(tree: Tree, record: Record) -> Iterator[Fault]:
    target = target_of(record.rdata)
    relative = target.relative_to(tree.origin) if target else None
    if target is None or relative is None:
        return
    branch = tree.find(relative)
    if branch and RRType.CNAME in branch.rrsets:
        rule = _NO_ALIAS[record.rdata.rtype]
        yield record.fault(f"{target} is an alias, which may not stand here ({rule})")
    elif isinstance(record.rdata, NS) and not tree.addresses(target, glue=True):
        yield record.fault(f"the name server {target} has no address in the zone")
