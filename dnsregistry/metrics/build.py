"""All collectors, built from the parts of the program."""

from dnsregistry.metrics.checks import CheckCollector
from dnsregistry.metrics.dialects import DialectCollector
from dnsregistry.metrics.dns import DnsCollector
from dnsregistry.metrics.exposition import Metrics
from dnsregistry.metrics.forward import ForwardCollector
from dnsregistry.metrics.http import HttpCollector
from dnsregistry.metrics.program import ProgramCollector
from dnsregistry.metrics.registry import RegistryCollector
from dnsregistry.metrics.scan import ScanCollector
from dnsregistry.metrics.store import StoreCollector
from dnsregistry.metrics.watch import WatchCollector
from dnsregistry.metrics.zones import ZoneCollector
from dnsregistry.parts import Parts


def build_metrics(parts: Parts) -> Metrics:
    """Everything that is told at `/metrics`."""
    return Metrics(
        ProgramCollector(parts),
        RegistryCollector(parts.registry, parts.now),
        DnsCollector(parts),
        HttpCollector(parts.traffic),
        StoreCollector(parts.store),
        ForwardCollector(parts.forwarder),
        CheckCollector(parts.checking),
        ZoneCollector(parts),
        DialectCollector(parts.dialects),
        ScanCollector(parts.scan),
        WatchCollector(parts.watch),
    )
