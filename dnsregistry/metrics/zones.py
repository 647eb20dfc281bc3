"""The zones: the live one's serial, the files, and the certificate beside them."""

from collections.abc import Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dnsregistry.metrics.families import counter, gauge
from dnsregistry.parts import Parts


class ZoneCollector(Collector):
    """What is read from files, and what is told of the live zone."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Gauges of what is served, counters of what was read."""
        watch, certificate = self._parts.zone_watch, self._parts.certificate
        tally = watch.tally
        yield gauge("soa_serial", "Serial of the live zone.", self._parts.zone.serial)
        yield gauge("zone_files_served", "Zones that are served from files.", tally.zones)
        yield gauge("zone_records", "Records in them.", tally.records)
        broken = len(watch.problems())
        yield gauge("zone_files_broken", "Zone files that are refused as they are now.", broken)
        yield counter("zone_file_loads", "Zone files that were read.", tally.loaded)
        yield counter("zone_file_refusals", "Zone files that were refused.", tally.refused)
        if certificate is not None:
            yield gauge(
                "certificate_expiry_seconds",
                "Unix time at which the certificate ends; 0 where that cannot be read.",
                certificate.expires_at,
            )
