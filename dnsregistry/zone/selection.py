"""Which leases a name's answer is made of: narrowed step by step, each told to a sieve."""

from collections.abc import Collection
from typing import TypeVar

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.instance import Status
from dnsregistry.registry.lease import Lease
from dnsregistry.zone.records import PortOf
from dnsregistry.zone.sieve import Cause, Sieve

_Leases = TypeVar("_Leases", bound=Collection[Lease])


class Selection:
    """The steps. A sieve that hears nothing costs a call a step."""

    def __init__(self, catalogue: Catalogue, sieve: Sieve) -> None:
        self._catalogue = catalogue
        self._sieve = sieve

    def one(self, lease: Lease | None) -> list[Lease]:
        """The one lease that a name is for, if there is one."""
        leases = [] if lease is None else [lease]
        self._sieve.begin(leases)
        return leases

    def of_service(self, service: str) -> Collection[Lease]:
        """The leases of a service."""
        leases = self._catalogue.of_service(service)
        self._sieve.begin(leases)
        return leases

    def labelled(self, service: str, label: str) -> Collection[Lease]:
        """Those of a service with a tag or capability."""
        self.of_service(service)
        return self._keep(self._catalogue.labelled(service, label), Cause.LABEL, label)

    def capable(self, capability: str) -> Collection[Lease]:
        """The leases of any service with a capability."""
        leases = self._catalogue.capable(capability)
        self._sieve.begin(leases)
        return leases

    def live(self, leases: Collection[Lease], now: float) -> list[Lease]:
        """Those that have not ended: a name exists while there is one."""
        return self._keep([lease for lease in leases if lease.is_live(now)], Cause.EXPIRED)

    def speaking(self, leases: Collection[Lease], protocol: str) -> list[Lease]:
        """Those that speak a protocol."""
        left = [lease for lease in leases if lease.instance.protocol == protocol]
        return self._keep(left, Cause.PROTOCOL, protocol)

    def of_type(self, leases: Collection[Lease], service: str) -> list[Lease]:
        """Those of a service."""
        left = [lease for lease in leases if lease.instance.service == service]
        return self._keep(left, Cause.SERVICE, service)

    def with_port(self, leases: Collection[Lease], port_of: PortOf, name: str) -> list[Lease]:
        """Those that have a port of a name."""
        left = [lease for lease in leases if port_of(lease.instance) is not None]
        return self._keep(left, Cause.PORT, name)

    def with_ports(self, leases: Collection[Lease]) -> list[Lease]:
        """Those that have named ports."""
        return self._keep([lease for lease in leases if lease.instance.ports], Cause.PORT)

    def with_labels(self, leases: Collection[Lease]) -> list[Lease]:
        """Those that have tags or capabilities."""
        return self._keep([lease for lease in leases if lease.instance.labels], Cause.LABEL)

    def answered(self, live: Collection[Lease], now: float) -> list[Lease]:
        """Those that owner and checks leave in their service's answers."""
        return self._keep([lease for lease in live if lease.is_answered(now)], Cause.STATUS)

    def in_place_of_none(self, live: Collection[Lease]) -> list[Lease]:
        """Those that are better than none (EMPTY_SERVICE=all)."""
        left = [lease for lease in live if lease.instance.status is not Status.MAINTENANCE]
        return self._keep(left, Cause.STATUS)

    def _keep(self, leases: _Leases, cause: Cause, wanted: str = "") -> _Leases:
        self._sieve.keep(leases, cause, wanted)
        return leases
