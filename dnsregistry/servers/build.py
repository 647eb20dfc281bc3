"""What decides DNS answers and what serves them, built from the settings."""

import secrets
import socket
from collections.abc import Callable, Container, Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from dnsregistry.access.crowd import Crowd
from dnsregistry.answers.access import Access
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.cookie import CookieBaker
from dnsregistry.answers.options import OptionAnswerer
from dnsregistry.answers.ratelimit import RateLimit
from dnsregistry.answers.responder import Elsewhere, Protection, Recursion, Responder
from dnsregistry.log.configure import Log
from dnsregistry.log.form import Logged
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.batch import Batch
from dnsregistry.servers.certificate import Certificate, ClientCa
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.https import ALPN, HttpsServer
from dnsregistry.servers.intake import Intake, Single
from dnsregistry.servers.querylog import QueryLog
from dnsregistry.servers.scatter import is_available
from dnsregistry.servers.sockets import Pair
from dnsregistry.servers.tcp import TcpLimits, TcpServer
from dnsregistry.servers.udp import UdpServer
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.servers.workers.precedence import may_go_first
from dnsregistry.servers.workers.replica import Configuration
from dnsregistry.settings import Settings
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name

COOKIE_SECRET_OCTETS = 16


def build_responder(
    settings: Settings,
    authority: Authority,
    elsewhere: Elsewhere | None,
    now: Callable[[], float],
    chance: Callable[[], float],
) -> Responder:
    """What answers; `elsewhere` is asked for names that are not ours."""
    identity = Identity.of(settings.chaos_version, settings.chaos_id)
    baker = CookieBaker(secrets.token_bytes(COOKIE_SECRET_OCTETS))
    options = OptionAnswerer(baker, settings.chaos_id, settings.tcp_idle)
    protection = Protection(
        access=Access(settings.allow_query),
        limit=RateLimit(settings.rate_limit) if settings.rate_limit else None,
        unlimited=Access(settings.rate_limit_exempt),
    )
    recursion = Recursion(elsewhere, Access(settings.allow_recursion)) if elsewhere else None
    return Responder(authority, identity, options, protection, recursion, now, chance)


def build_pool(
    settings: Settings,
    pairs: Sequence[Pair],
    registry: Registry,
    authority: Authority,
    exchange: Exchange,
    responder: Responder,
    departed: Container[str],
    clock: float,
    *,
    recurses: bool,
) -> Pool:
    """The workers on all UDP sockets.

    `departed` are services that have just gone; `clock` is the registry's time less the monotonic
    one.
    """
    recursion = settings.allow_recursion if recurses else ()
    configuration = Configuration(
        origin=settings.zone,
        clock=clock,
        allow_query=[str(network) for network in settings.allow_query],
        rate_limit=settings.rate_limit / settings.workers,
        unlimited=[str(network) for network in settings.rate_limit_exempt],
        recursion=[str(network) for network in recursion],
        log_format=settings.log_format,
        query_sample=settings.query_log_sample if settings.query_log is Logged.ALL else 0,
        goes_first=may_go_first(settings.workers),
    )
    sockets = list(zip(*((pair.udp, *pair.others) for pair in pairs), strict=True))
    return Pool(sockets, configuration, registry, authority, exchange, responder, departed)


def build_query_log(settings: Settings, log: Log | None, authority: Authority) -> QueryLog | None:
    """The query log, None where none is asked for or there is no log at all."""
    if log is None or settings.query_log is Logged.OFF:
        return None

    def tell_source(name: Name) -> str:
        zone = authority.find(name)
        if zone is None:
            return "refused"
        return "live" if isinstance(zone, LiveZone) else "static"

    only_errors = settings.query_log is Logged.ERRORS
    sample = settings.query_log_sample
    return QueryLog(log.emit, sample, only_errors=only_errors, source=tell_source)


class Front:
    """Serves DNS; what it starts is stopped with `running`."""

    def __init__(
        self,
        settings: Settings,
        exchange: Exchange,
        responder: Responder,
        running: AsyncExitStack,
        queries: QueryLog | None = None,
    ) -> None:
        """`queries` hears of every answer that goes past the exchange."""
        self._queries = queries
        self._settings = settings
        self._exchange = exchange
        self._responder = responder
        self._running = running

    async def start(self, pairs: Sequence[Pair]) -> None:
        """Serve over UDP, which is the workers' where there are any, and TCP."""
        for pair in pairs:
            if not self._settings.workers:
                udp = UdpServer(pair.udp, self._exchange, self._make_intake(pair.udp))
                udp.start()
                self._running.callback(udp.stop)
            await self._start_tcp(TcpServer(pair.tcp, self._exchange, self._limit_tcp()))

    async def start_tls(self, certificate: Certificate, socks: Sequence[socket.socket]) -> None:
        """Serve over TLS."""
        for sock in socks:
            tls = certificate.make_context(["dot"])
            await self._start_tcp(TcpServer(sock, self._exchange, self._limit_tcp(), tls))

    async def start_https(
        self, certificate: Certificate, sock: socket.socket, http: web.Server, crowd: Crowd
    ) -> None:
        """Serve over HTTPS, by HTTP/2 or as `http` does; `crowd` counts the connections."""
        settings = self._settings
        path, required = settings.tls_client_ca, settings.tls_client_required
        clients = None if path is None else ClientCa(path, required)
        tls = certificate.make_context(ALPN, clients)
        https = HttpsServer(sock, tls, self._exchange, http, settings.tcp_idle, crowd)
        await https.start()
        self._running.push_async_callback(https.stop)

    async def _start_tcp(self, server: TcpServer) -> None:
        await server.start()
        self._running.push_async_callback(server.stop)

    def _make_intake(self, sock: socket.socket) -> Intake:
        if not is_available():
            return Single(sock)
        queries = self._queries
        # No error is ever answered from the table.
        return Batch(sock, self._responder, None if queries and queries.only_errors else queries)

    def _limit_tcp(self) -> TcpLimits:
        settings = self._settings
        return TcpLimits(
            idle=settings.tcp_idle,
            connections=settings.tcp_connections,
            connections_per_client=settings.tcp_connections_per_client,
        )
