"""Who watches changes."""

from collections.abc import Callable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.api.watching.tally import WatchTally


class WatchCollector(Collector):
    """Who watches, and what came of it."""

    def __init__(self, tally: Callable[[], WatchTally]) -> None:
        self._tally = tally

    def collect(self) -> Iterator[Metric]:
        """Gauges of the watchers, counters of what they were told."""
        tally = self._tally()
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
