"""Questions for names that are not ours, and whom they were put to."""

from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.forward.upstream import Upstream
from dnsregistry.metrics.families import PREFIX, counter, counters, gauge, histogram

_RESULTS = ("hits", "asked", "joined", "failed", "refused", "overload")
_UPSTREAM = {
    "asked": "Questions that were put to an upstream.",
    "answered": "Answers of an upstream that counted.",
    "silent": "Waits for an upstream that ended without its answer.",
    "strangers": "Datagrams from an upstream's address that were passed over.",
}


class ForwardCollector(Collector):
    """The forwarder; None where nothing is forwarded."""

    def __init__(self, forwarder: Forwarder | None) -> None:
        self._forwarder = forwarder

    def collect(self) -> Iterator[Metric]:
        """Counters by result, the cache, and each upstream."""
        forwarder = self._forwarder
        if forwarder is None:
            return
        tally = forwarder.tally
        yield counters(
            "forward_queries",
            "Queries for names that are not ours, by what was done first.",
            "result",
            {result: getattr(tally, result) for result in _RESULTS},
        )
        yield counter("forward_stale", "Answers that were stale.", tally.stale)
        yield counter("forward_timeouts", "Questions that nobody answered.", tally.timeouts)
        yield counter("forward_faults", "Questions without an answer that counts.", tally.faults)
        entries, octets = forwarder.cached()
        yield gauge("forward_cache_entries", "Answers that the cache holds.", entries)
        yield gauge("forward_cache_bytes", "About what they take.", octets)
        yield from _collect_upstreams(forwarder.upstreams())


def _collect_upstreams(upstreams: Sequence[Upstream]) -> Iterator[Metric]:
    for name, text in _UPSTREAM.items():
        yield counters(
            f"upstream_{name}",
            text,
            "upstream",
            {str(held.endpoint): getattr(held.tally, name) for held in upstreams},
        )
    faults = CounterMetricFamily(
        f"{PREFIX}upstream_faults",
        "Replies of an upstream that did not count.",
        labels=["upstream", "kind"],
    )
    up = GaugeMetricFamily(
        f"{PREFIX}upstream_up", "Whether an upstream answers.", labels=["upstream"]
    )
    for held in upstreams:
        up.add_metric([str(held.endpoint)], 0 if held.health.is_down else 1)
        for kind, number in held.tally.faults.items():
            faults.add_metric([str(held.endpoint), kind], number)
    yield faults
    yield up
    yield histogram(
        "upstream_seconds",
        "Time from asking an upstream to its answer.",
        ["upstream"],
        {(str(held.endpoint),): held.tally.times for held in upstreams},
    )
