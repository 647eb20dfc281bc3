"""The routes of the base-url dialect."""

from uuid import uuid4

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.admission import admit_as
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.http import HttpListener, build_application, read_object
from dnsregistry.api.dialects.listing import write_leases, write_services
from dnsregistry.api.dialects.location import read_url, write_url
from dnsregistry.api.dialects.times import write_seconds
from dnsregistry.api.identity import choose_id
from dnsregistry.api.problems import INVALID_FIELD, INVALID_JSON, Problem
from dnsregistry.api.registration import read_fields
from dnsregistry.api.replies import JSON, encode, reply, write_ttl
from dnsregistry.registry.lease import Lease

_NAMES = {"service": "service_name", "address": "base_url", "port": "base_url"}


class Registration(BaseModel):
    """The body of POST /register; further members are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    service_name: str
    base_url: str


def build(context: Context) -> HttpListener:
    """The dialect, ready to be started."""
    handlers = Handlers(context)
    routes = (
        ("POST", "/register", handlers.register),
        ("POST", "/heartbeat/{id:[^/]+}", handlers.renew),
        ("DELETE", "/deregister/{id:[^/]+}", handlers.remove),
        ("GET", "/services", once_loaded(context.api, handlers.list)),
        ("GET", "/services/{name:[^/]+}", once_loaded(context.api, handlers.find)),
        ("GET", "/status", handlers.tell_status),
    )
    application = build_application(routes, tell, Cors(()), context.tally)
    return HttpListener(application, context.sock, tell)


def tell(problem: Problem) -> web.Response:
    """FastAPI's form: a text as `detail`; for a body that breaks a rule, 422 and the faults."""
    if problem.kind not in (INVALID_FIELD, INVALID_JSON):
        detail = problem.detail or problem.kind.title
        return reply({"detail": detail}, problem.kind.status, problem.headers)
    kind = problem.kind.type.replace("-", "_")
    faults = [
        {"type": kind, "loc": ["body", *_locate(fault.field)], "msg": fault.reason}
        for fault in problem.faults
    ]
    return reply(
        {"detail": faults or [{"type": kind, "loc": ["body"], "msg": problem.detail}]}, 422
    )


class Handlers:
    """What each route does."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._api = context.api
        self._tally = context.tally

    async def register(self, request: web.Request) -> web.Response:
        """Register an instance under an id of our own making."""
        api, settings = self._api, self._context.settings
        registration = read_fields(Registration, await read_object(api, request))
        host, port = read_url("base_url", registration.base_url)
        instance = admit_as(
            api,
            _NAMES,
            id=choose_id(api, make=lambda: str(uuid4())),
            service=registration.service_name,
            address=host,
            port=port,
            metadata={"base_url": registration.base_url},
            ttl=settings.base_url_ttl,
        )
        grant = await self._api.store.grant(instance)
        self._tally.registrations += 1
        return reply({**_describe(grant.lease), "service_name": registration.service_name})

    async def renew(self, request: web.Request) -> web.Response:
        """Renew an instance's lease."""
        lease = await self._api.store.renew(request.match_info["id"])
        self._tally.heartbeats += 1
        return reply(
            {
                "status": "ok",
                "instance_id": lease.instance.id,
                "last_heartbeat": write_seconds(lease.renewed_at),
            }
        )

    async def remove(self, request: web.Request) -> web.Response:
        """End an instance's lease."""
        instance_id = request.match_info["id"]
        await self._api.store.revoke(instance_id)
        self._tally.removals += 1
        return reply({"status": "deregistered", "instance_id": instance_id})

    async def find(self, request: web.Request) -> web.Response:
        """The instances of one service; none of a service that nobody knows."""
        self._tally.queries += 1
        name = request.match_info["name"]
        leases = list(self._api.registry.catalogue.of_service(name.lower()))
        array, count = await write_leases(self._api, leases, self._show)
        head = encode({"service_name": name}).rstrip()[:-1]
        body = head + b',"instances":' + array + f',"count":{count}}}\n'.encode()
        return web.Response(body=body, headers=JSON)

    async def list(self, _request: web.Request) -> web.Response:
        """All services with their instances."""
        self._tally.queries += 1
        written = await write_services(self._api, self._show, lambda array, *_: array)
        tail = f'}},"count":{written.services},"total_instances":{written.instances}}}\n'
        body = b'{"services":{' + written.members + tail.encode()
        return web.Response(body=body, headers=JSON)

    async def tell_status(self, _request: web.Request) -> web.Response:
        """The registry itself."""
        settings, catalogue = self._context.settings, self._api.registry.catalogue
        return reply(
            {
                "status": "running",
                "total_services": catalogue.count_services(),
                "total_instances": len(catalogue),
                "heartbeat_timeout": write_ttl(settings.base_url_ttl),
                "cleanup_interval": write_ttl(settings.base_url_cleanup),
                "timestamp": write_seconds(self._api.now()),
            }
        )

    def _show(self, lease: Lease) -> dict[str, object] | None:
        # The document knows no status: whoever is listed is there to be called.
        return _describe(lease) if lease.is_answered(self._api.now()) else None


def _describe(lease: Lease) -> dict[str, object]:
    instance = lease.instance
    return {
        "instance_id": instance.id,
        "service_name": instance.service,
        "base_url": write_url(instance),
        "registered_at": write_seconds(lease.granted_at),
        "last_heartbeat": write_seconds(lease.renewed_at),
    }


def _locate(field: str) -> list[str]:
    return [] if field == "body" else field.split(".")
