"""The program's numbers, for people (`/v1/stats`): what it is first, then what it does."""

import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import islice
from typing import Any

from dnsregistry import __version__
from dnsregistry.api.watching.tally import WatchTally
from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.forward.tally import ForwardTally, UpstreamTally
from dnsregistry.health.build import Checking
from dnsregistry.health.tally import HealthTally
from dnsregistry.histogram import Histogram
from dnsregistry.parts import Parts
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.registry import Registry
from dnsregistry.scan.tally import ScanTally
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.storage.store import Store
from dnsregistry.zonefiles.watch import ZoneTally

MOST_NAMED = 100
"""Services that are named at once, whose guard holds: what a person can look through."""


class Stats:
    """Reads the counters of the parts; costs the same whatever is registered."""

    def __init__(self, parts: Parts) -> None:
        self._started_at = time.monotonic()
        self._parts = parts
        self.access: Callable[[], Mapping[str, object]] = dict

    def tell(self) -> Mapping[str, object]:
        """Return all numbers, as JSON can have them. What is off is left out."""
        parts = self._parts
        told: dict[str, object] = {
            "version": __version__,
            "uptime": round(time.monotonic() - self._started_at, 3),
            "event_loop_lag": parts.loop_lag.times.tell(),
            "registry": _tell_registry(parts.registry),
            "store": _tell_store(parts.store),
            "zone": {
                "origin": str(parts.zone.origin).removesuffix("."),
                "serial": parts.zone.serial,
            },
            "zone_files": _read(parts.zone_watch.tally),
            "dns": {
                "port": parts.dns_port,
                **parts.responder.tally.tell(),
                "table": _tell_table(parts),
            },
        }
        told["access"] = self.access()
        if parts.workers is not None:
            told["workers"] = _tell_workers(parts.workers)
        if parts.forwarder is not None:
            told["forward"] = _tell_forward(parts.forwarder)
        told["watch"] = _read(parts.watch())
        told["health"] = _tell_checking(parts.checking)
        if parts.scan is not None:
            told["scan"] = _read(parts.scan)
        if parts.log is not None:
            writer = parts.log.writer
            told["log"] = {"waiting": writer.waiting, "dropped": writer.dropped}
        return told


def _tell_registry(registry: Registry) -> Mapping[str, object]:
    catalogue, feed = registry.catalogue, registry.feed
    return {
        "instances": len(catalogue),
        "serving": catalogue.count_serving(),
        "services": catalogue.count_services(),
        "revision": feed.revision,
        "changes": {kind.value: feed.counts[kind] for kind in ChangeKind},
        "heartbeats": registry.renewals,
    }


def _tell_store(store: Store) -> Mapping[str, object]:
    outage = store.outage
    return {**store.tell(), "away_since": None if outage is None else outage.since}


def _tell_table(parts: Parts) -> Mapping[str, object]:
    entries, octets = parts.responder.table.room
    return {"entries": entries, "octets": octets}


def _tell_workers(pool: Pool) -> Mapping[str, object]:
    tables = pool.tables()
    return {
        "serving": pool.working,
        "restarts": pool.restarts,
        "entries": sum(entries for entries, _ in tables),
        "octets": sum(octets for _, octets in tables),
        "log_dropped": pool.lines_dropped,
    }


def _tell_checking(checking: Checking) -> Mapping[str, object]:
    told = _read(checking.tally)
    by_type = told.pop("by_type")
    return {
        "instances": len(checking.ward),
        "in_flight": checking.prober.in_flight,
        "guards": checking.ward.count_holding(),
        "guards_holding": sorted(islice(checking.ward.holding(), MOST_NAMED)),
        "types": {kind: by_type[kind, True] + by_type[kind, False] for kind, _ in by_type},
        **told,
        "lags": checking.tally.lags.counts,
    }


def _tell_forward(forwarder: Forwarder) -> Mapping[str, object]:
    entries, octets = forwarder.cached()
    return {
        **_read(forwarder.tally),
        "cache": {"entries": entries, "octets": octets},
        "upstreams": {str(item.endpoint): _read(item.tally) for item in forwarder.upstreams()},
    }


def _read(
    tally: ForwardTally | UpstreamTally | ZoneTally | HealthTally | ScanTally | WatchTally,
) -> dict[str, Any]:
    values = {field.name: getattr(tally, field.name) for field in fields(tally)}
    return {
        name: value.tell() if isinstance(value, Histogram) else value
        for name, value in values.items()
    }
