"""The catalogue: every lease, and the ways to find it.

Only the registry changes it. A lease past its deadline stays findable until it is swept, so
whoever answers from here asks the lease whether it is live.
"""

from collections.abc import Collection, Iterator

from dnsregistry.registry.alphabet import Alphabet
from dnsregistry.registry.arrivals import Arrivals
from dnsregistry.registry.check import Health
from dnsregistry.registry.index import Index
from dnsregistry.registry.instance import Endpoint, Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import Address, fold_id, is_short_host_label


class Catalogue:
    """Leases by id, host label, service, tag or capability, and endpoint. Lookups are O(1)."""

    def __init__(self) -> None:
        self._ids: dict[str, Lease] = {}
        self._digests: dict[str, Lease] = {}
        self._services: Index[str] = Index()
        self._labelled: Index[tuple[str, str]] = Index()
        self._capable: Index[str] = Index()
        self._endpoints: Index[Endpoint] = Index()
        self._addresses: Index[Address] = Index()
        self._states: Index[str] = Index()
        self._arrivals = Arrivals()
        self._order = Alphabet()
        self._service_names = Alphabet()
        self._serving = 0
        self._healthy: dict[str, int] = {}
        self._healthy_types: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, instance_id: str) -> Lease | None:
        """The lease of the instance with this id, in any case."""
        return self._ids.get(instance_id.lower())

    def find_host(self, label: str) -> Lease | None:
        """The lease of the instance whose host label this is; the inverse of `host_label`."""
        if is_short_host_label(label) and (lease := self._ids.get(label)):
            return lease
        return self._digests.get(label)

    def has_service(self, service: str) -> bool:
        """Whether a service, by its name in lower case, has any lease."""
        return service in self._services

    def of_service(self, service: str) -> Collection[Lease]:
        """The leases of a service, by its name in lower case."""
        return self._services.get(service)

    def labelled(self, service: str, label: str) -> Collection[Lease]:
        """The leases of a service that have this tag or capability, both in lower case."""
        return self._labelled.get((service, label))

    def capable(self, capability: str) -> Collection[Lease]:
        """The leases of any service that have this capability, in lower case."""
        return self._capable.get(capability)

    def at(self, endpoint: Endpoint) -> Collection[Lease]:
        """The leases reached at this address or host name and main port."""
        return self._endpoints.get(endpoint)

    def reached(self, address: Address) -> Collection[Lease]:
        """The leases that have this address, at whatever port."""
        return self._addresses.get(address)

    def after(self, sequence: int) -> Iterator[Lease]:
        """All leases in the order of registration, from above a sequence number."""
        return self._arrivals.after(sequence)

    def before(self, sequence: int | None) -> Iterator[Lease]:
        """All leases in the order of registration turned round, from below a sequence number."""
        return self._arrivals.before(sequence)

    def ids_after(self, key: str, most: int) -> list[Lease]:
        """Up to `most` leases in the order of their ids in lower case, from above one."""
        return [self._ids[found] for found in self._order.after(key, most)]

    def ids_before(self, key: str | None, most: int) -> list[Lease]:
        """The same in falling order, from below an id in lower case or from the last."""
        return [self._ids[found] for found in self._order.before(key, most)]

    def in_state(self, state: str) -> Collection[Lease]:
        """The leases of instances in a state other than healthy."""
        return self._states.get(state)

    def services_after(self, name: str, most: int) -> list[str]:
        """Up to `most` service names in alphabetical order, from above a name."""
        return self._service_names.after(name, most)

    def services_before(self, name: str | None, most: int) -> list[str]:
        """The same in falling order, from below a name or from the last."""
        return self._service_names.before(name, most)

    def count_services(self) -> int:
        """How many services have instances."""
        return len(self._service_names)

    def count_serving(self) -> int:
        """How many instances belong in their services' answers."""
        return self._serving

    def count_healthy(self, service: str) -> int:
        """How many of a service's instances belong in its answers."""
        return self._healthy.get(service, 0)

    def count_healthy_type(self, service: str, protocol: str) -> int:
        """How many of a service's instances of one protocol belong in its answers."""
        return self._healthy_types.get((service, protocol), 0)

    def insert(self, lease: Lease) -> None:
        """File a lease under all its keys."""
        key, label = fold_id(lease.instance.id), lease.instance.host_label
        self._ids[key] = lease
        if label != key:
            self._digests[label] = lease
        self._arrivals.append(lease)
        self._order.add(key)
        self._file(lease)

    def replace(self, lease: Lease, instance: Instance) -> None:
        """Give a lease another description of the instance with the same id."""
        self._unfile(lease)
        lease.instance = instance
        self._file(lease)

    def remove(self, lease: Lease) -> None:
        """Take a lease from under all its keys."""
        key, label = fold_id(lease.instance.id), lease.instance.host_label
        del self._ids[key]
        if label != key:
            del self._digests[label]
        self._arrivals.remove(lease)
        self._order.remove(key)
        self._unfile(lease)

    def _file(self, lease: Lease) -> None:
        instance = lease.instance
        service = instance.service
        if service not in self._services:
            self._service_names.add(service)
        self._services.add(service, lease)
        if (state := instance.state) != Health.HEALTHY:
            self._states.add(state, lease)
        if instance.is_serving:
            self._serving += 1
            self._healthy[service] = self._healthy.get(service, 0) + 1
            kind = (service, instance.protocol)
            self._healthy_types[kind] = self._healthy_types.get(kind, 0) + 1
        for label in instance.labels:
            self._labelled.add((service, label), lease)
        for capability in instance.capabilities:
            self._capable.add(capability.lower(), lease)
        for endpoint in instance.endpoints:
            self._endpoints.add(endpoint, lease)
        for address in instance.addresses:
            self._addresses.add(address, lease)

    def _unfile(self, lease: Lease) -> None:
        instance = lease.instance
        service = instance.service
        self._services.discard(service, lease)
        state = instance.state
        if state != Health.HEALTHY:
            self._states.discard(state, lease)
        if instance.is_serving:
            self._serving -= 1
            self._healthy[service] -= 1
            kind = (service, instance.protocol)
            self._healthy_types[kind] -= 1
            if not self._healthy_types[kind]:
                del self._healthy_types[kind]
        if service not in self._services:
            self._service_names.remove(service)
            self._healthy.pop(service, None)
        for label in instance.labels:
            self._labelled.discard((service, label), lease)
        for capability in instance.capabilities:
            self._capable.discard(capability.lower(), lease)
        for endpoint in instance.endpoints:
            self._endpoints.discard(endpoint, lease)
        for address in instance.addresses:
            self._addresses.discard(address, lease)
