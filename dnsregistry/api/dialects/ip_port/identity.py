"""Who is meant by a name, an IP address and a port."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from dnsregistry.api.dialects.location import resolve_localhost
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import Address, parse_address

_NAMESPACE = UUID("7d1ac6ee-2f0e-5d1b-9d3c-5f3a64c1a001")


@dataclass(frozen=True, slots=True)
class Identity:
    """One instance of the document, the name in lower case."""

    service: str
    address: Address
    port: int

    @property
    def id(self) -> str:
        """The same for the same identity at all times: a UUID made of it (RFC 9562, 5.5)."""
        return str(uuid5(_NAMESPACE, f"{self.service} {self.address} {self.port}"))

    def find(self, catalogue: Catalogue, now: float) -> Lease | None:
        """The live lease that has this id, else one of the service at this endpoint, whoever
        registered it; None where there is neither.
        """
        own = catalogue.find(self.id)
        if own is not None and own.is_live(now):
            return own
        for lease in catalogue.at((self.address, self.port)):
            if lease.instance.service == self.service and lease.is_live(now):
                return lease
        return None


def identify(name: str, ip: str, port: int) -> Identity:
    """The identity that a client names. Raises InvalidField for what is no IP address."""
    address = parse_address("ip", resolve_localhost(ip))
    if isinstance(address, str):
        raise InvalidField("ip", f"{address!r} is no IP address")
    return Identity(name.lower() if name.isascii() else name, address, port)
