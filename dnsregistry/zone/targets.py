"""The names behind a record whose addresses a client will want next."""

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import NS, SRV, Opaque, Rdata
from dnsregistry.zone.rrset import RRset

MX = 15
_PREFERENCE_OCTETS = 2


def targets_of(rrset: RRset) -> tuple[Name, ...]:
    """The hosts that NS, SRV and MX records name, each once (RFC 1035, 3.3; RFC 2782).

    The root as a target means that there is no host (RFC 7505, RFC 2782), and is left out.
    """
    targets = (target_of(rdata) for rdata in rrset.rdatas)
    return tuple(dict.fromkeys(target for target in targets if target and target.labels))


def target_of(rdata: Rdata) -> Name | None:
    """The host that a record names; None for a type that names none."""
    match rdata:
        case NS(target) | SRV(_, _, _, target):
            return target
        case Opaque(rtype, octets) if rtype == MX:
            return Name.from_wire(octets[_PREFERENCE_OCTETS:])
    return None
