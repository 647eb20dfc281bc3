"""Reads of a registry of which it is not known yet what it holds: refused, as DNS refuses them."""

from functools import wraps

from aiohttp import web
from aiohttp.typedefs import Handler

from dnsregistry.api.context import Api
from dnsregistry.storage.errors import StoreAway


def once_loaded(api: Api, handler: Handler) -> Handler:
    """The handler, from when `api.is_loaded`; until then an empty list would be a wrong answer."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        if not api.is_loaded():
            outage = api.store.outage
            why = "it is being read" if outage is None else outage.reason
            raise StoreAway(f"what it holds is not known yet: {why}")
        return await handler(request)

    return answer
