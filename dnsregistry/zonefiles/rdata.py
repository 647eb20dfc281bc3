"""dnspython's record data to ours."""

from ipaddress import IPv4Address, IPv6Address

import dns.name
import dns.rdata
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.NS
import dns.rdtypes.ANY.PTR
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rdtypes.IN.SRV

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, CNAME, NS, PTR, SOA, SRV, TXT, A, Opaque, Rdata

LARGEST_RDATA = 65_535


def convert_name(name: dns.name.Name) -> Name:
    """Return an absolute name as ours."""
    return Name(tuple(label.lower() for label in name.labels if label))


def convert(rdata: dns.rdata.Rdata) -> Rdata:
    """Return data as ours, opaque where the type is none of ours.

    Raises ValueError where it is longer than a record can be.
    """
    match rdata:
        case dns.rdtypes.IN.A.A():
            return A(IPv4Address(rdata.address))
        case dns.rdtypes.IN.AAAA.AAAA():
            return AAAA(IPv6Address(rdata.address))
        case dns.rdtypes.ANY.NS.NS():
            return NS(convert_name(rdata.target))
        case dns.rdtypes.ANY.CNAME.CNAME():
            return CNAME(convert_name(rdata.target))
        case dns.rdtypes.ANY.PTR.PTR():
            return PTR(convert_name(rdata.target))
        case dns.rdtypes.IN.SRV.SRV():
            target = convert_name(rdata.target)
            return SRV(rdata.priority, rdata.weight, rdata.port, target)
        case dns.rdtypes.ANY.SOA.SOA():
            return _convert_soa(rdata)
    octets = rdata.to_wire()
    if octets is None or len(octets) > LARGEST_RDATA:
        raise ValueError(f"the data is longer than {LARGEST_RDATA} octets")
    if isinstance(rdata, dns.rdtypes.ANY.TXT.TXT):
        return TXT(rdata.strings)
    return Opaque(int(rdata.rdtype), octets, rdata.to_text())


def _convert_soa(rdata: dns.rdtypes.ANY.SOA.SOA) -> SOA:
    return SOA(
        mname=convert_name(rdata.mname),
        rname=convert_name(rdata.rname),
        serial=rdata.serial,
        refresh=rdata.refresh,
        retry=rdata.retry,
        expire=rdata.expire,
        minimum=rdata.minimum,
    )
