"""Puts the zones of a folder beside and over the live one."""

from collections.abc import Callable, Mapping

import structlog

from dnsregistry.zone.authority import Authority, Source
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
        self._unread: frozenset[Name] = frozenset()

    def apply(self, zones: Mapping[Name, ZoneFile], unread: frozenset[Name]) -> None:
        """Serve these zones and no others of files. Costs what has changed.

        One that never could be read has its place held, unless something else of ours is there:
        nobody else is asked about its names.
        """
        before = self._served or {}
        for origin in before.keys() - zones.keys():
            self._authority.remove(origin, Source.FILE)
        for origin, zone in zones.items():
            if before.get(origin) is not zone:
                _warn_of_serial(before.get(origin), zone)
                self._authority.put(self._make(zone), Source.FILE)
        for origin in self._unread - unread:
            self._authority.remove(origin, Source.UNREAD)
        for origin in unread - self._unread:
            self._authority.put(UnreadZone(origin), Source.UNREAD)
        live = self._live.origin
        if self._served is not None and before.get(live) is not zones.get(live):
            self._advance_serial()
        self._served, self._unread = dict(zones), unread

    def _make(self, file: ZoneFile) -> Zone:
        content = file.content
        if isinstance(content, StaticZone):
            return content
        return MergedZone(self._live, content, _tell)


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
