"""Many registrations in one request, all or none, without holding up the event loop.

Reading, checking and writing the answer go in slices of time, between which the loop turns
and DNS is answered. The grant itself is one step: nothing comes between its first instance
and its last.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from time import perf_counter
from typing import TypeVar

from aiohttp import web

from dnsregistry.api.context import Api
from dnsregistry.api.identity import choose_id
from dnsregistry.api.jsontext import parse_elements
from dnsregistry.api.registration import Registration, admit_registration, element, read_fields
from dnsregistry.api.replies import describe, encode
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import host_label

SLICE = 0.005
"""Seconds of work until the loop turns: well below what a resolver's retry would notice."""

T = TypeVar("T")


async def take_turns(items: Iterable[T]) -> AsyncIterator[T]:
    """The items, letting the event loop turn whenever a slice of time is used up."""
    until = perf_counter() + SLICE
    for item in items:
        yield item
        if perf_counter() >= until:
            await asyncio.sleep(0)
            until = perf_counter() + SLICE


async def register_array(api: Api, body: bytes | bytearray) -> web.Response:
    """Register every element or, with a Problem or InvalidField raised, none.

    The field of a fault begins with the element's place: `3.port`.
    """
    registrations = [
        read_fields(Registration, value, element(place))
        async for place, value in take_turns(enumerate(parse_elements(body, api.body_limit)))
    ]
    instances = await _admit_all(api, registrations)
    grants = api.registry.grant_all(instances, api.now())
    revision = api.registry.feed.revision
    leases = [grant.lease for grant in grants]
    return await _reply_all(api, leases, revision)


async def _admit_all(api: Api, registrations: list[Registration]) -> list[Instance]:
    taken = {
        host_label(registration.id)
        async for registration in take_turns(registrations)
        if registration.id is not None
    }
    instances: list[Instance] = []
    async for place, registration in take_turns(enumerate(registrations)):
        instance_id = registration.id
        if instance_id is None:
            instance_id = choose_id(api, taken)
            taken.add(host_label(instance_id))
        instances.append(admit_registration(api, registration, instance_id, element(place)))
    return instances


async def _reply_all(api: Api, leases: list[Lease], revision: int) -> web.Response:
    pieces = [
        encode(describe(lease, api.dns_names(lease.instance))) async for lease in take_turns(leases)
    ]
    # The list frame of `paging`, put together from parts that are JSON already.
    frame = b'{"instances":[%b],"next_cursor":null,"revision":%d}\n'
    body = frame % (b",".join(pieces), revision)
    return web.Response(body=body, status=201, headers={"Content-Type": "application/json"})
