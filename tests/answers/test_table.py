"""The table of finished replies says what the ordinary path says, and forgets in time."""

import random
from collections import Counter
from ipaddress import IPv4Address, ip_address, ip_network
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from dnsregistry.answers.access import EVERYONE, Access, Client
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.options import OptionAnswerer
from dnsregistry.answers.ratelimit import RateLimit
from dnsregistry.answers.responder import Protection, Responder
from dnsregistry.registry.admission import admit
from dnsregistry.registry.departures import Departures
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.workers.demand import Wanted
from dnsregistry.servers.workers.frames import Kind, Reader, pack, pack_copy, pack_number
from dnsregistry.servers.workers.refill import Refill, export
from dnsregistry.servers.workers.replica import Configuration, Replica
from dnsregistry.zone.authority import Authority, Source
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import SOA, A, RRType
from dnsregistry.zone.reverse import ReverseZones
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.static import StaticZone

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
        departures = Departures()
        self.zone = LiveZone(self.registry.catalogue, self.policy, 7, departures=departures)
        self.registry.feed.subscribe(lambda change: departures.note(change, self.now))
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

    def declare_reverse(self, network: str) -> None:
        """Answer for the addresses of a network too."""
        reverse = ReverseZones(self.authority, self.registry.catalogue, self.policy, self.zone.soa)
        reverse.declare([ip_network(network)])

    def fill(self, count: int, service: str = "web") -> None:
        """More instances than a datagram has room for."""
        for number in range(count):
            self.add(
                f"{service}{number}",
                service=service,
                address=f"10.1.{number // 250}.{number % 250}",
            )


def _query(
    name: str,
    rtype: str,
    *,
    edns: int | None = None,
    rd: bool = True,
    cookie: bytes | None = None,
) -> bytes:
    options: list[dns.edns.Option] = (
        [] if cookie is None else [dns.edns.CookieOption(cookie[:8], cookie[8:])]
    )
    edns = 1232 if options and edns is None else edns
    message = dns.message.make_query(
        name, rtype, use_edns=-1 if edns is None else 0, payload=edns or 0, options=options
    )
    message.flags = dns.flags.RD if rd else 0
    return message.to_wire()


def _count_hits(responder: Responder) -> int:
    """Answers that came from the table."""
    return responder.tally.rcodes.total() - responder.tally.ordinary


def _read(reply: object) -> tuple[Any, ...]:
    """All of a reply but the order of its records; the additional ones at the end."""
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    sections = (message.answer, message.authority, message.additional)
    records = [sorted(map(_write, section)) for section in sections]
    flags, options = dns.flags.to_text(message.flags), message.options
    return message.id, flags, message.rcode(), message.edns, options, *records


def _tells_why(read: tuple[Any, ...]) -> bool:
    return any(option.otype == dns.edns.OptionType.EDE for option in read[4])


def _without_why(read: tuple[Any, ...]) -> tuple[Any, ...]:
    others = tuple(option for option in read[4] if option.otype != dns.edns.OptionType.EDE)
    return (*read[:4], others, *read[5:])


def _write(rrset: dns.rrset.RRset) -> str:
    """In presentation format; an SOA's names have the case of whatever they were compressed to."""
    text = rrset.to_text()
    return text.lower() if rrset.rdtype == dns.rdatatype.SOA else text


def _first(responder: Responder, query: bytes) -> str:
    return _read_first(responder.respond(query, UDP))


def _read_first(reply: object) -> str:
    assert isinstance(reply, bytes)
    answer = dns.message.from_wire(reply, one_rr_per_rrset=True).answer
    return str(answer[0][0].to_text())


class Worker:
    """A replica in this process, told what a worker is told, and in the same order."""

    def __init__(self, house: House, responder: Responder) -> None:
        everyone = [str(network) for network in EVERYONE]
        configuration = Configuration("registry.local", 0.0, everyone, 0, [], [])
        self.replica = Replica(configuration, lambda: house.now, self._hear)
        self._house = house
        self._responder = responder
        self._refill = Refill(Exchange(responder), responder)
        self._forgotten: dict[bytes, None] = {}
        self._tell(pack(Kind.ALONE, b"1"))
        house.registry.feed.subscribe(self._apply)
        house.zone.remember_in(self)
        house.authority.watch(self._clear)

    def _clear(self) -> None:
        alone = b"0" if self._house.authority.alone() is None else b"1"
        self._refill.clear()
        self._tell(pack(Kind.CLEAR) + pack(Kind.ALONE, alone))

    def forget(self, name: bytes) -> None:
        self._forgotten[name] = None

    def renumber(self, _origin: Name, serial: int) -> None:
        self._tell(pack(Kind.RENUMBER, pack_number(serial)))

    def respond(self, query: bytes) -> object:
        standing = self._responder.stand(UDP.address, self._house.now)
        entry = self.replica.table.find(query[2:], standing.peer, self._house.now)
        if entry is not None:
            return entry.write(query, recursion=False)
        reply = self._responder.respond(query, UDP)
        wanted = Wanted(query, UDP)
        copy = export(self._responder, wanted)
        if copy is not None:
            self._refill.note(copy, wanted)
            self._tell(pack_copy(copy))
        return reply

    def _apply(self, change: Change) -> None:
        for instance in (change.before, change.after):
            if instance is not None:
                there = self._house.registry.catalogue.has_service(instance.service)
                kind = Kind.PRESENT if there else Kind.GONE
                self._tell(pack(kind, instance.service.encode()))
        frames, forgotten = self._refill.make(self._forgotten)
        self._forgotten = {}
        told = (pack(Kind.FORGET, *forgotten), pack(Kind.SYNC, pack_number(1)))
        self._tell(b"".join((*frames, *told)))

    def _hear(self, frames: bytes) -> None:
        for kind, fields in Reader().feed(frames):
            if kind is Kind.SYNCED:
                self._refill.confirm(fields[1:])

    def _tell(self, frames: bytes) -> None:
        for kind, fields in Reader().feed(frames):
            self.replica.hear(kind, fields)


class TableBesideOrdinaryPath(RuleBasedStateMachine):
    """One responder keeps its table, the other has it cleared before each question.

    A worker's replica follows the first.
    """

    @initialize()
    def build(self) -> None:
        self.house = House()
        self.filled = False
        self.tabled, self.ordinary = self.house.build(), self.house.build()
        self.worker = Worker(self.house, self.tabled)

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
        edns=st.sampled_from([None, 512, 700, 1220, 1232, 4096]),
        rd=st.booleans(),
        upper=st.booleans(),
        cookie=st.sampled_from([None, b"12345678"]),
    )
    def ask(
        self,
        name: str,
        rtype: str,
        edns: int | None,
        rd: bool,
        upper: bool,
        cookie: bytes | None = None,
    ) -> None:
        written = name.upper() if upper else name
        query = _query(written, rtype, edns=edns, rd=rd, cookie=cookie)
        for _ in range(4):
            self.ordinary.table.clear()
            expected = _read(self.ordinary.respond(query, UDP))
            for answered in (self.tabled.respond(query, UDP), self.worker.respond(query)):
                self.compare(_read(answered), expected, query)

    def compare(self, answered: tuple[Any, ...], expected: tuple[Any, ...], query: bytes) -> None:
        if answered[2] == dns.rcode.NXDOMAIN and not _tells_why(answered):
            # A worker knows of a service that it is not there, and no more.
            expected = _without_why(expected)
        assert answered[:-1] == expected[:-1]
        if answered != expected:
            # Where only some of the addresses fit beside the answer, which ones is open.
            whole = _read(self.ordinary.respond(query, Client(UDP.address, tcp=True)))
            assert set(answered[-1]) < set(whole[-1])
            assert set(expected[-1]) < set(whole[-1])

    @precondition(lambda self: not self.filled)
    @rule(count=st.sampled_from([9, 40, 90]))
    def fill(self, count: int) -> None:
        self.filled = True
        self.house.fill(count)

    @rule()
    def ask_all(self) -> None:
        for name in NAMES:
            for rtype in ("A", "AAAA", "SRV"):
                self.ask(name, rtype, None, True, False)


TestTableBesideOrdinaryPath = TableBesideOrdinaryPath.TestCase
TestTableBesideOrdinaryPath.settings = settings(
    max_examples=20, stateful_step_count=20, deadline=None
)


def test_an_answer_is_kept_once_its_form_has_come_before() -> None:
    house = House()
    house.add("a")
    house.add("b", service="db")
    responder = house.build()
    for _ in range(2):
        responder.respond(_query("web.registry.local", "A"), UDP)
    assert _count_hits(responder) == 0
    responder.respond(_query("web.registry.local", "A"), UDP)
    assert _count_hits(responder) == 1
    for _ in range(2):
        responder.respond(_query("db.registry.local", "A"), UDP)
    assert responder.tally.hits == 2


def test_a_question_in_another_case_hits_and_comes_back_in_its_own() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    for _ in range(2):
        responder.respond(_query("web.registry.local", "A"), UDP)
    query = _query("WeB.rEgIsTrY.lOcAl", "A")
    reply = responder.respond(query, UDP)
    assert _count_hits(responder) == 1
    assert isinstance(reply, bytes)
    message = dns.message.from_wire(reply)
    assert message.question[0].to_text() == "WeB.rEgIsTrY.lOcAl. IN A"
    assert message.answer[0].to_text() == "WeB.rEgIsTrY.lOcAl. 5 IN A 10.0.0.1"


def test_names_that_are_not_there_are_denied_from_the_table_and_leave_nothing() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    labels = [f"n{number}" for number in range(1000, 1500)]
    for label in labels:
        for name in (f"{label}.registry.local", f"_{label}._tcp.registry.local"):
            assert _read(responder.respond(_query(name, "A"), UDP))[2] == dns.rcode.NXDOMAIN
    table = responder.table
    assert _count_hits(responder) >= 996
    assert (len(table._names), table._octets) == (0, 0)
    assert sum(map(len, table._denials.values())) == 2


@pytest.mark.parametrize("name", ["ns1", "a.ns1", "hostmaster", "a.hostmaster", "x", "xx.x"])
def test_a_denial_fits_names_that_it_could_be_compressed_against(name: str) -> None:
    house = House()
    responder, ordinary = house.build(), house.build()
    for other in ("y" * len(name), name, name, name):
        query = _query(f"{other}.registry.local", "MX")
        ordinary.table.clear()
        expected = _read(ordinary.respond(query, UDP))
        assert _read(responder.respond(query, UDP)) == expected


def test_a_cookie_is_answered_around_the_kept_reply() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    for count in range(4):
        query = _query("web.registry.local", "A", cookie=b"12345678")
        reply = responder.respond(query, UDP)
        assert isinstance(reply, bytes)
        message = dns.message.from_wire(reply)
        assert message.answer[0].to_text() == "web.registry.local. 5 IN A 10.0.0.1"
        assert len(message.options[0].to_wire() or b"") == 24
        assert len(responder.table._names) == (count > 0)
    assert responder.tally.hits == 2


def test_what_is_cut_short_is_kept_for_its_own_client() -> None:
    house = House()
    house.fill(90)
    responder = house.build()
    others = [Client(f"10.9.9.{number}", tcp=False) for number in range(1, 4)]
    query = _query("_web._tcp.registry.local", "SRV")
    shares = []
    for client in others:
        replies = [_read(responder.respond(query, client)) for _ in range(4)]
        assert replies.count(replies[0]) == 4
        assert "TC" in str(replies[0][1])
        shares.append(replies[0])
    assert shares[0] != shares[1] != shares[2]
    assert _count_hits(responder) >= 8


def test_a_change_forgets_the_names_it_touches_and_no_other_answers() -> None:
    house = House()
    house.add("a")
    house.add("b", service="db")
    responder = house.build()
    queries = [_query("web.registry.local", "A"), _query("db.registry.local", "A")]
    for query in queries * 3:
        responder.respond(query, UDP)
    before = _count_hits(responder)
    house.add("c", address="10.0.0.3")
    for query in queries:
        responder.respond(query, UDP)
    assert _count_hits(responder) == before + 1


def test_a_denial_is_forgotten_when_the_serial_moves() -> None:
    house = House()
    responder = house.build()
    query = _query("web.registry.local", "A")
    for _ in range(4):
        responder.respond(query, UDP)
    assert responder.tally.hits == 2
    house.add("a")
    assert _first(responder, query) == "10.0.0.1"


@pytest.mark.parametrize("edns", [None, 1232])
@pytest.mark.parametrize(("name", "rtype"), [("nobody", "A"), ("web", "AAAA"), ("a._tcp", "SRV")])
def test_a_denial_outlives_the_serial_that_it_told(name: str, rtype: str, edns: int | None) -> None:
    house = House()
    house.add("a")
    responder = house.build()
    query = _query(f"{name}.registry.local", rtype, edns=edns)
    for number in range(5):
        # Of another name of as many octets, and twice, so that a serial is passed over.
        house.add("b", service=f"db{number}")
        house.add("b", service=f"bd{number}")
        replies = [_read(responder.respond(query, UDP)) for _ in range(2)]
        expected = _read(house.build().respond(query, UDP))
        assert replies == [expected, expected]
        assert f" {house.zone.serial} " in str(expected[6])
    assert (responder.tally.ordinary, responder.tally.hits) == (2, 8)


def test_a_denial_of_another_zone_tells_the_live_serial_of_now() -> None:
    house = House()
    house.add("a", address="10.0.0.1")
    house.declare_reverse("10.0.0.0/24")
    responder = house.build()
    query = _query("7.0.0.10.in-addr.arpa", "PTR")
    for number in range(3):
        house.add("b", service=f"db{number}")
        for _ in range(3):
            assert f" {house.zone.serial} " in str(_read(responder.respond(query, UDP))[6])


def test_denials_of_two_zones_are_not_mistaken_for_each_other() -> None:
    house = House()
    house.add("a", address="10.0.0.1")
    house.declare_reverse("10.0.0.0/24")
    responder = house.build()
    names = ["7.0.0.10.in-addr.arpa", "nobody-x.registry.local", "1.0.0.10.in-addr.arpa"]
    names.append("x" * (len(names[0]) - len(".registry.local")) + ".registry.local")
    for _ in range(4):
        for name in names:
            reply = responder.respond(_query(name, "TXT"), UDP)
            assert isinstance(reply, bytes)
            (soa,) = dns.message.from_wire(reply).authority
            assert name.endswith(str(soa.name).removesuffix("."))


def test_a_static_answer_is_kept_until_its_zone_is_published_anew() -> None:
    house = House()
    responder = house.build()
    for address in ("10.0.0.1", "10.0.0.2"):
        origin = Name.from_text("example.test")
        soa = RRset(origin, RRType.SOA, 60, (SOA(origin, origin, 1, 1, 1, 1, 60),))
        www = Name.from_text("www.example.test")
        a = RRset(www, RRType.A, 60, (A(IPv4Address(address)),))
        house.authority.put(StaticZone(origin, [soa, a]), Source.FILE)
        before = _count_hits(responder)
        for _ in range(4):
            assert _first(responder, _query("www.example.test", "A")) == address
            reply = _read(responder.respond(_query("www.example.test", "AAAA"), UDP))
            assert reply[-2] == ["example.test. 60 in soa example.test. example.test. 1 1 1 1 60"]
        assert _count_hits(responder) > before


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


@pytest.mark.parametrize("weights", [(99, 1), (10, 10, 10, 10, 11), (901, *(1,) * 40), (300, 7, 0)])
def test_a_share_that_is_small_or_odd_is_kept_in_the_turns(weights: tuple[int, ...]) -> None:
    house = House()
    for number, weight in enumerate(weights):
        house.add(f"i{number}", address=f"10.0.0.{number}", weight=weight)
    responder, rounds = house.build(), 2000
    worker = Worker(house, responder)
    query = _query("web.registry.local", "A", edns=1232)
    for is_worker in (False, True):
        replies = (
            worker.respond(query) if is_worker else responder.respond(query, UDP)
            for _ in range(rounds)
        )
        firsts = Counter(map(_read_first, replies))
        for number, weight in enumerate(weights):
            share = rounds * weight / sum(weights)
            # One turn more or less a round of up to a thousand, and the answers before the first.
            assert abs(firsts[f"10.0.0.{number}"] - share) <= 4, (number, firsts)


def test_weight_0_beside_others_stands_first_once_in_a_while() -> None:
    house = House()
    for number in range(2):
        house.add(f"i{number}", address=f"10.0.0.{number}", weight=number)
    responder = house.build()
    query = _query("web.registry.local", "A")
    firsts = Counter(_first(responder, query) for _ in range(5000))
    assert 1 <= firsts["10.0.0.0"] <= 20, firsts


def test_who_is_limited_gets_no_more_from_the_table_than_without_it() -> None:
    house = House()
    house.add("a")
    responder = house.build(rate=3)
    query = _query("web.registry.local", "A")
    replies = [responder.respond(query, UDP) for _ in range(9)]
    whole = [reply for reply in replies if isinstance(reply, bytes) and not reply[2] & 2]
    assert (len(whole), replies.count(None), responder.tally.limited) == (3, 3, 6)
    house.now += 1
    assert [responder.respond(query, UDP) is not None for _ in range(4)] == [True] * 3 + [False]
    assert responder.tally.ordinary < 13


def test_the_table_is_bounded_in_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnsregistry.answers.table.MOST_OCTETS", 4000)
    house = House()
    for number in range(10):
        house.add(f"i{number}", service=f"s{number}")
    responder = house.build()
    queries = [_query(f"s{number}.registry.local", "A") for number in range(10)]
    for query in queries * 2:
        responder.respond(query, UDP)
    table = responder.table
    assert 0 < table._octets <= 4000
    assert 0 < len(table._names) < 10
    before = _count_hits(responder)
    responder.respond(queries[-1], UDP)
    assert _count_hits(responder) == before + 1


def test_odd_headers_do_not_fill_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnsregistry.answers.forms.MOST_FORMS", 64)
    house = House()
    house.add("a")
    responder = house.build()
    query = bytearray(_query("web.registry.local", "A", edns=1232))
    for number in range(2000):
        query[-4:-2] = (number << 1 & 0x7FFF).to_bytes(2)
        responder.respond(bytes(query), UDP)
    table = responder.table
    assert 0 < len(table._forms) <= 64
    assert table._octets < 10_000


def test_what_is_forgotten_leaves_nothing_behind() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    for query in [_query("web.registry.local", rtype) for rtype in ("A", "SRV", "TXT")] * 3:
        responder.respond(query, UDP)
    house.registry.revoke("a", house.now)
    table = responder.table
    assert (table._octets, dict(table._names)) == (0, {})
