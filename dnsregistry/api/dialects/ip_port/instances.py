"""Register, renew, resolve and take away instances of the ip-port dialect."""

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from dnsregistry.api.dialects.admission import admit_as
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.http import read_object
from dnsregistry.api.dialects.ip_port.form import write_identity, write_instance
from dnsregistry.api.dialects.ip_port.identity import Identity, identify
from dnsregistry.api.dialects.ip_port.room import Room
from dnsregistry.api.dialects.listing import write_leases
from dnsregistry.api.dialects.places import parse_port
from dnsregistry.api.dialects.times import write_seconds
from dnsregistry.api.problems import UNKNOWN_INSTANCE, UNKNOWN_SERVICE, Problem, clip
from dnsregistry.api.registration import Metadata, read_fields
from dnsregistry.api.replies import JSON, encode, reply
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.lease import Lease

_NAMES = {"service": "name", "address": "ip"}


class Named(BaseModel):
    """The body that names an instance; further members are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    name: str
    ip: str
    port: int


class Registration(Named):
    """The body of POST /register."""

    metadata: Metadata | None = None


class Instances:
    """The handlers that deal with one instance, or one service's."""

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._ttl = context.settings.ip_port_ttl
        self._room = Room(context.api.registry.catalogue, context.settings.ip_port_instances)
        self._tally = context.tally

    async def register(self, request: web.Request) -> web.Response:
        """Register an instance, or again with other metadata."""
        api = self._api
        body = read_fields(Registration, await read_object(api, request))
        identity = identify(body.name, body.ip, body.port)
        instance = admit_as(
            api,
            _NAMES,
            id=identity.id,
            service=body.name,
            address=str(identity.address),
            port=body.port,
            metadata=body.metadata,
            ttl=self._ttl,
        )
        with self._room.take(instance.service, instance.id, api.now()):
            grant = await api.store.grant(instance)
        self._tally.registrations += 1
        lease = grant.lease
        told = write_identity(lease, api.now()) | {"name": body.name}
        told["registeredAt"] = write_seconds(lease.granted_at)
        return self._reply("Service registered successfully", told, 201)

    async def renew(self, request: web.Request) -> web.Response:
        """Renew an instance's lease."""
        api = self._api
        body = read_fields(Named, await read_object(api, request))
        found = self._find(identify(body.name, body.ip, body.port))
        lease = await api.store.renew(found.instance.id)
        self._tally.heartbeats += 1
        told = write_identity(lease, api.now()) | {"name": body.name}
        told["lastHeartbeat"] = write_seconds(lease.renewed_at)
        return self._reply("Heartbeat updated", told)

    async def remove(self, request: web.Request) -> web.Response:
        """End an instance's lease."""
        api, name = self._api, request.match_info["name"]
        query = request.query
        for field in ("ip", "port"):
            if not query.get(field):
                raise InvalidField(field, "is missing in the query")
        try:
            port = parse_port(query["port"])
        except ValueError:
            raise InvalidField("port", f"{clip(query['port'])!r} is no port number") from None
        lease = self._find(identify(name, query["ip"], port))
        told = write_identity(lease, api.now()) | {"name": name}
        await api.store.revoke(lease.instance.id)
        self._tally.removals += 1
        return self._reply("Service deregistered successfully", told)

    async def resolve(self, request: web.Request) -> web.Response:
        """The healthy instances of a service; none where all are unhealthy."""
        api, name = self._api, request.match_info["name"]
        self._tally.queries += 1
        leases = list(api.registry.catalogue.of_service(name.lower()))
        if not any(lease.is_live(api.now()) for lease in leases):
            raise Problem(UNKNOWN_SERVICE, f"Service '{clip(name)}' not found")
        array, count = await write_leases(api, leases, self._show)
        head = {"serviceName": name, "instanceCount": count}
        tail = {"timestamp": write_seconds(api.now())}
        body = encode(head).rstrip()[:-1] + b',"instances":' + array + b"," + encode(tail)[1:]
        return web.Response(body=body, headers=JSON)

    def _find(self, identity: Identity) -> Lease:
        lease = identity.find(self._api.registry.catalogue, self._api.now())
        if lease is None:
            raise Problem(
                UNKNOWN_INSTANCE,
                f"Instance not found: '{clip(identity.service)}' at"
                f" {identity.address} port {identity.port}; register again",
            )
        return lease

    def _show(self, lease: Lease) -> object | None:
        now = self._api.now()
        shown = lease.is_answered(now) and lease.instance.host is None
        return write_instance(lease, now) if shown else None

    def _reply(self, message: str, told: dict[str, object], status: int = 200) -> web.Response:
        timestamp = write_seconds(self._api.now())
        return reply({"message": message, "instance": told, "timestamp": timestamp}, status)
