"""A record as it stands in a file."""

from dataclasses import dataclass

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import Rdata
from dnsregistry.zonefiles.fault import Fault


@dataclass(frozen=True, slots=True)
class Record:
    """One record, and where it is written. `ttl` is in seconds.

    `canonical` is the data in DNSSEC's canonical form (RFC 4034, 6.2): equal for equal data.
    """

    file: str
    line: int
    owner: Name
    ttl: int
    rdata: Rdata
    canonical: bytes

    def fault(self, reason: str) -> Fault:
        """What is wrong with it."""
        return Fault(self.file, self.line, reason)
