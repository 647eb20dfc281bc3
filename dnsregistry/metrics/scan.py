"""What the scan came upon."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.scan.tally import ScanTally


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
