"""Record types and their data, as values. `str()` gives presentation format."""

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar

from dnsregistry.zone.name import Name


class RRType(IntEnum):
    """The types that the zone holds or treats of its own; others are plain numbers."""

    A = 1
    NS = 2
    CNAME = 5
    SOA = 6
    PTR = 12
    HINFO = 13
    TXT = 16
    AAAA = 28
    SRV = 33


@dataclass(frozen=True, slots=True)
class A:
    """An IPv4 address (RFC 1035, 3.4.1)."""

    rtype: ClassVar[RRType] = RRType.A
    address: IPv4Address

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class AAAA:
    """An IPv6 address (RFC 3596, 2.2)."""

    rtype: ClassVar[RRType] = RRType.AAAA
    address: IPv6Address

    def __str__(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class NS:
    """A name server of the zone (RFC 1035, 3.3.11)."""

    rtype: ClassVar[RRType] = RRType.NS
    target: Name

    def __str__(self) -> str:
        return str(self.target)


@dataclass(frozen=True, slots=True)
class PTR:
    """Another name: an instance's (RFC 6763, 4.1), or an address's (RFC 1035, 3.3.12)."""

    rtype: ClassVar[RRType] = RRType.PTR
    target: Name

    def __str__(self) -> str:
        return str(self.target)


@dataclass(frozen=True, slots=True)
class CNAME:
    """The canonical name behind an alias (RFC 1035, 3.3.1)."""

    rtype: ClassVar[RRType] = RRType.CNAME
    target: Name

    def __str__(self) -> str:
        return str(self.target)


@dataclass(frozen=True, slots=True)
class SRV:
    """Where a service is reached (RFC 2782)."""

    rtype: ClassVar[RRType] = RRType.SRV
    priority: int
    weight: int
    port: int
    target: Name

    def __str__(self) -> str:
        return f"{self.priority} {self.weight} {self.port} {self.target}"


@dataclass(frozen=True, slots=True)
class SOA:
    """The start of authority (RFC 1035, 3.3.13); times in seconds."""

    rtype: ClassVar[RRType] = RRType.SOA
    mname: Name
    rname: Name
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int

    def __str__(self) -> str:
        times = f"{self.refresh} {self.retry} {self.expire} {self.minimum}"
        return f"{self.mname} {self.rname} {self.serial} {times}"


@dataclass(frozen=True, slots=True)
class TXT:
    """Text, as strings of at most 255 octets (RFC 1035, 3.3.14)."""

    rtype: ClassVar[RRType] = RRType.TXT
    strings: tuple[bytes, ...]

    def __str__(self) -> str:
        return " ".join(_quote(string) for string in self.strings)


@dataclass(frozen=True, slots=True)
class HINFO:
    """What a host is (RFC 1035, 3.3.2); here the answer to ANY (RFC 8482, 4.2)."""

    rtype: ClassVar[RRType] = RRType.HINFO
    cpu: bytes
    os: bytes

    def __str__(self) -> str:
        return f"{_quote(self.cpu)} {_quote(self.os)}"


@dataclass(frozen=True, slots=True)
class Opaque:
    """Data of any other type, as it is on the wire without compression (RFC 3597, 4)."""

    rtype: int
    octets: bytes
    text: str

    def __str__(self) -> str:
        return self.text


Rdata = Opaque | A | AAAA | NS | CNAME | PTR | SRV | SOA | TXT | HINFO


def name_type(rtype: int) -> str:
    """The mnemonic of a type of ours, `TYPE65280` for another (RFC 3597, 5)."""
    return RRType(rtype).name if rtype in _KNOWN_TYPES else f"TYPE{rtype}"


_KNOWN_TYPES = frozenset(RRType)


def _quote(text: bytes) -> str:
    written = "".join(
        f"\\{chr(octet)}"
        if octet in b'"\\'
        else chr(octet)
        if 0x20 <= octet <= 0x7E
        else f"\\{octet:03d}"
        for octet in text
    )
    return f'"{written}"'
