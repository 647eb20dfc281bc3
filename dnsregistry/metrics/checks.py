"""What the health checks found."""

from collections.abc import Iterator
from itertools import islice

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.health.build import Checking
from dnsregistry.metrics.families import PREFIX, counter, gauge, histogram

MOST_SERVICES = 50
"""Services whose guard holds that are told by name: more at once are one trouble, not so many."""
_TYPES = ("http", "tcp", "grpc", "dns", "heartbeat")


class CheckCollector(Collector):
    """Counts by type and result. Those by service are told by the API: a scrape costs the same
    with many services.
    """

    def __init__(self, checking: Checking) -> None:
        self._checking = checking

    def collect(self) -> Iterator[Metric]:
        """Counters whose rates tell how many pass, and of what followed."""
        tally, ward = self._checking.tally, self._checking.ward
        checks = CounterMetricFamily(
            f"{PREFIX}checks", "Health checks that were made.", labels=["type", "result"]
        )
        for kind in _TYPES:
            checks.add_metric([kind, "passed"], tally.by_type[kind, True])
            checks.add_metric([kind, "failed"], tally.by_type[kind, False])
        yield checks
        for name, text, number in (
            ("transitions", "Checks that turned healthy or unhealthy.", tally.transitions),
            ("refused", "Checks of addresses that may not be probed.", tally.refused),
            ("guard_trips", "Times that many instances failed at once.", tally.guard_trips),
            ("revoked", "Instances that were revoked by their checks.", tally.revoked),
            ("write_failures", "Verdicts that the store did not take.", tally.write_failures),
            ("faults", "Checks that failed in themselves.", tally.faults),
        ):
            yield counter(f"checks_{name}", text, number)
        text = "How late checks were begun."
        yield histogram("checks_lag_seconds", text, (), {(): tally.lags})
        yield gauge("checks_in_flight", "Checks on their way.", self._checking.prober.in_flight)
        yield gauge("checked_instances", "Instances that are checked here.", len(ward))
        yield gauge("guards_holding", "Services whose guard holds.", ward.count_holding())
        holding = GaugeMetricFamily(
            f"{PREFIX}guard_holding",
            f"1 for a service whose guard holds; {MOST_SERVICES} at most.",
            labels=["service"],
        )
        for service in islice(ward.holding(), MOST_SERVICES):
            holding.add_metric([service], 1)
        yield holding
