"""The whole program, built by hand: reading this tells how it hangs together.

    HTTP ─▶ api ─▶ registry ─▶ (changes) ─▶ zone ─▶ answers ─▶ servers ─▶ UDP · TCP
                      ▲
                   health (sweep)

DNS and HTTP meet here and nowhere else.
"""

import asyncio
import base64
import secrets
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ipaddress import ip_address
from random import random
from typing import TypeVar

import structlog
from aiohttp import web

from dnsregistry import __version__
from dnsregistry.answers.access import Access
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.protocol import Rcode
from dnsregistry.answers.responder import Responder
from dnsregistry.api.application import build_application
from dnsregistry.api.connection import Runner
from dnsregistry.api.context import Api, Readiness, ReadyState
from dnsregistry.health.sweep import sweep
from dnsregistry.registry.names import Address
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.sockets import ListenError, Pair, bind_pair, listen_tcp
from dnsregistry.servers.tcp import TcpLimits, TcpServer
from dnsregistry.servers.udp import UdpServer
from dnsregistry.settings import Settings
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import LivePolicy

SHUTDOWN_SECONDS = 5.0
"""What HTTP requests on their way get to end in: more than any of ours takes."""
_ID_OCTETS = 5
_Bound = tuple[str, int]
B = TypeVar("B", Pair, socket.socket)

log = structlog.get_logger("dnsregistry.app")


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the program listens: hosts in text, and ports as they were bound."""

    dns: Sequence[_Bound]
    http: _Bound


class App:
    """One program: build it, start it once, stop it once."""

    def __init__(self, settings: Settings, now: Callable[[], float]) -> None:
        self._settings = settings
        self._now = now
        self._started_at = time.monotonic()
        self._state = ReadyState.STARTING
        self._running = AsyncExitStack()
        self.registry = Registry()

    async def start(self) -> Listening:
        """Bind, then serve. Raises ListenError; nothing is left open then."""
        try:
            return await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Take no more, end what is on its way, close; in the reverse order of the start."""
        self._state = ReadyState.STARTING
        await self._running.aclose()

    async def _start(self) -> Listening:
        settings = self._settings
        pairs: list[Pair] = []
        port = settings.dns_port
        for host in settings.dns_host:
            pair = _bind("DNS", bind_pair, host, port)
            port = pair.address[1]
            pairs.append(pair)
            self._running.callback(pair.close)
        http = _bind("HTTP", listen_tcp, settings.http_host, settings.http_port)
        self._running.callback(http.close)
        dns = [pair.address for pair in pairs]

        self.zone = self._build_zone([host for host, _ in dns])
        self.registry.feed.subscribe(self.zone.apply)
        self._responder = self._build_responder(self.zone)

        self._start_sweep()
        await self._start_dns(pairs)
        await self._start_http(http)
        self._state = ReadyState.READY
        return Listening(dns, http.getsockname()[:2])

    def _build_zone(self, hosts: Sequence[str]) -> LiveZone:
        settings = self._settings
        policy = LivePolicy(
            origin=Name.from_text(settings.zone),
            ttl=settings.dns_ttl,
            negative_ttl=settings.negative_ttl,
            empty_service=settings.empty_service,
            name_server=[_reachable(host) for host in hosts],
        )
        # Time has moved on further than the serial since the last run, at a change a second.
        return LiveZone(self.registry.catalogue, policy, first_serial=int(self._now()))

    def _build_responder(self, zone: LiveZone) -> Responder:
        settings = self._settings
        identity = Identity.of(settings.chaos_version, settings.chaos_id)
        return Responder(
            Authority([zone]), identity, Access(settings.allow_query), self._now, random
        )

    def _start_sweep(self) -> None:
        task = asyncio.create_task(sweep(self.registry, self._now), name="sweep")

        async def cancel() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._running.push_async_callback(cancel)

    async def _start_dns(self, pairs: Sequence[Pair]) -> None:
        settings = self._settings
        limits = TcpLimits(
            idle=settings.tcp_idle,
            connections=settings.tcp_connections,
            connections_per_client=settings.tcp_connections_per_client,
        )
        exchange = Exchange(self._responder)
        for pair in pairs:
            udp = UdpServer(pair.udp, exchange)
            udp.start()
            self._running.callback(udp.stop)
            tcp = TcpServer(pair.tcp, exchange, limits)
            await tcp.start()
            self._running.push_async_callback(tcp.stop)

    async def _start_http(self, sock: socket.socket) -> None:
        settings = self._settings
        api = Api(
            registry=self.registry,
            now=self._now,
            lease_ttl=settings.lease_ttl,
            new_id=_make_id,
            dns_names=self.zone.names_of,
            stats=self._tell_stats,
            readiness=lambda: Readiness(self._state),
            version=__version__,
            body_limit=settings.body_limit,
            array_body_limit=settings.array_body_limit,
        )
        runner = Runner(build_application(api), shutdown_timeout=SHUTDOWN_SECONDS)
        self._running.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, sock).start()

    def _tell_stats(self) -> Mapping[str, object]:
        catalogue, tally = self.registry.catalogue, self._responder.tally
        return {
            "version": __version__,
            "uptime": round(time.monotonic() - self._started_at, 3),
            "registry": {
                "instances": len(catalogue),
                "services": catalogue.count_services(),
                "revision": self.registry.feed.revision,
            },
            "zone": {"origin": self._settings.zone, "serial": self.zone.serial},
            "dns": {
                "queries": {"udp": tally.udp, "tcp": tally.tcp},
                "rcodes": {_name_rcode(code): count for code, count in tally.rcodes.items()},
                "silent": tally.silent,
                "faults": tally.faults,
                "dropped": tally.dropped,
                "refused_connections": tally.refused_connections,
            },
        }


def _bind(settings: str, bind: Callable[[str, int], B], host: str, port: int) -> B:
    """Bind as two settings say, and name them where that fails."""
    try:
        return bind(host, port)
    except ListenError as error:
        raise ListenError(f"{settings}_HOST, {settings}_PORT: {error}") from error


def _make_id() -> str:
    """A short id, so that it is its own host label: eight letters and digits, 40 random bits."""
    return base64.b32encode(secrets.token_bytes(_ID_OCTETS)).decode().lower()


def _name_rcode(code: int) -> str:
    return Rcode(code).name


def _reachable(host: str) -> Address:
    """The address under which others reach a listener: itself, or for a wildcard the machine's."""
    address = ip_address(host)
    if not address.is_unspecified:
        return address
    family, elsewhere = (
        (socket.AF_INET, "192.0.2.1") if address.version == 4 else (socket.AF_INET6, "2001:db8::1")
    )
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Asks the routing table which source it would take; connecting UDP sends nothing.
            probe.connect((elsewhere, 53))
        except OSError:
            return ip_address("127.0.0.1" if address.version == 4 else "::1")
        return ip_address(probe.getsockname()[0])
