"""The parts of a running program whose numbers are told, to people and to Prometheus."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dnsregistry.answers.responder import Responder
from dnsregistry.api.dialects.tally import DialectTally
from dnsregistry.api.traffic import Traffic
from dnsregistry.api.watching.tally import WatchTally
from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.health.build import Checking
from dnsregistry.log.configure import Log
from dnsregistry.looplag import LoopLag
from dnsregistry.registry.registry import Registry
from dnsregistry.scan.tally import ScanTally
from dnsregistry.servers.certificate import Certificate
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.storage.store import Store
from dnsregistry.zone.live import LiveZone
from dnsregistry.zonefiles.watch import ZoneWatch


@dataclass(slots=True)
class Parts:
    """All of them; None stands for what is off. What starts late is put in when it has started.

    `now` is the registry's clock.
    """

    registry: Registry
    store: Store
    zone: LiveZone
    responder: Responder
    zone_watch: ZoneWatch
    forwarder: Forwarder | None
    checking: Checking
    scan: ScanTally | None
    dialects: Mapping[str, DialectTally]
    traffic: Traffic
    watch: Callable[[], WatchTally]
    loop_lag: LoopLag
    log: Log | None
    now: Callable[[], float]
    certificate: Certificate | None = None
    workers: Pool | None = None
    dns_port: int = 0
    """Where DNS is answered, for lines to copy; 0 until it is bound."""
