"""The table of finished replies says what the ordinary path says, and forgets in time."""

import random
from collections import Counter
from ipaddress import ip_address, ip_network

import dns.flags
import dns.message
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from dnsregistry.answers.access import EVERYONE, Access, Client
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.options import OptionAnswerer
from dnsregistry.answers.ratelimit import RateLimit
from dnsregistry.answers.responder import Protection, Responder
from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService, LivePolicy

UDP = Client("127.0.0.1", tcp=False)
SERVICES = ("web", "db")
NAMES = (
    "registry.local",
    "ns1.registry.local",
    "_tcp.registry.local",
    "nobody.registry.local",
    "web.registry.local",
    "v1.web.registry.local",
    "_web._tcp.registry.local",
    "_http._tcp.web.registry.local",
    "_tcp.web.registry.local",
    "greet.cap.registry.local",
    "db.registry.local",
    "_db._tcp.registry.local",
    "a.i.registry.local",
    "a._web._tcp.registry.local",
    "v1._sub._web._tcp.registry.local",
    "_services._dns-sd._udp.registry.local",
    "example.org",
)
TYPES = ("A", "AAAA", "SRV", "PTR", "TXT", "SOA", "NS", "ANY", "HTTPS", "CNAME")


class House:
    """A registry, and as many responders over it as are asked for, on one clock."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.registry = Registry()
        self.policy = LivePolicy(
            Name.from_text("registry.local"),
            5,
            1,
            EmptyService.NODATA,
            (ip_address("127.0.0.1"),),
        )
        self.zone = LiveZone(self.registry.catalogue, self.policy, 7)
        self.registry.feed.subscribe(self.zone.apply)
        self.authority = Authority([self.zone])

    def build(self, rate: int = 0) -> Responder:
        responder = Responder(
            self.authority,
            Identity.of(None, None),
            OptionAnswerer(CookieBaker(bytes(16)), "", 10),
            Protection(
                Access(EVERYONE),
                RateLimit(rate) if rate else None,
                Access([ip_network("192.0.2.255")]),
            ),
            None,
            lambda: self.now,
            random.Random(1).random,
        )
        self.zone.remember_in(responder.table)
        return responder

    def add(self, id: str, **fields: object) -> None:
        given = {"service": "web", "address": "10.0.0.1", "port": 80, **fields}
        self.registry.grant(admit(id=id, **given), self.now)  # type: ignore[arg-type]


def _query(name: str, rtype: str, *, edns: int | None = None, rd: bool = True) -> bytes:
    message = dns.message.make_query(
        name, rtype, use_edns=-1 if edns is None else 0, payload=edns or 0
    )
    message.flags = dns.flags.RD if rd else 0
    return message.to_wire()


def _read(reply: object) -> tuple[object, ...]:
    """All of a reply but the order of its records."""
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    sections = (message.answer, message.authority, message.additional)
    records = [sorted(rrset.to_text() for rrset in section) for section in sections]
    return message.id, dns.flags.to_text(message.flags), message.rcode(), message.edns, records


def _first(responder: Responder, query: bytes) -> str:
    reply = responder.respond(query, UDP)
    assert isinstance(reply, bytes)
    answer = dns.message.from_wire(reply, one_rr_per_rrset=True).answer
    return str(answer[0][0].to_text())


class TableBesideOrdinaryPath(RuleBasedStateMachine):
    """One responder keeps its table, the other has it cleared before each question."""

    @initialize()
    def build(self) -> None:
        self.house = House()
        self.tabled, self.ordinary = self.house.build(), self.house.build()

    @rule(
        id=st.sampled_from("abcd"),
        service=st.sampled_from(SERVICES),
        address=st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1", "web.registry.local"]),
        weight=st.integers(0, 3),
        tags=st.sampled_from([(), ("v1",)]),
        ports=st.sampled_from([{}, {"http": 8080}]),
        capabilities=st.sampled_from([(), ("greet",)]),
        ttl=st.sampled_from([2, 10, None]),
    )
    def grant(self, id: str, **fields: object) -> None:
        self.house.add(id, **fields)

    @rule(id=st.sampled_from("abcd"), status=st.sampled_from(Status))
    def set_status(self, id: str, status: Status) -> None:
        try:
            self.house.registry.set_status(id, status, self.house.now)
        except UnknownInstance:
            return

    @rule(id=st.sampled_from("abcd"))
    def renew(self, id: str) -> None:
        self.house.registry.renew_all([id], self.house.now)

    @rule(id=st.sampled_from("abcd"))
    def revoke(self, id: str) -> None:
        try:
            self.house.registry.revoke(id, self.house.now)
        except UnknownInstance:
            return

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0, 8.0]), swept=st.booleans())
    def wait(self, seconds: float, swept: bool) -> None:
        self.house.now += seconds
        if swept:
            self.house.registry.expire(self.house.now, 100)

    @rule(
        name=st.sampled_from(NAMES),
        rtype=st.sampled_from(TYPES),
        edns=st.sampled_from([None, 512, 700, 1232, 4096]),
        rd=st.booleans(),
        upper=st.booleans(),
    )
    def ask(self, name: str, rtype: str, edns: int | None, rd: bool, upper: bool) -> None:
        query = _query(name.upper() if upper else name, rtype, edns=edns, rd=rd)
        for _ in range(4):
            self.ordinary.table.clear()
            expected = _read(self.ordinary.respond(query, UDP))
            assert _read(self.tabled.respond(query, UDP)) == expected

    @rule()
    def ask_all(self) -> None:
        for name in NAMES:
            for rtype in ("A", "AAAA", "SRV"):
                self.ask(name, rtype, None, True, False)


TestTableBesideOrdinaryPath = TableBesideOrdinaryPath.TestCase
TestTableBesideOrdinaryPath.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None
)


def test_a_question_is_kept_on_its_second_sight() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    query = _query("web.registry.local", "A")
    for _ in range(2):
        responder.respond(query, UDP)
    assert responder.table.hits == 0
    responder.respond(query, UDP)
    assert responder.table.hits == 1


def test_a_question_in_another_case_hits_and_comes_back_in_its_own() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    for _ in range(2):
        responder.respond(_query("web.registry.local", "A"), UDP)
    query = _query("WeB.rEgIsTrY.lOcAl", "A")
    reply = responder.respond(query, UDP)
    assert responder.table.hits == 1
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert message.question[0].to_text() == "WeB.rEgIsTrY.lOcAl. IN A"
    assert message.answer[0].to_text() == "WeB.rEgIsTrY.lOcAl. 5 IN A 10.0.0.1"


def test_a_flood_of_names_that_come_once_is_not_kept() -> None:
    house = House()
    responder = house.build()
    for number in range(500):
        responder.respond(_query(f"n{number}.registry.local", "A"), UDP)
    table = responder.table
    assert (table.hits, len(table._entries), table._octets) == (0, 0, 0)


def test_a_change_forgets_the_names_it_touches_and_no_other_answers() -> None:
    house = House()
    house.add("a")
    house.add("b", service="db")
    responder = house.build()
    queries = [_query("web.registry.local", "A"), _query("db.registry.local", "A")]
    for query in queries * 3:
        responder.respond(query, UDP)
    assert responder.table.hits == 2
    house.add("c", address="10.0.0.3")
    for query in queries:
        responder.respond(query, UDP)
    assert responder.table.hits == 3


def test_a_denial_is_forgotten_when_the_serial_moves() -> None:
    house = House()
    responder = house.build()
    query = _query("web.registry.local", "A")
    for _ in range(4):
        responder.respond(query, UDP)
    assert responder.table.hits == 2
    house.add("a")
    assert _first(responder, query) == "10.0.0.1"


def test_each_of_three_stands_first_in_turn() -> None:
    house = House()
    for number in range(3):
        house.add(f"i{number}", address=f"10.0.0.{number}")
    responder = house.build()
    for name, rtype in (("web.registry.local", "A"), ("_web._tcp.registry.local", "SRV")):
        query = _query(name, rtype)
        firsts = Counter(_first(responder, query) for _ in range(3002))
        assert all(abs(count - 1000) <= 2 for count in firsts.values()), firsts


def test_weights_are_kept_in_the_turns() -> None:
    house = House()
    for number, weight in enumerate((3, 1, 2)):
        house.add(f"i{number}", address=f"10.0.0.{number}", weight=weight)
    responder = house.build()
    query = _query("web.registry.local", "A")
    firsts = Counter(_first(responder, query) for _ in range(3002))
    shares = [round(firsts[f"10.0.0.{number}"] / 500) for number in range(3)]
    assert shares == [3, 1, 2]


def test_who_is_counted_or_not_allowed_gets_nothing_from_the_table() -> None:
    house = House()
    house.add("a")
    responder = house.build(rate=1)
    query = _query("web.registry.local", "A")
    for _ in range(5):
        responder.respond(query, UDP)
    assert responder.table.hits == 0


def test_the_table_is_bounded_in_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnsregistry.answers.table.MOST_OCTETS", 3000)
    house = House()
    for number in range(10):
        house.add(f"i{number}", service=f"s{number}")
    responder = house.build()
    queries = [_query(f"s{number}.registry.local", "A") for number in range(10)]
    for query in queries * 2:
        responder.respond(query, UDP)
    table = responder.table
    assert 0 < table._octets <= 3000
    assert 0 < len(table._entries) < 10
    responder.respond(queries[-1], UDP)
    assert table.hits == 1


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    for query in [_query("web.registry.local", rtype) for rtype in ("A", "SRV", "TXT")] * 3:
        responder.respond(query, UDP)
    house.registry.revoke("a", house.now)
    table = responder.table
    assert (table._octets, table._entries, table._keys) == (0, {}, {})
