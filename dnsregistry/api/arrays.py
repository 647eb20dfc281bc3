"""Many registrations in one request, all or none, without holding up the event loop.

Rules:
- All of it goes in slices of time, between which the loop turns and DNS is answered.
- What can fail comes first: every element is checked and promised its host label before the
  first is granted. A request that fails or is cancelled until then leaves nothing behind.
- An element is made an instance as soon as it is read: nothing of the rest of it is kept. Those
  without an id wait until the ids of all others are known.
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
from dnsregistry.registry.names import fold_id
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.turns import drain, finish_in_turns, take_turns


async def register_array(api: Api, body: bytes | bytearray, by: Warrant = ANYONE) -> web.Response:
    """Register every element or, with a Problem or InvalidField raised, none.

    The field of a fault begins with the element's place: `3.port`.
    """
    array = _Array(api, by)
    try:
        elements = enumerate(parse_elements(body, api.body_limit))
        async for place, value in take_turns(elements):
            array.read(place, value)
        instances = await array.name_rest()
        await check_array(api, instances)
        leases = await api.store.grant_all(instances, by=by)
        revision = api.registry.feed.revision
    finally:
        async for instance in finish_in_turns(drain(array.promised)):
            api.registry.release(instance)
    return await reply_instances(api, leases, next_cursor=None, revision=revision, status=201)


class _Array:
    """The elements of one request; `promised` are the instances whose host label is kept."""

    def __init__(self, api: Api, by: Warrant) -> None:
        self.promised: list[Instance] = []
        self._api = api
        self._by = by
        self._given: set[str] = set()
        self._elements: list[Instance | Registration] = []

    def read(self, place: int, value: dict[str, object]) -> None:
        """Take the next element. Raises Problem and InvalidField."""
        registration = read_fields(Registration, value, element(place))
        if registration.id is None:
            self._elements.append(registration)
        else:
            self._elements.append(self._promise(place, registration, registration.id))

    async def name_rest(self) -> list[Instance]:
        """Give ids to those without one; returns all in the order of the elements."""
        instances: list[Instance] = []
        async for place, given in take_turns(enumerate(drain(self._elements))):
            if isinstance(given, Instance):
                instances.append(given)
            else:
                instances.append(self._promise(place, given, choose_id(self._api)))
        return instances

    def _promise(self, place: int, registration: Registration, instance_id: str) -> Instance:
        where = element(place)
        instance = admit_registration(self._api, registration, instance_id, self._by, where)
        key = fold_id(instance_id)
        if key in self._given:
            raise InvalidField(where.field("id"), f"{instance_id!r} is given twice")
        self._given.add(key)
        self._api.registry.promise(instance, where.field("id"))
        self.promised.append(instance)
        return instance
