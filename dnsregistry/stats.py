"""The program's numbers, for people (`/v1/stats`)."""

import time
from collections.abc import Mapping
from dataclasses import fields

from dnsregistry import __version__
from dnsregistry.answers.responder import Responder
from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.forward.tally import ForwardTally, UpstreamTally
from dnsregistry.health.build import Checking
from dnsregistry.health.tally import HealthTally
from dnsregistry.registry.registry import Registry
from dnsregistry.scan.tally import ScanTally
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.storage.store import Store
from dnsregistry.zone.live import LiveZone
from dnsregistry.zonefiles.watch import ZoneTally


class Stats:
    """Reads the counters of the parts; costs nothing until it is asked."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        zone: LiveZone,
        responder: Responder,
        zone_files: ZoneTally,
        forwarder: Forwarder | None,
        checking: Checking,
        scan: ScanTally | None,
    ) -> None:
        self._started_at = time.monotonic()
        self._registry = registry
        self._store = store
        self._zone = zone
        self._responder = responder
        self._zone_files = zone_files
        self._forwarder = forwarder
        self._checking = checking
        self._scan = scan
        self.workers: Pool | None = None

    def tell(self) -> Mapping[str, object]:
        """Return all numbers, as JSON can have them."""
        catalogue = self._registry.catalogue
        told: dict[str, object] = {
            "version": __version__,
            "uptime": round(time.monotonic() - self._started_at, 3),
            "registry": {
                "instances": len(catalogue),
                "services": catalogue.count_services(),
                "revision": self._registry.feed.revision,
            },
            "store": _tell_store(self._store),
            "zone": {
                "origin": str(self._zone.origin).removesuffix("."),
                "serial": self._zone.serial,
            },
            "zone_files": _read(self._zone_files),
            "dns": self._responder.tally.tell(),
        }
        told["health"] = _tell_checking(self._checking)
        if self.workers is not None:
            told["workers"] = {
                "serving": self.workers.working,
                "restarts": self.workers.restarts,
            }
        if self._forwarder is not None:
            told["forward"] = _tell_forward(self._forwarder)
        if self._scan is not None:
            told["scan"] = _read(self._scan)
        return told


def _tell_store(store: Store) -> Mapping[str, object]:
    outage = store.outage
    return {**store.tell(), "away_since": None if outage is None else outage.since}


def _tell_checking(checking: Checking) -> Mapping[str, object]:
    holding = [name for name, group in checking.ward.groups() if group.guard.until is not None]
    return {
        "instances": len(checking.ward),
        "in_flight": checking.prober.in_flight,
        "guards_holding": sorted(holding),
        **_read(checking.tally),
    }


def _tell_forward(forwarder: Forwarder) -> Mapping[str, object]:
    entries, octets = forwarder.cached()
    return {
        **_read(forwarder.tally),
        "cache": {"entries": entries, "octets": octets},
        "upstreams": {str(item.endpoint): _read(item.tally) for item in forwarder.upstreams()},
    }


def _read(
    tally: ForwardTally | UpstreamTally | ZoneTally | HealthTally | ScanTally,
) -> dict[str, object]:
    return {field.name: getattr(tally, field.name) for field in fields(tally)}
