"""The whole program, built by hand: reading this tells how it hangs together.

    HTTP ─▶ api ────┐
                    ├─▶ storage ─▶ registry ─▶ (changes) ─▶ zone ─▶ answers ─▶ servers ─▶ DNS
    sweep, scan ────┘

DNS and HTTP meet here and nowhere else.
"""

import asyncio
import base64
import os
import secrets
import socket
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from random import random
from typing import Any

import structlog
from aiohttp import web

from dnsregistry import __version__
from dnsregistry.access.build import Callers
from dnsregistry.access.entries import TokensFault
from dnsregistry.access.signed import Signed
from dnsregistry.api.access_log import build_access_log
from dnsregistry.api.application import build_application, build_tell
from dnsregistry.api.connection import Bounds, Runner
from dnsregistry.api.context import Api, Readiness, ReadyState
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.build import build_listeners
from dnsregistry.api.dialects.dialect import CannotServe
from dnsregistry.api.dialects.tally import DialectTally
from dnsregistry.api.door import Door
from dnsregistry.api.metrics import serve_metrics
from dnsregistry.api.quota import Quota
from dnsregistry.api.replies import write_time
from dnsregistry.api.routes import dns as dns_routes
from dnsregistry.api.routes import explain as explain_routes
from dnsregistry.api.routes import metrics as metrics_routes
from dnsregistry.api.tracing import build_tracing
from dnsregistry.api.traffic import Traffic
from dnsregistry.api.watching.build import build_watching, first_revision, read_options
from dnsregistry.binding import Listening, Sockets, bind_all
from dnsregistry.dashboard import routes as dashboard_routes
from dnsregistry.explain.build import build_explanations
from dnsregistry.explain.explainer import Sources
from dnsregistry.forward.build import AsksItself, build_forwarder
from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.health.build import Checking, Policies, build_checking
from dnsregistry.health.sweep import sweep
from dnsregistry.log.configure import Log
from dnsregistry.looplag import LoopLag
from dnsregistry.metrics.build import build_metrics
from dnsregistry.parts import Parts
from dnsregistry.registry.departures import Departures
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry
from dnsregistry.registry.warrant import Warrant
from dnsregistry.scan.build import build_scan
from dnsregistry.servers.build import Front, build_pool, build_query_log, build_responder
from dnsregistry.servers.certificate import Certificate
from dnsregistry.servers.doh import PATH as DOH_PATH
from dnsregistry.servers.doh import DohServer
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.sockets import ListenError, Pair, find_reachable
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.settings import Settings
from dnsregistry.stats import Stats
from dnsregistry.storage.cluster.store import ClusterOptions, ClusterStore
from dnsregistry.storage.engines import build_store
from dnsregistry.storage.settled import Settled
from dnsregistry.storage.store import Outage, Store
from dnsregistry.storage.traced import Traced
from dnsregistry.turns import take_turns
from dnsregistry.zone import serial
from dnsregistry.zone.authority import Authority, Source
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.patterns import Patterns
from dnsregistry.zone.policy import LivePolicy
from dnsregistry.zone.ramp import Ramps
from dnsregistry.zone.reverse import ReverseZones, reverse_origin
from dnsregistry.zone.unread import UnreadZone
from dnsregistry.zonefiles.publish import Publication
from dnsregistry.zonefiles.watch import ZoneWatch

SHUTDOWN_SECONDS = 5.0
"""What HTTP requests on their way get to end in: more than any of ours takes."""
_ID_OCTETS = 5

log = structlog.get_logger("dnsregistry.app")


class App:
    """One program: build it, start it once, stop it once."""

    def __init__(
        self, settings: Settings, now: Callable[[], float], log: Log | None = None
    ) -> None:
        """Without `log` neither requests nor questions are logged."""
        self._settings = settings
        self._now = now
        self._log = log
        self._traffic = Traffic()
        self._tracing = build_tracing(settings.otel_endpoint, os.environ)
        self._state = ReadyState.STARTING
        self._running = AsyncExitStack()
        self.registry = Registry()
        cluster = ClusterOptions(
            prefix=settings.store_prefix,
            replicas=settings.store_replicas,
            first_base=lambda: serial.start(now()),
            snapshot=settings.store_snapshot,
        )
        self.store: Store = build_store(settings.store, self.registry, now, cluster)
        self._cluster = self.store if isinstance(self.store, ClusterStore) else None
        self._workers: Pool | None = None
        if settings.workers:
            self.store = Settled(self.store, self._settle)
        self.tallies = {place.dialect: DialectTally() for place in settings.places}
        self._callers = Callers(settings, time.monotonic)
        self.store = self._callers.audited(self.store, self.registry)
        scanning = Signed(self.store, Warrant("scan"))
        self._scan = build_scan(settings, self.registry, scanning, now)

    async def start(self) -> Listening:
        """Bind, load, build, then serve.

        Raises ListenError and StoreError; nothing is left open then.
        """
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
        try:
            self._callers.load()
        except TokensFault as fault:
            raise ListenError(f"TOKENS_FILE: {fault}") from None
        self._running.callback(self._callers.stop)
        sockets = bind_all(settings)
        self._running.callback(sockets.close)
        if self._tracing is not None:
            self._running.push_async_callback(asyncio.to_thread, self._tracing.stop)
        listening = sockets.listening
        last_serial = await self.store.start()
        if self._cluster is None:
            self.registry.resume(first_revision(self._now()), 0)
        self._running.push_async_callback(self.store.stop)
        self._build(listening, serial.resume(last_serial, self._now()))
        await self.store.follow_serial(lambda: self.zone.serial)
        if self._cluster is not None:
            self._await_cluster(self._cluster)
        await self._take_in()
        if self._settings.workers:
            await self._start_workers(sockets.dns)
        await self._begin_work()
        await self._serve(sockets)
        self._state = ReadyState.READY
        return listening

    async def _take_in(self) -> None:
        """Have all know of the instances that the store kept."""
        # Those of now: what a cluster's other nodes change meanwhile is told as a change.
        held = [lease.instance for lease in self.registry.catalogue.after(0)]
        async for instance in take_turns(held):
            self._reverse.take_in(instance)
            self.checking.drains.begin(instance, self._now())

    async def _begin_work(self) -> None:
        """Start what goes on beside the servers."""
        prober = self.checking.prober
        if self._cluster is not None:
            nodes = self._cluster.nodes
            prober.placement.replace(nodes.living, nodes.name)
            self._spawn(nodes.follow(prober.replace_nodes), "nodes")
        await prober.load()
        self._spawn(prober.run(), "checks")
        await self._zone_watch.load()
        self._spawn(self._zone_watch.run(), "zone files")
        if self._cluster is None:
            await self._start_leases()
        self._spawn(sweep(self.store, self._now), "sweep")
        if self._scan is not None:
            self._spawn(self._scan.run(), "scan")
        self._spawn(self._parts.loop_lag.follow(), "loop lag")

    async def _start_leases(self) -> None:
        """Have each lease begin now: while all was read no heartbeat could come."""
        held, now = list(self.registry.catalogue.after(0)), self._now()
        async for lease in take_turns(held):
            if lease.instance.ttl is not None:
                lease.deadline = now + lease.instance.ttl

    async def _serve(self, sockets: Sockets) -> None:
        """Start the servers: DNS, HTTP, the dialects, then what is over TLS."""
        settings = self._settings
        front = Front(settings, self._exchange, self._responder, self._running, self._queries)
        if self._workers is not None:
            await self._workers.serve()
        await front.start(sockets.dns)
        api = self._make_api()
        runner = await self._start_http(sockets.http, api)
        await self._start_dialects(sockets.dialects, api)
        if settings.tls_cert is not None:
            certificate = Certificate(settings.tls_cert, settings.tls_key)
            self._parts.certificate = certificate
            self._spawn(certificate.follow(), "certificate")
            await front.start_tls(certificate, sockets.dot)
            if sockets.https is not None and runner.server is not None:
                crowd = self._callers.crowd
                await front.start_https(certificate, sockets.https, runner.server, crowd)
        self._spawn(self._callers.follow(), "tokens")
        if self._forwarder is not None:
            self._running.push_async_callback(self._forwarder.stop)
            self._spawn(_tell_loops(self._forwarder), "loop detection")

    def _build(self, listening: Listening, first_serial: int) -> None:
        """Make what the registry is read by, each upon those before it; nothing runs yet."""
        policy = self._make_policy(listening)
        self._build_zones(listening, policy, first_serial)
        self._build_answers(listening)
        self._build_reports(listening)

    def _make_policy(self, listening: Listening) -> LivePolicy:
        settings = self._settings
        return LivePolicy(
            origin=Name.from_text(settings.zone),
            ttl=settings.dns_ttl,
            negative_ttl=settings.negative_ttl,
            empty_service=settings.empty_service,
            name_server=[find_reachable(host) for host, _ in listening.dns],
            ttls=Patterns(settings.service_ttls),
            limits=Patterns(settings.service_limits),
        )

    def _build_zones(self, listening: Listening, policy: LivePolicy, first_serial: int) -> None:
        settings, registry = self._settings, self.registry
        ramps = Ramps(settings.slow_start)
        self._departures = departures = Departures()
        self.zone = LiveZone(registry.catalogue, policy, first_serial, ramps, departures)
        self.checking = self._build_checking(listening, policy)
        registry.feed.subscribe(self.zone.apply)

        def note(change: Change) -> None:
            now = self._now()
            ramps.note(change, now)
            departures.note(change, now)
            self.checking.drains.note(change, now)

        registry.feed.subscribe(note)

        self._authority = authority = Authority([self.zone])
        self._reverse = reverse = ReverseZones(authority, registry.catalogue, policy, self.zone.soa)
        if settings.reverse_zones == "auto":
            reverse.follow_addresses()
        else:
            reverse.declare(settings.reverse_zones)
        registry.feed.subscribe(reverse.apply)

        published = Publication(authority, self.zone, self._advance_serial)
        self._zone_watch = ZoneWatch(settings.zones_dir, self.zone.origin, published.apply)

    def _build_answers(self, listening: Listening) -> None:
        settings, authority = self._settings, self._authority
        try:
            self._forwarder = build_forwarder(
                settings.upstreams, authority, listening.dns, self._now
            )
        except AsksItself as error:
            raise ListenError(str(error)) from None
        responder = build_responder(settings, authority, self._forwarder, self._now, random)
        self.zone.remember_in(responder.table)
        self._responder = responder
        self._queries = build_query_log(settings, self._log, authority)
        self._exchange = Exchange(responder, self._queries)

    def _build_reports(self, listening: Listening) -> None:
        settings, registry = self._settings, self.registry
        self.watching = build_watching(
            read_options(settings, is_clustered=self._cluster is not None),
            registry,
            self.zone.names_of,
            self.checking.desk,
            self._settle,
        )
        if self._cluster is not None:
            self._cluster.when_adopting(self.watching.adopt)
        self._explanations = build_explanations(
            Sources(
                registry,
                self._authority,
                self.zone,
                self._responder,
                self._forwarder,
                self.checking.ward,
            )
        )
        self._parts = Parts(
            registry=registry,
            store=self.store,
            zone=self.zone,
            responder=self._responder,
            zone_watch=self._zone_watch,
            forwarder=self._forwarder,
            checking=self.checking,
            scan=self._scan.tally if self._scan is not None else None,
            dialects=self.tallies,
            traffic=self._traffic,
            watch=lambda: self.watching.tally,
            loop_lag=LoopLag(),
            log=self._log,
            now=self._now,
            dns_port=listening.dns[0][1],
        )
        self._stats = Stats(self._parts)
        self._metrics = serve_metrics(build_metrics(self._parts).render)
        self._stats.access = self._callers.tell

    def _build_checking(self, listening: Listening, policy: LivePolicy) -> Checking:
        settings = self._settings
        policies = Policies(
            checks_of=Patterns(settings.service_checks).find,
            guard_of=Patterns(settings.service_guards).find,
            ttl_of=policy.ttl_of,
        )
        return build_checking(
            settings,
            policies,
            self.registry,
            self.store,
            {port for _, port in listening.all()},
            self._now,
            random,
            write_time,
        )

    def _await_cluster(self, store: ClusterStore) -> None:
        """Answer nothing of ours until it is known what the cluster holds; one serial for all."""
        networks = self._settings.reverse_zones
        reverse = () if networks == "auto" else map(reverse_origin, networks)
        origins = (self.zone.origin, *reverse)
        for origin in origins:
            self._authority.put(UnreadZone(origin), Source.AWAITED)

        def serve() -> None:
            while self._awaited:
                self._authority.remove(self._awaited.pop(), Source.AWAITED)

        self._awaited = list(origins)
        store.lead_serial(self.zone.take_serial)
        store.when_loaded(serve)

    def _advance_serial(self) -> None:
        """Note a change of a zone file that lies over the live zone."""
        if self._cluster is not None:
            self._cluster.note()
        else:
            self.zone.advance_serial()

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something beside the servers, until the stop."""
        task = asyncio.create_task(work, name=name)

        async def cancel() -> None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        self._running.push_async_callback(cancel)

    async def _start_workers(self, pairs: Sequence[Pair]) -> None:
        self._workers = self._parts.workers = pool = build_pool(
            self._settings,
            pairs,
            self.registry,
            self._authority,
            self._exchange,
            self._responder,
            self._departures.services,
            self._now() - time.monotonic(),
            recurses=self._forwarder is not None,
        )
        self.zone.remember_in(pool)
        self._running.push_async_callback(pool.stop)
        await pool.start()

    async def _settle(self) -> None:
        if self._workers is not None:
            await self._workers.settle()

    def _make_api(self) -> Api:
        settings = self._settings
        return Api(
            registry=self.registry,
            store=Traced(self.store, self._tracing.begin) if self._tracing else self.store,
            watching=self.watching,
            now=self._now,
            lease_ttl=settings.lease_ttl,
            new_id=_make_id,
            check=self._check_instance,
            desk=self.checking.desk,
            door=Door(self._callers.tokens, self._callers.audit),
            dns_names=self.zone.names_of,
            stats=self._stats.tell,
            readiness=self._tell_readiness,
            is_loaded=lambda: self._cluster is None or self._cluster.is_loaded,
            version=__version__,
            body_limit=settings.body_limit,
            array_body_limit=settings.array_body_limit,
        )

    def _check_instance(self, instance: Instance, now: float) -> None:
        self.zone.check_alias(instance, now)
        self.checking.desk.check(instance)

    async def _start_http(self, sock: socket.socket, api: Api) -> Runner:
        doh = DohServer(self._exchange)
        others = (
            *dns_routes.list_routes(DOH_PATH, doh.get, doh.post),
            *metrics_routes.list_routes(self._metrics),
            *explain_routes.list_routes(self._explanations),
            *dashboard_routes.list_routes(),
        )
        log = build_access_log(self._settings.http_log, self._log)
        around = () if self._tracing is None else (self._tracing.follow(self._traffic),)
        settings = self._settings
        rate = settings.http_rate_limit
        application = build_application(
            api,
            others,
            self._traffic,
            log,
            around,
            cors=Cors(settings.cors_origins),
            quota=Quota(rate, settings.http_rate_limit_exempt) if rate else None,
        )
        self.routes = [(route.method, route.resource) for route in application.router.routes()]
        runner = Runner(
            application,
            tell=build_tell(api),
            bounds=Bounds(self._callers.crowd, settings.http_header_timeout),
            shutdown_timeout=SHUTDOWN_SECONDS,
            max_line_size=settings.http_header_size,
            max_field_size=settings.http_header_size,
        )
        self._running.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.SockSite(runner, sock).start()
        return runner

    async def _start_dialects(self, sockets: Mapping[str, socket.socket], api: Api) -> None:
        reaches = self._callers.dialects_reach
        given = (api, self._settings, sockets, self.tallies, self._metrics, reaches)
        try:
            for listener in build_listeners(*given):
                self._running.push_async_callback(listener.stop)
                await listener.start()
        except CannotServe as error:
            raise ListenError(str(error)) from None

    def _tell_readiness(self) -> Readiness:
        reasons = [str(problem) for problem in self._zone_watch.problems()]
        reasons += self._callers.problems()
        if (outage := self.store.outage) is not None:
            reasons.append(_describe(outage))
        if self._cluster is not None and not self._cluster.is_loaded:
            return Readiness(ReadyState.STARTING, tuple(reasons))
        if self._state is ReadyState.READY and reasons:
            return Readiness(ReadyState.DEGRADED, tuple(reasons))
        return Readiness(self._state)


async def _tell_loops(forwarder: Forwarder) -> None:
    for endpoint in await forwarder.detect_loops():
        log.error("upstream asks us in turn, and is not asked", upstream=str(endpoint))


def _describe(outage: Outage) -> str:
    return f"the store takes no change since {write_time(outage.since)}: {outage.reason}"


def _make_id() -> str:
    """A short id, so that it is its own host label: eight letters and digits, 40 random bits."""
    return base64.b32encode(secrets.token_bytes(_ID_OCTETS)).decode().lower()
