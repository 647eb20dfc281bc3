"""A responder over a live zone, with a clock set by hand and chance that always draws the same."""

from collections.abc import Callable, Mapping
from ipaddress import ip_address, ip_network

import dns.message
import dns.rdatatype
import pytest

from dnsregistry.answers.access import EVERYONE, Access, Client
from dnsregistry.answers.answer import Answer
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.decide import Moment, decide
from dnsregistry.answers.options import OptionAnswerer
from dnsregistry.answers.protocol import RRClass
from dnsregistry.answers.query import Question
from dnsregistry.answers.ratelimit import RateLimit
from dnsregistry.answers.responder import Protection, Recursion, Responder
from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.patterns import Patterns
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rrset import RRset

UDP, TCP = Client("127.0.0.1", tcp=False), Client("127.0.0.1", tcp=True)
NOBODY = ip_network("192.0.2.255")


class House:
    """Names are relative to registry.local but for a final dot."""

    def __init__(
        self,
        *,
        allowed: tuple[str, ...] = (),
        version: str | None = None,
        server_id: str | None = None,
        empty_service: EmptyService = EmptyService.NODATA,
        draws: Callable[[], float] = lambda: 0.5,
        rate: int = 0,
        recursion: Recursion | None = None,
        limits: Mapping[str, int] | None = None,
    ) -> None:
        self.now = 1000.0
        self.registry = Registry()
        origin, addresses = Name.from_text("registry.local"), (ip_address("127.0.0.1"),)
        by_service = Patterns[int]({}), Patterns(limits or {})
        policy = LivePolicy(origin, 5, 1, empty_service, addresses, *by_service)
        self.zone = LiveZone(self.registry.catalogue, policy, 7)
        self.registry.feed.subscribe(self.zone.apply)
        self.zones = Authority([self.zone])
        self.identity = Identity.of(version, server_id)
        self.draws = draws
        options = OptionAnswerer(CookieBaker(bytes(16)), server_id or "", 10)
        access = Access([ip_network(text) for text in allowed] or EVERYONE)
        protection = Protection(access, RateLimit(rate) if rate else None, Access([NOBODY]))
        self.responder = Responder(
            self.zones, self.identity, options, protection, recursion, lambda: self.now, draws
        )
        self.zone.remember_in(self.responder.table)

    def add(self, id: str, **fields: object) -> None:
        """Register an instance of which only the telling fields are given."""
        given = {"service": "user-service", "address": "10.0.0.1", "port": 8080, **fields}
        self.registry.grant(admit(id=id, **given), self.now)  # type: ignore[arg-type]

    def decide(self, name: str, rtype: str, rclass: int = RRClass.IN) -> Answer:
        """Decide a question that is ours; `rtype` is a mnemonic or TYPEn."""
        decided = self.leave(name, rtype, rclass)
        assert isinstance(decided, Answer)
        return decided

    def leave(self, name: str, rtype: str, rclass: int = RRClass.IN) -> Answer | NotOurs:
        """Decide a question that may be others'."""
        wire = Name.from_text(_absolute(name)).to_wire()
        question = Question(wire, dns.rdatatype.from_text(rtype), rclass)
        return decide(question, self.zones, self.identity, Moment(self.now, self.draws))

    def lines(self, name: str, rtype: str) -> list[str]:
        """The answer section in presentation format."""
        return lines(self.decide(name, rtype).answer)

    def send(
        self, name: str, rtype: str, client: Client = UDP, payload: int | None = None
    ) -> dns.message.Message:
        """Ask by message as dnspython writes it, read the reply as dnspython reads it."""
        query = dns.message.make_query(
            _absolute(name), rtype, use_edns=None if payload is None else 0, payload=payload
        )
        reply = self.responder.respond(query.to_wire(), client)
        assert isinstance(reply, bytes)
        message = dns.message.from_wire(reply)
        assert query.is_response(message)
        return message


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}.registry.local".removeprefix(".")


def lines(rrsets: tuple[RRset, ...]) -> list[str]:
    return [line for rrset in rrsets for line in rrset.lines()]


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
