"""Puts the zones of a folder beside and over the live one."""

from collections.abc import Callable, Mapping

import structlog

from dnsregistry.zone.authority import Authority
from dnsregistry.zone.lookup import Zone
from dnsregistry.zone.merged import MergedZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import name_type
from dnsregistry.zone.serial import is_newer
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.unread import UnreadZone
from dnsregistry.zonefiles.zonefile import ZoneFile

log = structlog.get_logger("dnsregistry.zonefiles")


class Publication:
    """What of a folder is served."""

    def __init__(
        self, authority: Authority, live: Zone, advance_serial: Callable[[], None]
    ) -> None:
        """`advance_serial` is called when what lies over the live zone changes after the start."""
        self._authority = authority
        self._live = live
        self._advance_serial = advance_serial
        self._served: Mapping[Name, ZoneFile] | None = None
        self._ours: dict[Name, Zone] = {}
        self._covered: dict[Name, Zone] = {}
        self._unread: frozenset[Name] = frozenset()

    def apply(self, zones: Mapping[Name, ZoneFile], unread: frozenset[Name]) -> None:
        """Serve these zones and no others of files. Costs what has changed.

        A zone that had the origin before comes back when the file goes. One that never could be
        read and has no such other has its place held: nobody else is asked about its names.
        """
        before = self._served or {}
        self._hold_places(unread)
        for origin in before.keys() - zones.keys():
            self._withdraw(origin)
        for origin, zone in zones.items():
            if before.get(origin) is not zone:
                _warn_of_serial(before.get(origin), zone)
                self._put(zone)
        live = self._live.origin
        if self._served is not None and before.get(live) is not zones.get(live):
            self._advance_serial()
        self._served = dict(zones)

    def _hold_places(self, unread: frozenset[Name]) -> None:
        for origin in self._unread - unread:
            self._withdraw(origin)
        for origin in unread:
            if self._find(origin) is None:
                held = self._ours[origin] = UnreadZone(origin)
                self._authority.put(held)
        self._unread = unread

    def _put(self, file: ZoneFile) -> None:
        standing = self._find(file.origin)
        if standing is not None and standing is not self._ours.get(file.origin):
            self._covered[file.origin] = standing
        content = file.content
        zone: Zone = (
            content if isinstance(content, StaticZone) else MergedZone(self._live, content, _tell)
        )
        self._ours[file.origin] = zone
        self._authority.put(zone)

    def _withdraw(self, origin: Name) -> None:
        ours, covered = self._ours.pop(origin, None), self._covered.pop(origin, None)
        if ours is None or self._find(origin) is not ours:
            return
        if covered is None:
            self._authority.remove(origin)
        else:
            self._authority.put(covered)

    def _find(self, origin: Name) -> Zone | None:
        """The zone of just this origin."""
        zone = self._authority.find(origin)
        return zone if zone is not None and zone.origin == origin else None


def _tell(owner: Name, rtype: int) -> None:
    log.warning(
        "a static record stands in the place of live ones", owner=str(owner), type=name_type(rtype)
    )


def _warn_of_serial(before: ZoneFile | None, after: ZoneFile) -> None:
    if before is None or before.serial is None or after.serial is None:
        return
    if not is_newer(after.serial, before.serial):
        log.warning(
            "a zone has changed and its serial has not grown",
            origin=str(after.origin),
            serial=after.serial,
        )
