"""Upstreams of the tests: on loopback, over UDP and TCP, that do as they are told."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from dnsregistry.forward.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Seen:
    """A query as it came to an upstream."""

    wire: bytes
    tcp: bool
    peer: tuple[str, int]

    @property
    def message(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire)

    @property
    def name(self) -> str:
        return self.message.question[0].name.to_text()


Behaviour = Callable[[Seen], list[bytes]]
"""What goes back, a datagram or TCP message each."""


class FakeUpstream(asyncio.DatagramProtocol):
    """Listens while it is entered. `delay` is in seconds; without `tcp` connections are refused."""

    def __init__(
        self,
        behave: Behaviour,
        *,
        by_tcp: Behaviour | None = None,
        tcp: bool = True,
        delay: float = 0,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.behave = behave
        self.by_tcp = by_tcp
        self.delay = delay
        self.seen: list[Seen] = []
        self.asked_by_tcp = asyncio.Event()
        self.endpoint = Endpoint(host, port)
        self._tcp = tcp
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> "FakeUpstream":
        loop = asyncio.get_running_loop()
        host = self.endpoint.host
        for _ in range(64):
            udp = socket.socket(self.endpoint.family, socket.SOCK_DGRAM)
            udp.bind((host, self.endpoint.port))
            port = udp.getsockname()[1]
            if not self._tcp:
                break
            try:
                self._server = await asyncio.start_server(self._serve, host, port)
                break
            except OSError:
                udp.close()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=udp)
        self.endpoint = Endpoint(host, port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Listen no more."""
        self._transport.close()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None
        await asyncio.sleep(0)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        seen = Seen(data, False, addr)
        self.seen.append(seen)
        loop = asyncio.get_running_loop()
        for reply in self.behave(seen):
            loop.call_later(self.delay, self._transport.sendto, reply, addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            octets = int.from_bytes(await reader.readexactly(2))
            peer = cast("tuple[str, int]", writer.get_extra_info("peername"))
            seen = Seen(await reader.readexactly(octets), True, peer)
            self.seen.append(seen)
            self.asked_by_tcp.set()
            for reply in (self.by_tcp or self.behave)(seen):
                writer.write(len(reply).to_bytes(2) + reply)
            await writer.drain()
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def respond(
    seen: Seen,
    *records: str,
    rcode: str = "NOERROR",
    authority: tuple[str, ...] = (),
    additional: tuple[str, ...] = (),
    flags: int = 0,
) -> bytes:
    """A reply with records in presentation format, `@` being the name that was asked."""
    reply = dns.message.make_response(seen.message, recursion_available=True)
    reply.set_rcode(dns.rcode.from_text(rcode))
    reply.flags |= flags
    name = seen.name
    sections = (reply.answer, reply.authority, reply.additional)
    for section, lines in zip(sections, (records, authority, additional), strict=True):
        for line in lines:
            owner, ttl, rclass, rtype, data = line.replace("@", name).split(" ", 4)
            section.append(dns.rrset.from_text(owner, int(ttl), rclass, rtype, data))
    return reply.to_wire(max_size=65535)


def gives(*records: str, **more: object) -> Behaviour:
    """Always answer with these records."""
    return lambda seen: [respond(seen, *records, **more)]  # type: ignore[arg-type]


def fails(rcode: str) -> Behaviour:
    """Always answer with an rcode alone."""
    return lambda seen: [respond(seen, rcode=rcode)]


def denies(rcode: str = "NXDOMAIN", ttl: int = 60, minimum: int = 30) -> Behaviour:
    """Always deny, with a SOA."""
    soa = f"example. {ttl} IN SOA ns.example. root.example. 1 7200 900 1209600 {minimum}"
    return gives(rcode=rcode, authority=(soa,))


def is_silent(_: Seen) -> list[bytes]:
    """Never answer."""
    return []


ADDRESS = "@ 300 IN A 192.0.2.1"
gives_address = gives(ADDRESS)
