"""Heartbeats."""

from collections.abc import Sequence

from dnsregistry.api.context import Api
from dnsregistry.api.heartbeats import Heartbeats
from dnsregistry.api.models.instances import HeartbeatIds, Renewal, Renewed
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.openapi.refusals import ANY_BODY, ANY_CHANGE
from dnsregistry.api.problems import INVALID_HEADER, UNKNOWN_INSTANCE
from dnsregistry.api.routes.parameters import INSTANCE_ID

_ONE = Operation(
    id="renewInstance",
    tag="Instances",
    summary="Renew one lease",
    description=(
        "A heartbeat. A body is not read. `unknown-instance` means that the lease has ended:"
        " register again."
    ),
    parameters=(INSTANCE_ID,),
    answers=(
        Answer(
            200,
            "The lease is renewed.",
            (Media(Renewed, {"renewed": {"expires_at": "2027-01-15T08:00:30.000Z", "ttl": 30}}),),
        ),
    ),
    problems=(*ANY_CHANGE, INVALID_HEADER, UNKNOWN_INSTANCE),
)
_MANY = Operation(
    id="renewInstances",
    tag="Instances",
    summary="Renew many leases",
    description="One request renews thousands.",
    body=(Media(HeartbeatIds, {"two": {"ids": ["web-1", "web-2"]}}),),
    answers=(
        Answer(
            200,
            "The leases of those that have one are renewed, the other ids are told.",
            (Media(Renewal, {"two": {"renewed": 1, "unknown": ["web-2"]}}),),
        ),
    ),
    problems=(*ANY_CHANGE, *ANY_BODY, INVALID_HEADER),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The routes that renew leases."""
    heartbeats = Heartbeats(api)
    return (
        Route("POST", "/v1/instances/{id}/heartbeat", heartbeats.post_one, _ONE),
        Route("POST", "/v1/heartbeats", heartbeats.post_many, _MANY),
    )
