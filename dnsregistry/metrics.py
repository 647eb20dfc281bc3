"""The program's numbers for Prometheus.

Nothing is counted here: the parts count in plain numbers, and a scrape reads them.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from dnsregistry.api.dialects.tally import BOUNDS, DialectTally
from dnsregistry.health.tally import HealthTally
from dnsregistry.registry.registry import Registry

_COUNTED: Mapping[str, tuple[str, Callable[[DialectTally], int]]] = {
    "registrations": ("Registrations taken.", lambda tally: tally.registrations),
    "heartbeats": ("Heartbeats taken.", lambda tally: tally.heartbeats),
    "removals": ("Instances removed by their owners.", lambda tally: tally.removals),
    "queries": ("Questions for services and instances.", lambda tally: tally.queries),
    "refused": ("Requests that were answered with an error of the client.", lambda t: t.refused),
    "errors": ("Requests that failed here.", lambda tally: tally.internal_errors),
}


class Metrics:
    """Everything that is told at `/metrics`; a part of the program is a Collector."""

    def __init__(self, *collectors: Collector) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        for collector in collectors:
            self._registry.register(collector)

    def render(self, accept: str) -> tuple[bytes, str]:
        """The text in the format that an Accept header asks for, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


class CatalogueCollector(Collector):
    """What is registered."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Gauges of the services and instances."""
        catalogue = self._registry.catalogue
        services = catalogue.count_services()
        yield GaugeMetricFamily("dnsregistry_services", "Registered services.", services)
        yield GaugeMetricFamily("dnsregistry_instances", "Registered instances.", len(catalogue))
        revision = self._registry.feed.revision
        yield GaugeMetricFamily("dnsregistry_revision", "The last change's revision.", revision)


class DialectCollector(Collector):
    """What came in through each dialect that is on."""

    def __init__(self, tallies: Mapping[str, DialectTally]) -> None:
        self._tallies = tallies

    def collect(self) -> Iterator[Metric]:
        """Counters of what was asked, and how long the answers took."""
        for name, (text, read) in _COUNTED.items():
            counter = CounterMetricFamily(f"dnsregistry_dialect_{name}", text, labels=["dialect"])
            for dialect, tally in self._tallies.items():
                counter.add_metric([dialect], read(tally))
            yield counter
        times = HistogramMetricFamily(
            "dnsregistry_dialect_request_seconds",
            "Time from a request's head to its answer.",
            labels=["dialect"],
        )
        bounds = [*map(str, BOUNDS), "+Inf"]
        for dialect, tally in self._tallies.items():
            buckets = list(zip(bounds, accumulate(tally.times), strict=True))
            times.add_metric([dialect], buckets, tally.seconds)
        yield times


class CheckCollector(Collector):
    """What the health checks found."""

    def __init__(self, read: Callable[[], HealthTally]) -> None:
        """`read` tells the numbers once there are any: checks are built after the metrics."""
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """One counter, by result: its rates tell how many pass."""
        tally = self._read()
        checks = CounterMetricFamily(
            "dnsregistry_checks", "Health checks that were made.", labels=["result"]
        )
        checks.add_metric(["passed"], tally.passed)
        checks.add_metric(["failed"], tally.probes - tally.passed)
        yield checks
