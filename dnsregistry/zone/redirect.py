"""Redirection of whole subtrees (RFC 6672)."""

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import CNAME, Opaque, RRType
from dnsregistry.zone.rrset import RRset

LONGEST_NAME = 255


def redirect(name: Name, dname: RRset) -> RRset | None:
    """Return the CNAME that a DNAME above the name makes of it (RFC 6672, 3.1).

    None where the new name is longer than 255 octets, which is YXDOMAIN (RFC 6672, 2.2).
    Raises ValueError where the name is not below the owner of the DNAME.
    """
    relative = name.relative_to(dname.owner)
    rdata = dname.rdatas[0]
    if not relative or not isinstance(rdata, Opaque):
        raise ValueError(f"{dname.owner} does not redirect {name}")
    target = Name(relative + Name.from_wire(rdata.octets).labels)
    if len(target.to_wire()) > LONGEST_NAME:
        return None
    return RRset(name, RRType.CNAME, dname.ttl, (CNAME(target),))
