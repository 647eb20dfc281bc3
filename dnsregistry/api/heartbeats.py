"""Heartbeats: the requests that come most, and so the ones with least around them."""

from collections.abc import Mapping

from aiohttp import web

from dnsregistry.api.body import read_body
from dnsregistry.api.conditions import refuse_conditions
from dnsregistry.api.context import Api
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.problems import clip
from dnsregistry.api.replies import reply, write_time, write_ttl
from dnsregistry.registry.errors import InvalidField
from dnsregistry.turns import take_turns

STEP = 1000
"""Ids that are seen to between two looks at the clock: a fraction of a millisecond."""


class Heartbeats:
    """The handlers that renew leases."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post_one(self, request: web.Request) -> web.Response:
        """Renew one lease. A body is not read."""
        api = self._api
        refuse_conditions(request)
        lease = await api.store.renew(request.match_info["id"], by=api.door.warrant_of(request))
        return reply(
            {"expires_at": write_time(lease.deadline), "ttl": write_ttl(lease.instance.ttl)}
        )

    async def post_many(self, request: web.Request) -> web.Response:
        """Renew the leases of all ids that have one, and name the others.

        One that the caller may not renew keeps no other from being renewed.
        """
        api = self._api
        refuse_conditions(request)
        by = api.door.warrant_of(request)
        body = parse_object(
            await read_body(request, limit=api.body_limit, patience=api.body_patience)
        )
        ids = await _read_ids(body)
        renewed = 0
        unknown: list[str] = []
        forbidden: list[str] = []
        async for start in take_turns(range(0, len(ids), STEP)):
            renewal = await api.store.renew_all(ids[start : start + STEP], by=by)
            renewed += renewal.renewed
            unknown += renewal.unknown
            forbidden += renewal.forbidden
        told: dict[str, object] = {"renewed": renewed, "unknown": unknown}
        return reply({**told, "forbidden": forbidden} if forbidden else told)


async def _read_ids(body: Mapping[str, object]) -> list[str]:
    for name in body:
        if name != "ids":
            raise InvalidField(clip(name), "is not a field here")
    ids = body.get("ids")
    if not isinstance(ids, list):
        raise InvalidField("ids", "must be a list of ids")
    checked: list[str] = []
    async for start in take_turns(range(0, len(ids), STEP)):
        for place, instance_id in enumerate(ids[start : start + STEP], start):
            if not isinstance(instance_id, str):
                raise InvalidField(f"ids.{place}", "must be text")
            checked.append(instance_id)
    return checked
