"""The question that is to be explained, read from text."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from dnsregistry.answers.protocol import EDNS_UDP_OCTETS, OPT, RD, RRClass
from dnsregistry.registry.errors import InvalidField
from dnsregistry.zone.name import Name

PARAMETERS = ("name", "type", "class", "client", "transport", "bufsize", "limit")
USUAL_CANDIDATES, MOST_CANDIDATES = 100, 1000
MOST_SHOWN = 80
"""Characters of what was given that are told back."""

_HEADER = struct.Struct("!HHHHHH")
_TYPE_CLASS = struct.Struct("!HH")
_OPT = struct.Struct("!BHHIH")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One question of one client. `octets` is what its OPT names; 0: it sends none.

    Up to `most` candidates are told.
    """

    name: Name
    rtype: int
    rclass: RRClass
    client: str
    tcp: bool
    octets: int
    most: int

    def write(self) -> bytes:
        """The question as a message, with recursion desired, as a stub asks."""
        opt = _OPT.pack(0, OPT, self.octets, 0, 0) if self.octets else b""
        header = _HEADER.pack(0, RD, 1, 0, 0, 1 if opt else 0)
        return header + self.name.to_wire() + _TYPE_CLASS.pack(self.rtype, self.rclass) + opt

    def tell(self) -> Mapping[str, object]:
        """The question as JSON can have it."""
        return {
            "name": str(self.name),
            "type": write_type(self.rtype),
            "class": self.rclass.name,
            "client": self.client,
            "transport": "tcp" if self.tcp else "udp",
            "bufsize": self.octets,
        }


def read_wanted(given: Mapping[str, str], peer: str) -> Wanted:
    """Read the parameters, of which `name` must be given; the client is else the one who asks.

    Raises InvalidField.
    """
    transport = given.get("transport", "udp").lower()
    if transport not in ("udp", "tcp"):
        raise InvalidField("transport", f"{_show(transport)} is neither udp nor tcp")
    return Wanted(
        _read_name(given.get("name", "")),
        _read_type(given.get("type", "A")),
        _read_class(given.get("class", "IN")),
        _read_client(given.get("client", peer)),
        transport == "tcp",
        _read_number("bufsize", given.get("bufsize", str(EDNS_UDP_OCTETS)), 0, 65_535),
        _read_number("limit", given.get("limit", str(USUAL_CANDIDATES)), 1, MOST_CANDIDATES),
    )


def write_type(rtype: int) -> str:
    """The mnemonic of a type, `TYPE65280` for one without (RFC 3597, 5)."""
    import dns.rdatatype

    return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(rtype))


def _read_name(text: str) -> Name:
    if not text:
        raise InvalidField("name", "is missing; it is the owner name that is asked for")
    try:
        return Name.from_text(text)
    except ValueError as error:
        raise InvalidField("name", str(error)[: MOST_SHOWN * 2]) from None


def _read_type(text: str) -> int:
    # Knows all mnemonics; imported by whoever explains alone, since it takes a while.
    import dns.exception
    import dns.rdatatype

    try:
        return int(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError):
        raise InvalidField("type", f"{_show(text)} is no type, as A, SRV or TYPE65280") from None


def _read_class(text: str) -> RRClass:
    try:
        return RRClass[text.upper()]
    except KeyError:
        raise InvalidField("class", f"{_show(text)} is neither IN nor CH") from None


def _read_client(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise InvalidField("client", f"{_show(text)} is no IP address") from None


def _read_number(field: str, text: str, least: int, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 9 and least <= int(text) <= most):
        raise InvalidField(field, f"{_show(text)} is not a number from {least} to {most}")
    return int(text)


def _show(text: str) -> str:
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}...")
