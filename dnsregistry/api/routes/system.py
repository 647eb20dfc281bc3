"""The program itself."""

from collections.abc import Sequence

from dnsregistry.api.context import Api, Traffic
from dnsregistry.api.models.system import Alive, Ready, Stats
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.system import System

_STATS = Operation(
    id="getStats",
    tag="Program",
    summary="Numbers, for people",
    answers=(Answer(200, "All numbers since the start.", (Media(Stats),)),),
)
_HEALTH = Operation(
    id="getHealth",
    tag="Program",
    summary="Whether the program is alive",
    answers=(
        Answer(200, "It is.", (Media(Alive, {"alive": {"status": "ok", "version": "1.0.0"}}),)),
    ),
)
_READY = Operation(
    id="getReady",
    tag="Program",
    summary="Whether answers can be relied on",
    answers=(
        Answer(
            200,
            "They can; while `degraded`, something that is leaned on is away.",
            (
                Media(
                    Ready,
                    {
                        "ready": {"status": "ready"},
                        "degraded": {
                            "status": "degraded",
                            "reasons": ["the store takes no change since 2027-01-15T08:00:00.000Z"],
                        },
                    },
                ),
            ),
        ),
        Answer(503, "Not yet.", (Media(Ready, {"starting": {"status": "starting"}}),)),
    ),
)


def list_routes(api: Api, traffic: Traffic) -> Sequence[Route]:
    """The routes that tell of the program."""
    system = System(api, traffic)
    return (
        Route("GET", "/v1/stats", system.get_stats, _STATS),
        Route("GET", "/health", system.get_health, _HEALTH),
        Route("GET", "/ready", system.get_ready, _READY),
    )
