"""Many registrations in one request, all or none, without holding up the event loop.

Rules:
- All of it goes in slices of time, between which the loop turns and DNS is answered.
- What can fail comes first: every element is checked and promised its host label before the
  first is granted. A request that fails or is cancelled until then leaves nothing behind.
- Once begun, the granting goes on to the end, also when the client goes away.
- All or none is said of failure alone: while an array is granted, others may see a part of it.
"""

from aiohttp import web

from dnsregistry.api.aliases import check_array
from dnsregistry.api.context import Api
from dnsregistry.api.frames import reply_instances
from dnsregistry.api.identity import choose_id
from dnsregistry.api.jsontext import parse_elements
from dnsregistry.api.registration import Registration, admit_registration, element, read_fields
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.names import host_label
from dnsregistry.turns import drain, finish_in_turns, take_turns


async def register_array(api: Api, body: bytes | bytearray) -> web.Response:
    """Register every element or, with a Problem or InvalidField raised, none.

    The field of a fault begins with the element's place: `3.port`.
    """
    registrations: list[Registration] = []
    promised: list[Instance] = []
    try:
        elements = enumerate(parse_elements(body, api.body_limit))
        async for place, value in take_turns(elements):
            registrations.append(read_fields(Registration, value, element(place)))
        await _promise_all(api, registrations, promised)
        await check_array(api, promised)
        leases = await api.store.grant_all(promised)
        revision = api.registry.feed.revision
    finally:
        async for instance in finish_in_turns(drain(promised)):
            api.registry.release(instance)
        async for _ in finish_in_turns(drain(registrations)):
            pass
    return await reply_instances(api, leases, next_cursor=None, revision=revision, status=201)


async def _promise_all(
    api: Api, registrations: list[Registration], promised: list[Instance]
) -> None:
    """Admit every element, moving it to `promised` once its host label is kept."""
    taken = {
        host_label(registration.id)
        async for registration in take_turns(registrations)
        if registration.id is not None
    }
    given: set[str] = set()
    async for place, registration in take_turns(enumerate(drain(registrations))):
        where = element(place)
        instance_id = registration.id
        if instance_id is None:
            instance_id = choose_id(api, taken)
            taken.add(host_label(instance_id))
        instance = admit_registration(api, registration, instance_id, where)
        key = instance_id.lower()
        if key in given:
            raise InvalidField(where.field("id"), f"{instance_id!r} is given twice")
        given.add(key)
        api.registry.promise(instance, where.field("id"))
        promised.append(instance)
