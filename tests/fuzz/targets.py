"""What is fuzzed: each target takes any octets, and must hold its contract or raise."""

from collections.abc import Callable
from ipaddress import ip_address

import dns.message
import dns.rdatatype
import dns.rrset

from dnsregistry.answers.access import EVERYONE, Access, Client
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.options import OptionAnswerer
from dnsregistry.answers.protocol import HEADER_OCTETS
from dnsregistry.answers.query import Fault, Query, Silence, decode
from dnsregistry.answers.responder import Protection, Responder
from dnsregistry.forward.names import UnreadableReply
from dnsregistry.forward.reply import read_reply
from dnsregistry.registry.admission import admit
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.tcp import TcpConnection, TcpLimits
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService, LivePolicy

NOW = 1_800_000_000.0


def build_responder() -> Responder:
    """A responder over a live zone that has something of everything."""
    registry = Registry()
    policy = LivePolicy(
        Name.from_text("registry.local"), 5, 1, EmptyService.NODATA, (ip_address("127.0.0.1"),)
    )
    zone = LiveZone(registry.catalogue, policy, 1)
    registry.feed.subscribe(zone.apply)
    for number in range(40):
        instance = admit(
            id=f"i{number}",
            service="web",
            address=[f"10.0.0.{number}", f"fd00::{number}"],
            port=80,
            ports={"http": 8080},
            tags=["v1"],
            metadata={"number": number},
        )
        registry.grant(instance, NOW)
    registry.grant(admit(id="ext", service="ext", address="web.registry.local", port=80), NOW)
    everyone = Access(EVERYONE)
    options = OptionAnswerer(CookieBaker(bytes(16)), "fuzz", 10)
    return Responder(
        Authority([zone]),
        Identity.of("1", "fuzz"),
        options,
        Protection(everyone, None, everyone),
        None,
        lambda: NOW,
        lambda: 0.5,
    )


RESPONDER, ORDINARY = build_responder(), build_responder()
UDP, TCP = Client("192.0.2.1", tcp=False), Client("192.0.2.1", tcp=True)
SIGHTS = 4
"""One to see the form, one to learn it and keep the reply, and two turns of it."""


def fuzz_guard(octets: bytes) -> None:
    """The guard gives one of its three results."""
    assert isinstance(decode(octets), Query | Fault | Silence)


def fuzz_responder(octets: bytes) -> None:
    """A reply is to the same id, is a response, and is no longer than was asked for.

    What comes again is answered from the table, with the records of the ordinary path.
    """
    ORDINARY.table.clear()
    ordinary = ORDINARY.respond(octets, UDP)
    kept = [RESPONDER.respond(octets, UDP) for _ in range(SIGHTS)]
    assert all(reply == ordinary or _read(reply) == _read(ordinary) for reply in kept)
    for tcp, reply in ((False, kept[-1]), (True, RESPONDER.respond(octets, TCP))):
        if reply is None:
            continue
        assert isinstance(reply, bytes)
        assert reply[:2] == octets[:2]
        assert reply[2] & 0x80
        assert len(reply) <= (65_535 if tcp else 1232)


def fuzz_framing(octets: bytes) -> None:
    """However the octets come in pieces, as many messages are answered as are whole."""
    server = _Listener()
    loop = _Loop()
    connection = TcpConnection.__new__(TcpConnection)
    transport = _Transport()
    _adopt(connection, server, loop, transport)
    step = max(1, octets[0] if octets else 1)
    for start in range(0, len(octets), step):
        connection.data_received(octets[start : start + step])
        loop.run_all()
    assert server.exchange.answered == _count_messages(octets)


def fuzz_upstream(octets: bytes) -> None:
    """An upstream's reply is read whole or not at all."""
    if len(octets) < 12:
        return
    try:
        reply = read_reply(octets, 12, 1)
    except UnreadableReply:
        return
    assert len(reply.ends) == sum(reply.counts)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "guard": fuzz_guard,
    "responder": fuzz_responder,
    "framing": fuzz_framing,
    "upstream": fuzz_upstream,
}


def _read(reply: object) -> object:
    """A reply with the records of each section as a set; names in rdata by what they say."""
    if not isinstance(reply, bytes):
        return reply
    message = dns.message.from_wire(reply, one_rr_per_rrset=True)
    sections = (message.question, message.answer, message.authority, message.additional)
    records = [sorted(_write(rrset) for rrset in section) for section in sections]
    return reply[:HEADER_OCTETS], message.opt, records


def _write(rrset: dns.rrset.RRset) -> str:
    # An SOA's names have the case of whatever they were compressed to.
    text = rrset.to_text()
    return text.lower() if rrset.rdtype == dns.rdatatype.SOA else text


class _CountingExchange:
    def __init__(self) -> None:
        self.answered = 0

    def answer(self, message: bytes, client: Client) -> None:
        self.answered += 1


class _Listener:
    def __init__(self) -> None:
        self.exchange = _CountingExchange()
        self.limits = TcpLimits(idle=10, connections=1, connections_per_client=1)


class _Loop:
    """Runs what is put off, in order; nothing ever comes of a timer."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []

    def time(self) -> float:
        return 0.0

    def call_soon(self, call: Callable[[], None]) -> None:
        self._waiting.append(call)

    def run_all(self) -> None:
        while self._waiting:
            self._waiting.pop(0)()


class _Transport:
    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def _adopt(
    connection: TcpConnection, server: _Listener, loop: _Loop, transport: _Transport
) -> None:
    """Set a connection up as `connection_made` would, without a socket or a running loop."""
    parts = {
        "_server": server,
        "_loop": loop,
        "_transport": transport,
        "_client": Client("192.0.2.1", tcp=True),
        "_received": bytearray(),
        "_outstanding": set(),
        "_writable": True,
        "_ended": False,
        "_working": False,
        "_heard": 0.0,
    }
    for name, part in parts.items():
        setattr(connection, name, part)


def _count_messages(octets: bytes) -> int:
    count = position = 0
    while position + 2 <= len(octets):
        position += 2 + int.from_bytes(octets[position : position + 2])
        count += position <= len(octets)
    return count
