"""The program itself: alive, ready, and its numbers."""

from aiohttp import web

from dnsregistry.api.context import Api, ReadyState
from dnsregistry.api.replies import reply
from dnsregistry.api.traffic import Traffic


class System:
    """The handlers of /health, /ready and /v1/stats."""

    def __init__(self, api: Api, traffic: Traffic) -> None:
        self._api = api
        self._traffic = traffic

    async def get_health(self, _request: web.Request) -> web.Response:
        """Whether the event loop turns."""
        return reply({"status": "ok", "version": self._api.version})

    async def get_ready(self, _request: web.Request) -> web.Response:
        """Whether answers can be relied on: 503 until they can."""
        readiness = self._api.readiness()
        answer: dict[str, object] = {"status": readiness.state}
        if readiness.reasons:
            answer["reasons"] = readiness.reasons
        return reply(answer, 503 if readiness.state is ReadyState.STARTING else 200)

    async def get_stats(self, _request: web.Request) -> web.Response:
        """The numbers of the program, and under `http` those of this API."""
        traffic = self._traffic
        http = {"requests": traffic.requests, "internal_errors": traffic.internal_errors}
        return reply({**self._api.stats(), "http": http})
