"""For programs that register themselves or look for others. Imports nothing else of this package.

    async with Registration("user-service", port=8080, checks=["http:///health"]):
        ...

    async with Client() as client:
        for endpoint in await client.find("user-service"):
            ...

`dnsregistry.client.sync` has the same for programs without an event loop.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dnsregistry.client.client import Client
    from dnsregistry.client.description import Description
    from dnsregistry.client.errors import (
        ClientError,
        DnsAway,
        Refused,
        RegistryAway,
        UnknownInstance,
        UnknownService,
    )
    from dnsregistry.client.registration import Registration
    from dnsregistry.client.values import Endpoint, Event, Instance, Service

__all__ = [
    "Client",
    "ClientError",
    "Description",
    "DnsAway",
    "Endpoint",
    "Event",
    "Instance",
    "Refused",
    "Registration",
    "RegistryAway",
    "Service",
    "UnknownInstance",
    "UnknownService",
]

_HOMES = {
    "Client": "client",
    "Description": "description",
    "Registration": "registration",
    **dict.fromkeys(("Endpoint", "Event", "Instance", "Service"), "values"),
}


def __getattr__(name: str) -> Any:
    # aiohttp takes half a second to import: who wants an error's name, or a part, does not pay.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)
