"""Instances: register, read, list, give a status, take away."""

from urllib.parse import quote

from aiohttp import web

from dnsregistry.api.arrays import register_array
from dnsregistry.api.body import opens_array, read_body
from dnsregistry.api.context import Api
from dnsregistry.api.frames import reply_instances
from dnsregistry.api.identity import choose_id
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.pages import Wanted, read_leases
from dnsregistry.api.query import read_health, read_instance_cursor, read_limit, read_query
from dnsregistry.api.registration import (
    Registration,
    StatusChange,
    admit_registration,
    read_fields,
)
from dnsregistry.api.replies import describe, reply
from dnsregistry.api.watching.handlers import WAITING, wait_for_change
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.lease import Lease


class Instances:
    """The handlers under /v1/instances."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(self, request: web.Request) -> web.Response:
        """Register one instance, or each of an array; the id may be left out."""
        api = self._api
        body = await read_body(
            request,
            limit=api.body_limit,
            patience=api.body_patience,
            array_limit=api.array_body_limit,
        )
        if opens_array(body):
            return await register_array(api, body)
        value = parse_object(body, others=" or an array of objects")
        registration = read_fields(Registration, value)
        instance_id = choose_id(api) if registration.id is None else registration.id
        return await self._register(registration, instance_id)

    async def put(self, request: web.Request) -> web.Response:
        """Register the instance with the path's id."""
        registration = read_fields(Registration, await self._read_object(request))
        instance_id = request.match_info["id"]
        if registration.id is not None and registration.id.lower() != instance_id.lower():
            raise InvalidField(
                "id", f"{registration.id!r} is not the id in the path, {instance_id!r}"
            )
        return await self._register(registration, instance_id)

    async def get(self, request: web.Request) -> web.Response:
        """One instance."""
        return reply(self._describe(self._find(request)))

    async def list(self, request: web.Request) -> web.Response:
        """A page of the instances that are asked for."""
        api = self._api
        known = ("service", "health", "tag", "capability", "limit", "cursor")
        query = read_query(request, *known, *WAITING)
        wanted = Wanted(
            service=_lower(query.get("service")),
            health=read_health(query),
            tag=_lower(query.get("tag")),
            capability=_lower(query.get("capability")),
        )
        after, limit = read_instance_cursor(query), read_limit(query)
        await wait_for_change(api.watching, request, query, wanted.service)
        page = read_leases(api.registry.catalogue, wanted, after=after, limit=limit, now=api.now())
        revision = api.registry.feed.revision
        return await reply_instances(
            api, page.leases, next_cursor=page.next_cursor, revision=revision
        )

    async def delete(self, request: web.Request) -> web.Response:
        """End the instance's lease."""
        await self._api.store.revoke(request.match_info["id"])
        return web.Response(status=204)

    async def put_status(self, request: web.Request) -> web.Response:
        """Give the instance another status."""
        change = read_fields(StatusChange, await self._read_object(request))
        api = self._api
        lease = await api.store.set_status(request.match_info["id"], change.status)
        return reply(self._describe(lease))

    async def _read_object(self, request: web.Request) -> dict[str, object]:
        api = self._api
        body = await read_body(request, limit=api.body_limit, patience=api.body_patience)
        return parse_object(body)

    async def _register(self, registration: Registration, instance_id: str) -> web.Response:
        api = self._api
        instance = admit_registration(api, registration, instance_id)
        grant = await api.store.grant(instance)
        described = self._describe(grant.lease)
        if not grant.created:
            return reply(described)
        location = f"/v1/instances/{quote(instance_id, safe='')}"
        return reply(described, 201, {"Location": location})

    def _find(self, request: web.Request) -> Lease:
        return self._api.registry.find(request.match_info["id"], self._api.now())

    def _describe(self, lease: Lease) -> dict[str, object]:
        return describe(lease, self._api.dns_names(lease.instance), self._api.desk)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()
