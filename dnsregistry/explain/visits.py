"""The zones as a decision sees them, with each of its lookups remembered."""

from dataclasses import dataclass

from dnsregistry.registry.departures import Departure
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.locals import EmptyZone
from dnsregistry.zone.lookup import Found, Lookup, NotOurs, Referral, Zone
from dnsregistry.zone.merged import MergedZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.reverse import ReverseZone
from dnsregistry.zone.sieve import Trace
from dnsregistry.zone.unread import UnreadZone

LIVE, STATIC, REVERSE = "live zone", "static zone", "reverse zone"
RESERVED, UNREAD, NOT_OURS = "reserved name", "unread zone", "not ours"


@dataclass(frozen=True, slots=True)
class Visit:
    """One lookup: what was asked, which zone said what, and what that was made of."""

    name: Name
    rtype: int
    origin: Name | None
    path: str
    lookup: Lookup
    trace: Trace
    departed: tuple[Departure, ...] = ()


class Visitor:
    """Looks up as the zones do, and remembers."""

    def __init__(self, zones: Authority) -> None:
        self.visits: list[Visit] = []
        self._zones = zones

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer for one name and type; NotOurs where it is in no zone of ours."""
        zone = self._zones.find_for(name, rtype)
        lookup = NotOurs() if zone is None else zone.lookup(name, rtype, now)
        origin = None if zone is None else zone.origin
        path = NOT_OURS if zone is None else _tell_path(zone, lookup, name, rtype, now)
        trace, departed = Trace(), tuple[Departure, ...]()
        live = zone.live if isinstance(zone, MergedZone) else zone
        if isinstance(live, LiveZone):
            trace, departed = live.trace(name, now), tuple(live.find_departed(name, now))
        elif isinstance(live, ReverseZone):
            trace = live.trace(name, now)
        self.visits.append(Visit(name, rtype, origin, path, lookup, trace, departed))
        return lookup


def _tell_path(zone: Zone, lookup: Lookup, name: Name, rtype: int, now: float) -> str:
    match zone:
        case LiveZone():
            return LIVE
        case ReverseZone():
            return REVERSE
        case UnreadZone():
            return UNREAD
        case EmptyZone():
            return RESERVED
        case MergedZone() if not isinstance(lookup, Referral):
            if not isinstance(lookup, Found):
                return LIVE
            live = zone.live.lookup(name, rtype, now)
            return LIVE if isinstance(live, Found) and live.rrset is lookup.rrset else STATIC
    return STATIC
