"""Names that no server outside may be asked about, answered here (RFC 6761, 6303, 7793, 7686).

`localhost` and all below it are loopback addresses. `invalid`, `onion` and the reverse zones of
private, shared, loopback, link-local and documentation networks are empty: a question for one of
their names would tell the world of the house, and come back as a denial at best.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import AAAA, NS, SOA, A, Rdata, RRType
from dnsregistry.zone.rrset import RRset

# The values that RFC 6303, 3 gives for an empty zone.
TTL = 10_800
SERIAL, REFRESH, RETRY, EXPIRE = 1, 3600, 1200, 604_800
_RNAME = Name.from_text("nobody.invalid")

_LOCALHOST = Name.from_text("localhost")
_LOOPBACK: dict[int, tuple[Rdata, ...]] = {
    RRType.A: (A(IPv4Address("127.0.0.1")),),
    RRType.AAAA: (AAAA(IPv6Address("::1")),),
}

EMPTY_ORIGINS: tuple[str, ...] = (
    "invalid",
    "onion",
    # RFC 6303, 4.1: RFC 1918
    "10.in-addr.arpa",
    *(f"{second}.172.in-addr.arpa" for second in range(16, 32)),
    "168.192.in-addr.arpa",
    # RFC 6303, 4.2: this network, loopback, link-local, documentation, broadcast
    "0.in-addr.arpa",
    "127.in-addr.arpa",
    "254.169.in-addr.arpa",
    "2.0.192.in-addr.arpa",
    "100.51.198.in-addr.arpa",
    "113.0.203.in-addr.arpa",
    "255.255.255.255.in-addr.arpa",
    # RFC 7793: addresses shared behind a carrier's NAT
    *(f"{second}.100.in-addr.arpa" for second in range(64, 128)),
    # RFC 6303, 4.3: unspecified and loopback
    "0." * 32 + "ip6.arpa",
    "1." + "0." * 31 + "ip6.arpa",
    # RFC 6303, 4.4: locally assigned
    "d.f.ip6.arpa",
    # RFC 6303, 4.5: link-local
    "8.e.f.ip6.arpa",
    "9.e.f.ip6.arpa",
    "a.e.f.ip6.arpa",
    "b.e.f.ip6.arpa",
    # RFC 6303, 4.6: documentation
    "8.b.d.0.1.0.0.2.ip6.arpa",
)


class EmptyZone:
    """A zone with a SOA and an NS, both owned by its origin, and nothing below (RFC 6303, 3).

    Names at and under one of the `except_for` are not the zone's: others know them.
    """

    def __init__(self, origin: Name, except_for: Iterable[Name] = ()) -> None:
        self.origin = origin
        self._except_for = tuple(except_for)
        soa = SOA(origin, _RNAME, SERIAL, REFRESH, RETRY, EXPIRE, TTL)
        self._soa = RRset(origin, RRType.SOA, TTL, (soa,))
        self._ns = RRset(origin, RRType.NS, TTL, (NS(origin),))

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type; NotOurs outside the zone, exceptions included."""
        relative = name.relative_to(self.origin)
        if relative is None or self._is_excepted(name):
            return NotOurs()
        if relative:
            return self._answer_below(name, rtype)
        if rtype == RRType.SOA:
            return Found(self._soa)
        if rtype == RRType.NS:
            return Found(self._ns)
        return self._answer_at_apex(rtype)

    def _answer_at_apex(self, rtype: int) -> Lookup:
        return NoData(self._soa)

    def _answer_below(self, name: Name, rtype: int) -> Lookup:
        if any(excepted.relative_to(name) is not None for excepted in self._except_for):
            # Something exists below: an empty non-terminal (RFC 8020).
            return NoData(self._soa)
        return NoName(self._soa)

    def _is_excepted(self, name: Name) -> bool:
        return any(name.relative_to(excepted) is not None for excepted in self._except_for)


class LocalhostZone(EmptyZone):
    """`localhost`: it and every name below have the loopback addresses (RFC 6761, 6.3)."""

    def __init__(self) -> None:
        super().__init__(_LOCALHOST)

    def _answer_at_apex(self, rtype: int) -> Lookup:
        return self._answer_below(self.origin, rtype)

    def _answer_below(self, name: Name, rtype: int) -> Lookup:
        rdatas = _LOOPBACK.get(rtype)
        return Found(RRset(name, rtype, TTL, rdatas)) if rdatas else NoData(self._soa)


def local_zones(known_elsewhere: Iterable[Name] = ()) -> list[EmptyZone]:
    """Return the zones, without the names that are known elsewhere.

    `known_elsewhere` are suffixes that somebody was named for: a zone at or under one of them is
    left out, one above it leaves a hole there.
    """
    suffixes = tuple(known_elsewhere)
    zones: list[EmptyZone] = [LocalhostZone()]
    for text in EMPTY_ORIGINS:
        origin = Name.from_text(text)
        if any(origin.relative_to(suffix) is not None for suffix in suffixes):
            continue
        below = [suffix for suffix in suffixes if suffix.relative_to(origin) is not None]
        zones.append(EmptyZone(origin, below))
    return zones
