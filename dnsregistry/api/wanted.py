"""Which instances a list is to hold, and the way into the catalogue that looks at fewest."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.check import Health
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import Address

Network = IPv4Network | IPv6Network

MOST_LOOKED_UP = 1024
"""Addresses of a network that are looked up one by one: two milliseconds."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an instance must be; names in lower case, None for any.

    `state` is its status, where that is healthy its health. `address` is one of its own, its host
    name, or a network that one of its addresses lies in. `metadata` are names and values as
    `write_value` writes them, all of which it must have.
    """

    service: str | None = None
    state: str | None = None
    status: str | None = None
    tag: str | None = None
    capability: str | None = None
    address: Address | Network | str | None = None
    metadata: tuple[tuple[str, str], ...] = ()

    def takes(self, instance: Instance) -> bool:
        """Whether the instance is asked for."""
        return (
            (self.service is None or instance.service == self.service)
            and (self.state is None or instance.state == self.state)
            and (self.status is None or instance.status == self.status)
            and (self.tag is None or _holds(instance.tags, self.tag))
            and (self.capability is None or _holds(instance.capabilities, self.capability))
            and (self.address is None or self._is_at(instance))
            and (not self.metadata or self._says(instance))
        )

    def narrow(self, catalogue: Catalogue) -> Collection[Lease] | None:
        """The fewest leases that hold all that are asked for; None where no index tells."""
        return min(self._indexed(catalogue), key=len, default=None)

    def _indexed(self, catalogue: Catalogue) -> Iterator[Collection[Lease]]:
        if self.capability is not None:
            yield catalogue.capable(self.capability)
        if self.service is not None:
            yield catalogue.of_service(self.service)
            for label in (self.tag, self.capability):
                if label is not None:
                    yield catalogue.labelled(self.service, label)
        for state in (self.state, self.status):
            if state is not None and state != Health.HEALTHY:
                yield catalogue.in_state(state)
        if isinstance(self.address, Address):
            yield catalogue.reached(self.address)
        elif isinstance(self.address, Network) and self.address.num_addresses <= MOST_LOOKED_UP:
            reached = map(catalogue.reached, self.address)
            yield dict.fromkeys(lease for leases in reached for lease in leases)

    def _is_at(self, instance: Instance) -> bool:
        address = self.address
        if isinstance(address, Network):
            # An address of the other family is in no network of this one.
            return any(own in address for own in instance.addresses)
        return (
            address == instance.host if isinstance(address, str) else address in instance.addresses
        )

    def _says(self, instance: Instance) -> bool:
        metadata = instance.metadata
        return all(
            name in metadata and write_value(metadata[name]) == text for name, text in self.metadata
        )


def write_value(value: object) -> str | None:
    """A value of metadata as a query has it: text as it is, else JSON; None for what has parts."""
    if isinstance(value, str):
        return value
    return None if isinstance(value, dict | list) else json.dumps(value)


def _holds(texts: tuple[str, ...], label: str) -> bool:
    return any(text.lower() == label for text in texts)


STATES = tuple(map(str, dict.fromkeys((*Status, *Health))))
"""What `state` may be."""
