"""What came in over HTTP."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.api.traffic import Traffic
from dnsregistry.metrics.families import PREFIX, counter, histogram


class HttpCollector(Collector):
    """Requests of the API by route; those of dialects are told by DialectCollector."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def collect(self) -> Iterator[Metric]:
        """Counters by method, route and status, times by method and route."""
        tallies = list(self._traffic.tallies())
        requests = CounterMetricFamily(
            f"{PREFIX}http_requests",
            "HTTP requests that were answered.",
            labels=["method", "route", "status"],
        )
        for tally in tallies:
            for status, number in tally.statuses.items():
                requests.add_metric([tally.method, tally.route, str(status)], number)
        yield requests
        yield histogram(
            "http_request_seconds",
            "Time from a request's head to its answer.",
            ["method", "route"],
            {(tally.method, tally.route): tally.times for tally in tallies},
        )
        failed = self._traffic.internal_errors
        yield counter("http_faults", "HTTP requests that failed here.", failed)
