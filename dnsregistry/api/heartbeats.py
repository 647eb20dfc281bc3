"""Heartbeats: the requests that come most, and so the ones with least around them."""

from aiohttp import web

from dnsregistry.api.body import read_body
from dnsregistry.api.context import Api
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.problems import clip
from dnsregistry.api.replies import reply, write_time, write_ttl
from dnsregistry.registry.errors import InvalidField


class Heartbeats:
    """The handlers that renew leases."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post_one(self, request: web.Request) -> web.Response:
        """Renew one lease. A body is not read."""
        api = self._api
        lease = api.registry.renew(request.match_info["id"], api.now())
        return reply(
            {"expires_at": write_time(lease.deadline), "ttl": write_ttl(lease.instance.ttl)}
        )

    async def post_many(self, request: web.Request) -> web.Response:
        """Renew the leases of all ids that have one, and name the others."""
        api = self._api
        body = parse_object(
            await read_body(request, limit=api.body_limit, patience=api.body_patience)
        )
        for name in body:
            if name != "ids":
                raise InvalidField(clip(name), "is not a field here")
        ids = body.get("ids")
        if not isinstance(ids, list):
            raise InvalidField("ids", "must be a list of ids")
        for place, instance_id in enumerate(ids):
            if not isinstance(instance_id, str):
                raise InvalidField(f"ids.{place}", "must be text")
        renewal = api.registry.renew_all(ids, api.now())
        return reply({"renewed": renewal.renewed, "unknown": renewal.unknown})
