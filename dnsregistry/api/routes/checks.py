"""Checks."""

from collections.abc import Sequence

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.checks import Checks
from dnsregistry.api.context import Api
from dnsregistry.api.models.check_reports import GuardLifted, InstanceChecks, ServiceHealth
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.openapi.refusals import ANY_CHANGE
from dnsregistry.api.problems import STORE_AWAY, UNKNOWN_INSTANCE, UNKNOWN_SERVICE
from dnsregistry.api.routes.parameters import INSTANCE_ID, SERVICE_NAME

_CHECKS = {
    "id": "web-1",
    "service": "user-service",
    "health": "healthy",
    "checks": [
        {
            "type": "tcp",
            "tls": False,
            "interval": 10.0,
            "timeout": 5.0,
            "jitter": 0.1,
            "success_before_healthy": 1,
            "failures_before_unhealthy": 3,
            "initial": "unhealthy",
            "delay": 0.0,
            "deregister_after": None,
            "health": "healthy",
            "since": "2027-01-15T08:00:00.000Z",
            "last": {
                "time": "2027-01-15T08:00:00.000Z",
                "passed": True,
                "latency": 0.000812,
                "reason": "connected",
            },
        }
    ],
    "followed_here": True,
    "history": [
        {
            "time": "2027-01-15T08:00:00.000Z",
            "check": 0,
            "health": "healthy",
            "reason": "connected",
        }
    ],
}
_HEALTH = {
    "name": "user-service",
    "healthy": 1,
    "unhealthy": 0,
    "degraded": 0,
    "probes": 1,
    "passed": 1,
    "success_rate": 1.0,
    "transitions": 1,
    "guard_trips": 0,
    "latency": {"mean": 0.000812, "buckets": {"0.001": 1, "0.0025": 1, "inf": 1}},
    "guard": {"threshold": 0.5, "limit": 60.0, "holding": False, "until": None, "held": 0},
}

_INSTANCE = Operation(
    id="getInstanceChecks",
    tag="Checks",
    summary="One instance's checks and their history",
    parameters=(INSTANCE_ID,),
    answers=(Answer(200, "Its checks.", (Media(InstanceChecks, {"one": _CHECKS}),)),),
    problems=(UNKNOWN_INSTANCE, STORE_AWAY),
)
_SERVICE = Operation(
    id="getServiceHealth",
    tag="Checks",
    summary="One service's verdicts, probes and guard",
    parameters=(SERVICE_NAME,),
    answers=(Answer(200, "Its numbers.", (Media(ServiceHealth, {"well": _HEALTH}),)),),
    problems=(UNKNOWN_SERVICE, STORE_AWAY),
)
_GUARD = Operation(
    id="liftServiceGuard",
    tag="Checks",
    summary="Believe the failures of a service now",
    description="Whatever the guard holds up is answered as what it is: unhealthy.",
    parameters=(SERVICE_NAME,),
    answers=(
        Answer(200, "The guard holds nothing.", (Media(GuardLifted, {"none": {"lifted": 0}}),)),
    ),
    problems=(*ANY_CHANGE, UNKNOWN_SERVICE),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The routes that tell of checks."""
    checks = Checks(api)
    return (
        Route("GET", "/v1/instances/{id}/checks", once_loaded(api, checks.get_instance), _INSTANCE),
        Route("GET", "/v1/services/{name}/health", once_loaded(api, checks.get_service), _SERVICE),
        Route("DELETE", "/v1/services/{name}/guard", checks.lift_guard, _GUARD),
    )
