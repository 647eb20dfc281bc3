"""Checks."""

from collections.abc import Sequence

from dnsregistry.api.checks import Checks
from dnsregistry.api.context import Api
from dnsregistry.api.models.checks import GuardLifted, InstanceChecks, ServiceHealth
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.openapi.refusals import ANY_CHANGE
from dnsregistry.api.problems import UNKNOWN_INSTANCE, UNKNOWN_SERVICE
from dnsregistry.api.routes.parameters import INSTANCE_ID, SERVICE_NAME

_INSTANCE = Operation(
    id="getInstanceChecks",
    tag="Checks",
    summary="One instance's checks and their history",
    parameters=(INSTANCE_ID,),
    answers=(Answer(200, "Its checks.", (Media(InstanceChecks),)),),
    problems=(UNKNOWN_INSTANCE,),
)
_SERVICE = Operation(
    id="getServiceHealth",
    tag="Checks",
    summary="One service's verdicts, probes and guard",
    parameters=(SERVICE_NAME,),
    answers=(Answer(200, "Its numbers.", (Media(ServiceHealth),)),),
    problems=(UNKNOWN_SERVICE,),
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
        Route("GET", "/v1/instances/{id}/checks", checks.get_instance, _INSTANCE),
        Route("GET", "/v1/services/{name}/health", checks.get_service, _SERVICE),
        Route("DELETE", "/v1/services/{name}/guard", checks.lift_guard, _GUARD),
    )
