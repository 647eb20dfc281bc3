"""Instances: register, read, list, give a status, take away."""

import re
from urllib.parse import quote

from aiohttp import web

from dnsregistry.api.arrays import register_array
from dnsregistry.api.body import opens_array, read_body
from dnsregistry.api.conditions import (
    has_tag,
    not_modified,
    read_expected,
    refuse_conditions,
    tag_headers,
    tag_instance,
)
from dnsregistry.api.context import Api
from dnsregistry.api.identity import choose_id
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.lists import reply_list
from dnsregistry.api.query import refuse_query
from dnsregistry.api.registration import (
    Registration,
    StatusChange,
    admit_registration,
    read_fields,
)
from dnsregistry.api.replies import describe, reply
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.lease import Lease

_PLAIN = re.compile("[a-z0-9-]+")


class Instances:
    """The handlers under /v1/instances."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def post(self, request: web.Request) -> web.Response:
        """Register one instance, or each of an array; the id may be left out."""
        api = self._api
        refuse_conditions(request)
        body = await read_body(
            request,
            limit=api.body_limit,
            patience=api.body_patience,
            array_limit=api.array_body_limit,
        )
        if opens_array(body):
            return await register_array(api, body, api.door.warrant_of(request))
        value = parse_object(body, others=" or an array of objects")
        registration = read_fields(Registration, value)
        instance_id = choose_id(api) if registration.id is None else registration.id
        return await self._register(registration, instance_id, None, request)

    async def put(self, request: web.Request) -> web.Response:
        """Register the instance with the path's id, where what is expected is held."""
        refuse_query(request)
        expected = read_expected(request, self._api.store.lineage, may_create=True)
        registration = read_fields(Registration, await self._read_object(request))
        instance_id = request.match_info["id"]
        if registration.id is not None and registration.id.lower() != instance_id.lower():
            raise InvalidField(
                "id", f"{registration.id!r} is not the id in the path, {instance_id!r}"
            )
        return await self._register(registration, instance_id, expected, request)

    async def get(self, request: web.Request) -> web.Response:
        """One instance."""
        refuse_query(request)
        lease = self._find(request)
        tag = tag_instance(lease, self._api.store.lineage)
        if has_tag(request, tag):
            return not_modified(tag_headers(tag))
        return reply(self._describe(lease), headers=tag_headers(tag))

    async def list(self, request: web.Request) -> web.Response:
        """A page of the instances that are asked for."""
        return await reply_list(self._api, request)

    async def delete(self, request: web.Request) -> web.Response:
        """End the instance's lease."""
        refuse_query(request)
        store = self._api.store
        expected = read_expected(request, store.lineage)
        by = self._api.door.warrant_of(request)
        await store.revoke(request.match_info["id"], expected, by=by)
        return web.Response(status=204)

    async def put_status(self, request: web.Request) -> web.Response:
        """Give the instance another status."""
        refuse_query(request)
        store = self._api.store
        expected = read_expected(request, store.lineage)
        change = read_fields(StatusChange, await self._read_object(request))
        by = self._api.door.warrant_of(request)
        lease = await store.set_status(request.match_info["id"], change.status, expected, by=by)
        return reply(self._describe(lease))

    async def _read_object(self, request: web.Request) -> dict[str, object]:
        api = self._api
        body = await read_body(request, limit=api.body_limit, patience=api.body_patience)
        return parse_object(body)

    async def _register(
        self,
        registration: Registration,
        instance_id: str,
        expected: Expected | None,
        request: web.Request,
    ) -> web.Response:
        api = self._api
        by = api.door.warrant_of(request)
        instance = admit_registration(api, registration, instance_id, by)
        grant = await api.store.grant(instance, expected, by=by)
        described = self._describe(grant.lease)
        if not grant.created:
            return reply(described)
        return reply(described, 201, {"Location": f"/v1/instances/{_quote(instance_id)}"})

    def _find(self, request: web.Request) -> Lease:
        return self._api.registry.find(request.match_info["id"], self._api.now())

    def _describe(self, lease: Lease) -> dict[str, object]:
        return describe(lease, self._api.dns_names(lease.instance), self._api.desk)


def _quote(instance_id: str) -> str:
    """The id as a path has it; most are as they are."""
    return instance_id if _PLAIN.fullmatch(instance_id) else quote(instance_id, safe="")
