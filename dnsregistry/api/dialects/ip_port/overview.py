"""The ip-port dialect's registry as a whole: all services, its counters, its health."""

from aiohttp import web

from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.ip_port.form import write_instance
from dnsregistry.api.dialects.listing import write_services
from dnsregistry.api.dialects.times import write_seconds
from dnsregistry.api.replies import JSON, encode, reply, write_ttl
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.lease import Lease


class Overview:
    """The handlers of /services, /stats and /health."""

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._settings = context.settings
        self._tally = context.tally
        self._started_at = context.api.now()
        self._cleanups = 0
        context.api.registry.feed.subscribe(self._note)

    async def list_services(self, _request: web.Request) -> web.Response:
        """All services with all their instances, unhealthy ones too."""
        self._tally.queries += 1
        written = await write_services(self._api, self._show, _frame)
        head = {
            "totalServices": written.services,
            "totalInstances": written.instances,
            "totalHealthyInstances": written.healthy,
        }
        tail = {"timestamp": write_seconds(self._api.now())}
        body = encode(head).rstrip()[:-1] + b',"services":{' + written.members
        return web.Response(body=body + b"}," + encode(tail)[1:], headers=JSON)

    async def tell_stats(self, _request: web.Request) -> web.Response:
        """Counters since the start, and what is there now."""
        settings, catalogue = self._settings, self._api.registry.catalogue
        return reply(
            {
                "totalRegistrations": self._tally.registrations,
                "totalHeartbeats": self._tally.heartbeats,
                "totalCleanups": self._cleanups,
                "activeServices": catalogue.count_services(),
                "activeInstances": len(catalogue),
                "services": catalogue.services_after("", catalogue.count_services()),
                "uptime": self._uptime(),
                "heartbeatTimeout": f"{write_ttl(settings.ip_port_ttl)}s",
                "cleanupInterval": f"{write_ttl(settings.ip_port_cleanup)}s",
                "timestamp": write_seconds(self._api.now()),
            }
        )

    async def tell_health(self, _request: web.Request) -> web.Response:
        """Whether the registry answers."""
        return reply(
            {
                "status": "healthy",
                "timestamp": write_seconds(self._api.now()),
                "service": "service-registry",
                "version": self._api.version,
                "uptime": self._uptime(),
            }
        )

    def _show(self, lease: Lease) -> object | None:
        # The document's instances have an IP address: one with a host name cannot be told in it.
        return write_instance(lease, self._api.now()) if lease.instance.host is None else None

    def _uptime(self) -> int:
        return int(self._api.now() - self._started_at)

    def _note(self, change: Change) -> None:
        self._cleanups += change.kind is ChangeKind.EXPIRED


def _frame(instances: bytes, count: int, healthy: int) -> bytes:
    head = encode({"instanceCount": count, "healthyCount": healthy}).rstrip()[:-1]
    return head + b',"instances":' + instances + b"}"
