"""Reads of a registry of which it is not known yet what it holds: refused, as DNS refuses them."""

from functools import wraps

from aiohttp import web
from aiohttp.typedefs import Handler

from dnsregistry.api.context import Api
from dnsregistry.storage.errors import StoreAway


def check_loaded(api: Api) -> None:
    """Raise StoreAway until `api.is_loaded`: an empty list would be a wrong answer."""
    if not api.is_loaded():
        outage = api.store.outage
        why = "it is being read" if outage is None else outage.reason
        raise StoreAway(f"what it holds is not known yet: {why}")


def once_loaded(api: Api, handler: Handler) -> Handler:
    """The handler, behind `check_loaded`."""

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        check_loaded(api)
        return await handler(request)

    return answer
