"""What is registered, and what has become of it."""

from collections.abc import Callable, Iterator

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from dnsregistry.metrics.families import counters, gauge
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.registry import Registry


class RegistryCollector(Collector):
    """The catalogue, its leases and its changes; `now` is the registry's clock."""

    def __init__(self, registry: Registry, now: Callable[[], float]) -> None:
        self._registry = registry
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Gauges of what there is, counters of what happened."""
        registry, catalogue = self._registry, self._registry.catalogue
        counts = registry.feed.counts
        yield gauge("services", "Registered services.", catalogue.count_services())
        yield gauge("instances", "Registered instances.", len(catalogue))
        yield gauge(
            "instances_serving",
            "Registered instances that belong in their services' answers.",
            catalogue.count_serving(),
        )
        yield gauge("revision", "The last change's revision.", registry.feed.revision)
        yield counters(
            "changes",
            "Changes of the catalogue.",
            "kind",
            {kind.value: counts[kind] for kind in ChangeKind},
        )
        yield counters(
            "leases",
            "What became of leases.",
            "event",
            {
                "granted": counts[ChangeKind.REGISTERED],
                "renewed": registry.renewals,
                "expired": counts[ChangeKind.EXPIRED],
                "revoked": counts[ChangeKind.REMOVED],
            },
        )
        due = registry.next_deadline()
        late = 0.0 if due is None else max(0.0, self._now() - due)
        yield gauge("sweep_lag_seconds", "By how much the sweep is behind the first lease.", late)
