"""What was asked over DNS and how it went, all workers included."""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.answers.tally import OTHER, SIZES, TYPES, name_rcode
from dnsregistry.histogram import Histogram
from dnsregistry.metrics.families import PREFIX, buckets, counter, counters, gauge, histogram
from dnsregistry.parts import Parts


class DnsCollector(Collector):
    """The tally of all answers, and the table of finished ones."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Counters by transport, type and rcode; sizes and times."""
        tally = self._parts.responder.tally
        yield counters("dns_queries", "Queries that came in.", "transport", tally.queries)
        answers: Counter[tuple[str, str]] = Counter()
        for (rtype, rcode), count in tally.answered.items():
            answers[TYPES.get(rtype, OTHER), name_rcode(rcode)] += count
        family = CounterMetricFamily(
            f"{PREFIX}dns_answers", "Answers that were given.", labels=["type", "rcode"]
        )
        for labels, number in answers.items():
            family.add_metric(labels, number)
        yield family
        yield HistogramMetricFamily(
            f"{PREFIX}dns_answer_size_bytes",
            "Sizes of answers, to the next class.",
            buckets=buckets(SIZES, tally.sizes),
            sum_value=None,
        )
        times: dict[tuple[str, ...], Histogram] = {
            (str(path),): held for path, held in tally.times.items()
        }
        yield histogram(
            "dns_answer_seconds",
            "Time from taking a query in to giving its answer out.",
            ["path"],
            times,
        )
        for name, text, number in (
            ("ordinary", "Messages that were read and decided.", tally.ordinary),
            ("silent", "Messages that get no answer.", tally.silent),
            ("faults", "Queries that failed here.", tally.faults),
            ("dropped", "Answers that the system did not take.", tally.dropped),
            ("overflowed", "Queries that were given up under overload.", tally.overflowed),
            ("rate_limited", "Answers that the rate limit held back.", tally.limited),
            ("forwarded", "Queries that were forwarded.", tally.forwarded),
            (
                "refused_connections",
                "Connections beyond the bounds.",
                tally.refused_connections,
            ),
            ("table_hits", "Queries that were answered from the table.", tally.hits),
            ("table_misses", "Queries over UDP that the table had no answer to.", tally.misses),
        ):
            yield counter(f"dns_{name}", text, number)
        entries, octets = self._parts.responder.table.room
        pool = self._parts.workers
        for more in () if pool is None else pool.tables():
            entries, octets = entries + more[0], octets + more[1]
        yield gauge("dns_table_entries", "Answers that the table holds.", entries)
        yield gauge("dns_table_bytes", "About what they take.", octets)
