"""All routes of the API. The router tries those that begin alike in this order."""

from collections.abc import Sequence

from dnsregistry.api.context import Api
from dnsregistry.api.openapi.operation import Route
from dnsregistry.api.routes import checks, heartbeats, instances, services, system, watch
from dnsregistry.api.traffic import Traffic


def list_routes(api: Api, traffic: Traffic) -> Sequence[Route]:
    """Every route with what is said of it. HEAD goes where GET does."""
    return (
        # These come most.
        *heartbeats.list_routes(api),
        *instances.list_routes(api),
        *services.list_routes(api),
        *watch.list_routes(api),
        *checks.list_routes(api),
        *system.list_routes(api, traffic),
    )
