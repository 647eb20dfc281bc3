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
from dnsregistry.api.watching.tally import WatchTally
from dnsregistry.health.tally import BOUNDS as CHECK_BOUNDS
from dnsregistry.health.tally import HealthTally
from dnsregistry.registry.registry import Registry
from dnsregistry.scan.tally import ScanTally

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
        """Counters of checks by result, whose rates tell how many pass, and of what followed.

        The numbers by service are told by the API: a scrape costs the same with many services.
        """
        tally = self._read()
        checks = CounterMetricFamily(
            "dnsregistry_checks", "Health checks that were made.", labels=["result"]
        )
        checks.add_metric(["passed"], tally.passed)
        checks.add_metric(["failed"], tally.probes - tally.passed)
        yield checks
        for name, text, number in (
            ("transitions", "Checks that turned healthy or unhealthy.", tally.transitions),
            ("refused", "Checks of addresses that may not be probed.", tally.refused),
            ("guard_trips", "Times that many instances failed at once.", tally.guard_trips),
            ("revoked", "Instances that were revoked by their checks.", tally.revoked),
            ("write_failures", "Verdicts that the store did not take.", tally.write_failures),
            ("faults", "Checks that failed in themselves.", tally.faults),
        ):
            yield CounterMetricFamily(f"dnsregistry_checks_{name}", text, number)
        bounds = [*map(str, CHECK_BOUNDS), "+Inf"]
        yield HistogramMetricFamily(
            "dnsregistry_checks_lag_seconds",
            "How late checks were begun.",
            buckets=list(zip(bounds, accumulate(tally.lags), strict=True)),
            sum_value=None,
        )


class ScanCollector(Collector):
    """What the scan came upon, and how far its round is."""

    def __init__(self, tally: ScanTally | None) -> None:
        """None where nothing is scanned."""
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Counters of peers and of their answers, gauges of the round."""
        tally = self._tally
        if tally is None:
            return
        peers = CounterMetricFamily(
            "dnsregistry_scan_peers", "Peers that were asked what they are.", labels=["result"]
        )
        for result in ("identified", "refused", "silent", "unreadable"):
            peers.add_metric([result], getattr(tally, result))
        yield peers
        answers = CounterMetricFamily(
            "dnsregistry_scan_answers", "What the identified peers' answers did.", labels=["result"]
        )
        for result in ("registered", "renewed", "replaced", "conflicts", "rejected", "failures"):
            answers.add_metric([result], getattr(tally, result))
        yield answers
        yield CounterMetricFamily("dnsregistry_scan_rounds", "Rounds that ended.", tally.sweeps)
        for name, text, number in (
            ("targets", "Addresses and ports of a round.", tally.size),
            ("targets_asked", "Those of them that this round has come to.", tally.asked_now),
            ("known", "Instances that were found and are asked again.", tally.known),
            ("round_seconds", "Time that the last round took.", tally.last_seconds),
        ):
            yield GaugeMetricFamily(f"dnsregistry_scan_{name}", text, number)


class WatchCollector(Collector):
    """Who watches, and what came of it."""

    def __init__(self, read: Callable[[], WatchTally]) -> None:
        """`read` tells the numbers once there are any: watching is built after the metrics."""
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Gauges of the watchers, counters of what they were told."""
        tally = self._read()
        watchers = GaugeMetricFamily(
            "dnsregistry_watch_clients", "Those who watch changes.", labels=["kind"]
        )
        watchers.add_metric(["stream"], tally.streams)
        watchers.add_metric(["wait"], tally.waiting)
        yield watchers
        yield GaugeMetricFamily(
            "dnsregistry_watch_remembered", "Changes that can be told again.", tally.remembered
        )
        for name, text, number in (
            ("events", "Events sent, for each stream.", tally.events),
            ("resets", "Streams that were told to list again.", tally.resets),
            ("cut", "Streams that were cut because they were not read.", tally.cut),
            ("errors", "Rounds of telling that failed.", tally.errors),
            ("refused", "Watchers beyond those who may watch at once.", tally.refused),
        ):
            yield CounterMetricFamily(f"dnsregistry_watch_{name}", text, number)
