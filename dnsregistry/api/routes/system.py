"""The program itself."""

from collections.abc import Sequence

from dnsregistry import __version__
from dnsregistry.api.context import Api
from dnsregistry.api.models.system import Alive, Ready, Stats
from dnsregistry.api.openapi.operation import Answer, Media, Operation, Route
from dnsregistry.api.routes.instances import FIRST
from dnsregistry.api.system import System
from dnsregistry.api.traffic import Traffic

_NUMBERS = {
    "version": __version__,
    "uptime": 86400.5,
    "event_loop_lag": {"count": 345602, "mean": 0.000213},
    "registry": {
        "instances": 1,
        "serving": 1,
        "services": 1,
        "revision": FIRST,
        "changes": {"registered": 1, "updated": 0, "removed": 0, "expired": 0},
        "heartbeats": 12,
    },
    "store": {"engine": "memory", "away_since": None},
    "zone": {"origin": "registry.local", "serial": 3030196226},
    "zone_files": {"loaded": 1, "refused": 0, "zones": 1, "records": 10},
    "dns": {"queries": {"udp": 1, "tcp": 0}, "rcodes": {"NOERROR": 1}},
    "watch": {"streams": 1, "waiting": 0, "events": 1, "resets": 0},
    "health": {"instances": 0, "in_flight": 0, "guards_holding": [], "probes": 0},
    "access": {"connections": 1, "refused_connections": 0},
    "http": {"requests": 14, "internal_errors": 0},
}

_STATS = Operation(
    id="getStats",
    tag="Program",
    summary="Numbers, for people",
    answers=(Answer(200, "All numbers since the start.", (Media(Stats, {"numbers": _NUMBERS}),)),),
)
_HEALTH = Operation(
    id="getHealth",
    tag="Program",
    summary="Whether the program is alive",
    answers=(
        Answer(200, "It is.", (Media(Alive, {"alive": {"status": "ok", "version": __version__}}),)),
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
