"""Checks: their results by instance, their numbers by service, and the guard's end by hand."""

from aiohttp import web

from dnsregistry.api.context import Api
from dnsregistry.api.door import check_service
from dnsregistry.api.replies import reply
from dnsregistry.health.desk import Desk
from dnsregistry.registry.errors import UnknownService


class Checks:
    """The handlers that tell of checks."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get_instance(self, request: web.Request) -> web.Response:
        """One instance's checks with their last results, and their last 50 turns."""
        lease = self._api.registry.find(request.match_info["id"], self._api.now())
        return reply(self._desk().tell_history(lease.instance))

    async def get_service(self, request: web.Request) -> web.Response:
        """One service's verdicts, probes and guard."""
        return reply(await self._desk().tell_service(self._find_service(request)))

    async def lift_guard(self, request: web.Request) -> web.Response:
        """Tell the truth of the service's instances now, whatever the guard says."""
        desk, door = self._desk(), self._api.door
        by = door.warrant_of(request)
        check_service(by, request.match_info["name"], "service")
        service = self._find_service(request)
        lifted = await desk.lift_guard(service)
        if door.audit is not None:
            door.audit.tell(by, "lift-guard", "done", service=service, lifted=lifted)
        return reply({"lifted": lifted})

    def _find_service(self, request: web.Request) -> str:
        name = request.match_info["name"].lower()
        if not self._api.registry.catalogue.of_service(name):
            raise UnknownService(name)
        return name

    def _desk(self) -> Desk:
        desk = self._api.desk
        if desk is None:
            raise web.HTTPNotFound
        return desk
