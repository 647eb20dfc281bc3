"""The store, and this node's place in a cluster."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from dnsregistry.metrics.families import PREFIX, counter, gauge, histogram
from dnsregistry.storage.store import Store

_COUNTED = {
    "commits": "Commits that were written.",
    "changes": "Changes that were committed.",
    "outages": "Times that the store was away.",
}
_MEASURED = {
    "waiting": ("store_waiting_changes", "Changes that wait for a commit."),
    "replica_revision": ("cluster_revision", "The last change that the replica has applied."),
    "replica_lag": ("cluster_lag_changes", "By how many changes the replica is behind the store."),
    "nodes": ("cluster_nodes", "Nodes that live."),
}


class StoreCollector(Collector):
    """Reads what the store tells of itself; numbers that its engine does not have are left out."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[Metric]:
        """Whether it takes changes, since when not, and its own numbers."""
        told, outage, times = self._store.tell(), self._store.outage, self._store.commit_times
        engine = GaugeMetricFamily(
            f"{PREFIX}store_up", "Whether the store takes changes.", labels=["engine"]
        )
        engine.add_metric([str(told["engine"])], 0 if outage else 1)
        yield engine
        yield gauge(
            "store_away_since_seconds",
            "Unix time since which the store takes no changes; 0 while it does.",
            outage.since if outage else 0,
        )
        for key, text in _COUNTED.items():
            if isinstance(number := told.get(key), int):
                yield counter(f"store_{key}", text, number)
        for key, (name, text) in _MEASURED.items():
            if isinstance(number := told.get(key), int):
                yield gauge(name, text, number)
        if times is not None:
            text = "Time that a commit took, its sync included."
            yield histogram("store_commit_seconds", text, (), {(): times})
