"""Everything of checks, built together from the settings."""

import socket
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from ipaddress import IPv6Address

from dnsregistry.health.desk import Desk, WriteTime
from dnsregistry.health.draining import Drains
from dnsregistry.health.guard import GuardRule
from dnsregistry.health.placement import Placement
from dnsregistry.health.prober import Prober
from dnsregistry.health.probing.connect import SystemResolver
from dnsregistry.health.probing.probes import Probes
from dnsregistry.health.settings import HealthSettings
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.targets import TargetPolicy
from dnsregistry.health.ward import Ward
from dnsregistry.health.writer import VerdictWriter
from dnsregistry.registry.check import Check
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import Address
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.store import Store


@dataclass(frozen=True, slots=True)
class Policies:
    """What is set by service, by its name in lower case; None where nothing is."""

    checks_of: Callable[[str], tuple[Check, ...] | None]
    guard_of: Callable[[str], GuardRule | None]
    ttl_of: Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Checking:
    """The parts that others hold on to."""

    prober: Prober
    desk: Desk
    drains: Drains
    ward: Ward
    tally: HealthTally
    policy: TargetPolicy


def build_checking(
    settings: HealthSettings,
    policies: Policies,
    registry: Registry,
    store: Store,
    own_ports: Iterable[int],
    now: Callable[[], float],
    chance: Callable[[], float],
    write_time: WriteTime,
) -> Checking:
    """Build it; nothing is begun."""

    def rule_of(service: str) -> GuardRule:
        return settings.guard_rule_of(policies.guard_of(service))

    def default_of(service: str) -> tuple[Check, ...]:
        return policies.checks_of(service) or ()

    def longest_ttl(instance: Instance) -> float:
        return policies.ttl_of(instance.service)

    tally = HealthTally()
    policy = TargetPolicy(settings.probe_networks, own_ports, is_local)
    ward = Ward(registry.catalogue.count_healthy, rule_of)
    writer = VerdictWriter(store, registry.catalogue, ward, tally, now)
    prober = Prober(
        registry,
        ward,
        Probes(policy, SystemResolver(), tally),
        writer,
        Placement(),
        tally,
        now,
        chance,
        settings.probe_concurrency,
    )
    drains = Drains(longest_ttl)
    desk = Desk(registry.catalogue, store, ward, policy, drains, default_of, write_time)
    return Checking(prober, desk, drains, ward, tally, policy)


def is_local(address: Address) -> bool:
    """Whether an address is one of this machine: only then a socket can be bound to it."""
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as sock:
            sock.bind((str(address), 0))
    except OSError:
        return False
    return True
