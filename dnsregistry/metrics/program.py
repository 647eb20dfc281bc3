"""The program itself: what it is, its loop, its workers and its log."""

import platform
from collections.abc import Iterator

from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry import __version__
from dnsregistry.log.configure import TROUBLES
from dnsregistry.metrics.families import PREFIX, counter, counters, gauge, histogram
from dnsregistry.parts import Parts


class ProgramCollector(Collector):
    """What every program of its kind has."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """Its version, and how it does."""
        parts = self._parts
        labels = {"version": __version__, "python": platform.python_version()}
        yield InfoMetricFamily(f"{PREFIX}build", "What runs here.", labels)
        text = "How late the event loop came back."
        yield histogram("event_loop_lag_seconds", text, (), {(): parts.loop_lag.times})
        pool = parts.workers
        serving, restarts = (0, 0) if pool is None else (pool.working, pool.restarts)
        yield gauge("workers", "DNS processes beside the main one that serve.", serving)
        yield counter("worker_restarts", "Times that one was started anew.", restarts)
        troubles = dict.fromkeys(TROUBLES, 0) if parts.log is None else parts.log.troubles
        yield counters("log_lines", "Lines of the log, from warnings on.", "level", troubles)
        dropped = 0 if parts.log is None else parts.log.writer.dropped
        dropped += 0 if pool is None else pool.lines_dropped
        yield counter("log_lines_dropped", "Lines of the log that had no room.", dropped)
