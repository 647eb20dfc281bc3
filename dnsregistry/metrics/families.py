"""Short ways to write metrics."""

from collections.abc import Iterable, Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from dnsregistry.histogram import Histogram

PREFIX = "dnsregistry_"


def counter(name: str, text: str, number: float) -> CounterMetricFamily:
    """A number that only grows; `_total` is added to its name."""
    return CounterMetricFamily(PREFIX + name, text, number)


def counters(name: str, text: str, label: str, numbers: Mapping[str, float]) -> CounterMetricFamily:
    """The same, one for each value of a label."""
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


def gauge(name: str, text: str, number: float) -> GaugeMetricFamily:
    """A number as it is now."""
    return GaugeMetricFamily(PREFIX + name, text, number)


def histogram(
    name: str,
    text: str,
    labels: Iterable[str],
    histograms: Mapping[tuple[str, ...], Histogram],
) -> HistogramMetricFamily:
    """Histograms by the values of their labels."""
    family = HistogramMetricFamily(PREFIX + name, text, labels=list(labels))
    for values, held in histograms.items():
        family.add_metric(values, list(held.buckets()), held.total)
    return family


def buckets(bounds: Iterable[float], counts: Iterable[int]) -> list[tuple[str, float]]:
    """Counts by class as those up to each bound."""
    return list(zip((*map(str, map(float, bounds)), "+Inf"), accumulate(counts), strict=True))
