"""How the modularity document writes a service and an error."""

from aiohttp import web

from dnsregistry.api.dialects.location import write_url
from dnsregistry.api.dialects.times import write_seconds
from dnsregistry.api.problems import INVALID_FIELD, Problem
from dnsregistry.api.replies import reply
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

BAD_REQUEST = 400


def write_listed(lease: Lease, now: float) -> dict[str, object]:
    """A service in the list of all."""
    instance = lease.instance
    return {
        "id": instance.id,
        "name": _read_text(instance, "name", instance.service),
        "status": write_status(lease, now),
        "capabilities": instance.capabilities,
        "location": write_url(instance),
    }


def write_provider(lease: Lease, now: float) -> dict[str, object]:
    """A service that was looked for by what it can do."""
    listed = write_listed(lease, now)
    return listed | {"mode": _read_text(lease.instance, "mode", "http")}


def write_service(lease: Lease, now: float) -> dict[str, object]:
    """A service with all that is known of it."""
    return write_provider(lease, now) | {
        "version": lease.instance.version,
        "registered_at": write_seconds(lease.granted_at),
    }


def write_status(lease: Lease, now: float) -> str:
    """`healthy` for what is answered, `unhealthy` for what is there and is not."""
    return "healthy" if lease.is_answered(now) else "unhealthy"


def tell(problem: Problem) -> web.Response:
    """Flask's form: a text as `error`, with 400 for all that breaks a rule."""
    kind = problem.kind
    faults = "; ".join(f"{fault.field}: {fault.reason}" for fault in problem.faults)
    status = BAD_REQUEST if kind is INVALID_FIELD else kind.status
    return reply({"error": faults or problem.detail or kind.title}, status, problem.headers)


def _read_text(instance: Instance, name: str, default: str) -> str:
    text = instance.metadata.get(name)
    return text if isinstance(text, str) and text else default
