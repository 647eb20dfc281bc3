"""A registry with a clock set by hand and the live zone that listens to it, asked in text."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address

import dns.rdatatype
import pytest

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Found, Lookup
from dnsregistry.zone.name import Name
from dnsregistry.zone.patterns import Patterns
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import SRV
from dnsregistry.zone.rrset import RRset


class House:
    """Names are relative to the origin but for a final dot; the answer is presentation format."""

    def __init__(
        self,
        *,
        origin: str = "registry.local",
        ttl: int = 5,
        empty_service: EmptyService = EmptyService.NODATA,
        name_server: tuple[str, ...] = ("127.0.0.1", "::1"),
        serial: int = 7,
        ttls: Mapping[str, int] | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.now = 1000.0
        self.registry = Registry()
        self.origin = Name.from_text(origin)
        addresses = tuple(ip_address(text) for text in name_server)
        by_service = Patterns(ttls or {}), Patterns(limits or {})
        self.policy = LivePolicy(self.origin, ttl, 1, empty_service, addresses, *by_service)
        self.zone = LiveZone(self.registry.catalogue, self.policy, serial)
        self.registry.feed.subscribe(self.zone.apply)

    def add(self, id: str, **fields: object) -> Instance:
        """Register an instance of which only the telling fields are given."""
        given = {"service": "user-service", "address": "10.0.0.1", "port": 8080, **fields}
        instance = admit(id=id, **given)  # type: ignore[arg-type]
        self.registry.grant(instance, self.now)
        return instance

    def ask(self, name: str, rtype: str) -> Lookup:
        """Look a name up; `rtype` is a mnemonic or TYPEn."""
        if not name.endswith("."):
            name = f"{name}.{self.origin}" if name else str(self.origin)
        return self.zone.lookup(Name.from_text(name), dns.rdatatype.from_text(rtype), self.now)

    def found(self, name: str, rtype: str) -> RRset:
        """The RRset that must be there."""
        lookup = self.ask(name, rtype)
        assert isinstance(lookup, Found), lookup
        return lookup.rrset

    def lines(self, name: str, rtype: str) -> list[str]:
        """The records that must be there."""
        return self.found(name, rtype).lines()

    def data(self, name: str, rtype: str) -> list[str]:
        """The data of the records that must be there."""
        return [str(rdata) for rdata in self.found(name, rtype).rdatas]

    def additional(self, name: str) -> list[str]:
        """The addresses that come with the SRV records that must be there."""
        lookup = self.ask(name, "SRV")
        assert isinstance(lookup, Found), lookup
        targets = [rdata.target for rdata in lookup.rrset.rdatas if isinstance(rdata, SRV)]
        return [
            line
            for target in targets
            for rrset in lookup.additional.get(target, ())
            for line in rrset.lines()
        ]

    def says(self, name: str, rtype: str) -> str:
        """The kind of the answer: Found, NoData, NoName or NotOurs."""
        return type(self.ask(name, rtype)).__name__


@pytest.fixture(scope="session")
def build() -> Callable[..., House]:
    """Build an empty house with settings of its own."""
    return House


@pytest.fixture
def house() -> House:
    """An empty house."""
    return House()


@pytest.fixture
def users(house: House) -> House:
    """Three instances of user-service; two share an address."""
    house.add("i1", address="10.0.0.1", port=8080)
    house.add("i2", address="10.0.0.1", port=8081)
    house.add("i3", address="10.0.0.2", port=8080)
    return house
