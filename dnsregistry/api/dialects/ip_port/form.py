"""How the ip-port document writes an instance and an error."""

from collections.abc import Callable

from aiohttp import web

from dnsregistry.api.dialects.http import Tell
from dnsregistry.api.dialects.location import write_host
from dnsregistry.api.dialects.times import write_seconds
from dnsregistry.api.problems import INVALID_FIELD, Problem
from dnsregistry.api.replies import reply
from dnsregistry.registry.lease import Lease

BAD_REQUEST = 400


def write_identity(lease: Lease, now: float) -> dict[str, object]:
    """Who an instance is, and how it does."""
    instance = lease.instance
    return {
        "id": instance.id,
        "name": instance.service,
        "ip": write_host(instance),
        "port": instance.port,
        "status": write_status(lease, now),
    }


def write_instance(lease: Lease, now: float) -> dict[str, object]:
    """An instance in a list of its service's."""
    instance = lease.instance
    return {
        "id": instance.id,
        "ip": write_host(instance),
        "port": instance.port,
        "status": write_status(lease, now),
        "lastHeartbeat": write_seconds(lease.renewed_at),
        "registeredAt": write_seconds(lease.granted_at),
        "metadata": instance.metadata,
    }


def write_status(lease: Lease, now: float) -> str:
    """`healthy` for what is answered, `unhealthy` for what is there and is not."""
    return "healthy" if lease.is_answered(now) else "unhealthy"


def make_tell(now: Callable[[], float]) -> Tell:
    """Writes problems: `error`, `message` and `timestamp`, 400 for all that breaks a rule."""

    def tell(problem: Problem) -> web.Response:
        kind = problem.kind
        faults = "; ".join(f"{fault.field}: {fault.reason}" for fault in problem.faults)
        return reply(
            {
                "error": kind.title,
                "message": faults or problem.detail or kind.title,
                "timestamp": write_seconds(now()),
            },
            BAD_REQUEST if kind is INVALID_FIELD else kind.status,
            problem.headers,
        )

    return tell
