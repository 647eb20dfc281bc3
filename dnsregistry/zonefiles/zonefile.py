"""A zone as its file gives it."""

from dataclasses import dataclass

from dnsregistry.zone.name import Name
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.tree import Tree
from dnsregistry.zonefiles.fault import Fault


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """What was read: a zone of its own, or for the live zone's origin what lies over that.

    `records` counts equal ones once.
    """

    origin: Name
    content: StaticZone | Tree
    records: int
    warnings: tuple[Fault, ...]

    @property
    def serial(self) -> int | None:
        """The serial of its SOA; None for an overlay, which has none."""
        return self.content.serial if isinstance(self.content, StaticZone) else None
