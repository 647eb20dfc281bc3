"""What came in through the dialects."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.api.dialects.tally import BOUNDS, DialectTally
from dnsregistry.metrics.families import buckets

_COUNTED: Mapping[str, tuple[str, Callable[[DialectTally], int]]] = {
    "registrations": ("Registrations taken.", lambda tally: tally.registrations),
    "heartbeats": ("Heartbeats taken.", lambda tally: tally.heartbeats),
    "removals": ("Instances removed by their owners.", lambda tally: tally.removals),
    "queries": ("Questions for services and instances.", lambda tally: tally.queries),
    "refused": ("Requests that were answered with an error of the client.", lambda t: t.refused),
    "errors": ("Requests that failed here.", lambda tally: tally.internal_errors),
}


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
        for dialect, tally in self._tallies.items():
            times.add_metric([dialect], buckets(BOUNDS, tally.times), tally.seconds)
        yield times
