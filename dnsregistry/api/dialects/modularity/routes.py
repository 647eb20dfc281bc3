"""The modularity dialect, built: its routes and what each does."""

from secrets import randbelow

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.admission import admit_as
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.http import HttpListener, build_application, read_object
from dnsregistry.api.dialects.listing import walk, write_leases
from dnsregistry.api.dialects.location import read_url
from dnsregistry.api.dialects.modularity.check import make_check
from dnsregistry.api.dialects.modularity.form import (
    tell,
    write_listed,
    write_provider,
    write_service,
)
from dnsregistry.api.dialects.modularity.provider import choose_provider
from dnsregistry.api.dialects.times import write_microseconds
from dnsregistry.api.metrics import PATH
from dnsregistry.api.problems import UNKNOWN_INSTANCE, UNKNOWN_SERVICE, Problem, clip
from dnsregistry.api.registration import read_fields
from dnsregistry.api.replies import JSON, reply

_NAMES = {"service": "id", "address": "location", "port": "location", "checks": "location"}


class Registration(BaseModel):
    """The body of POST /api/register; further members are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: str
    name: str | None = None
    version: str | None = None
    capabilities: list[str] = []
    location: str
    mode: str = "http"


def build(context: Context) -> HttpListener:
    """The dialect, ready to be started."""
    services = Services(context)
    one = "/api/services/{id:[^/]+}"
    routes = (
        ("POST", "/api/register", services.register),
        ("GET", "/api/services", once_loaded(context.api, services.list)),
        ("GET", one, once_loaded(context.api, services.get)),
        ("DELETE", one, services.remove),
        ("GET", "/api/capabilities/{name:[^/]+}", once_loaded(context.api, services.find_provider)),
        ("GET", "/health", services.tell_health),
        ("GET", PATH, context.metrics),
    )
    settings = context.settings
    cors = Cors(settings.modularity_origins)
    debug = settings.modularity_debug
    application = build_application(routes, tell, cors, context.tally, log_requests=debug)
    return HttpListener(application, context.sock, tell)


class Services:
    """The handlers."""

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._tally = context.tally
        self._interval = context.settings.modularity_interval

    async def register(self, request: web.Request) -> web.Response:
        """Register a service under its id; the last registration of an id wins."""
        api = self._api
        body = read_fields(Registration, await read_object(api, request))
        host, port = read_url("location", body.location)
        instance = admit_as(
            api,
            _NAMES,
            id=body.id,
            service=body.id,
            address=host,
            port=port,
            capabilities=body.capabilities,
            metadata={
                "name": body.name or body.id,
                "location": body.location,
                "mode": body.mode,
            },
            version=body.version,
            checks=(make_check(body.location, self._interval),),
        )
        await api.store.grant(instance)
        self._tally.registrations += 1
        return reply({"status": "registered", "service_id": body.id})

    async def list(self, _request: web.Request) -> web.Response:
        """All services."""
        api = self._api
        self._tally.queries += 1
        leases = (lease for _, lease in walk(api.registry.catalogue))
        array, _ = await write_leases(api, leases, lambda lease: write_listed(lease, api.now()))
        return web.Response(body=b'{"services":' + array + b"}\n", headers=JSON)

    async def get(self, request: web.Request) -> web.Response:
        """One service."""
        self._tally.queries += 1
        now, service_id = self._api.now(), request.match_info["id"]
        lease = self._api.registry.catalogue.find(service_id)
        if lease is None or not lease.is_live(now):
            raise Problem(UNKNOWN_INSTANCE, f"Service '{clip(service_id)}' not found")
        return reply(write_service(lease, now))

    async def remove(self, request: web.Request) -> web.Response:
        """Take a service out."""
        service_id = request.match_info["id"]
        await self._api.store.revoke(service_id)
        self._tally.removals += 1
        return reply({"status": "unregistered", "service_id": service_id})

    async def find_provider(self, request: web.Request) -> web.Response:
        """A healthy service that has a capability; where there are several, any of them."""
        self._tally.queries += 1
        api, name = self._api, request.match_info["name"]
        leases, now = api.registry.catalogue.capable(name.lower()), api.now()
        lease = choose_provider(leases, now, randbelow)
        if lease is None:
            reason = f"No healthy service provides the capability '{clip(name)}'"
            raise Problem(UNKNOWN_SERVICE, reason)
        return reply(write_provider(lease, now))

    async def tell_health(self, _request: web.Request) -> web.Response:
        """Whether the registry answers."""
        timestamp = write_microseconds(self._api.now())
        service = "modularity-registry"
        return reply({"status": "healthy", "service": service, "timestamp": timestamp})
