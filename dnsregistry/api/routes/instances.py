"""Instances."""

from collections.abc import Mapping, Sequence

from dnsregistry.api.awaited import once_loaded
from dnsregistry.api.context import Api
from dnsregistry.api.instances import Instances
from dnsregistry.api.models.instances import Instance, InstanceList
from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route
from dnsregistry.api.openapi.refusals import ANY_BODY, ANY_CHANGE
from dnsregistry.api.problems import (
    INVALID_HEADER,
    INVALID_QUERY,
    PRECONDITION_FAILED,
    STORE_AWAY,
    UNKNOWN_INSTANCE,
)
from dnsregistry.api.registration import Registration, StatusChange
from dnsregistry.api.routes.parameters import (
    CURSOR,
    FILTERS,
    IF_ABSENT,
    IF_MATCH,
    IF_NONE_MATCH,
    INSTANCE_ID,
    LIMIT,
    META,
    NOT_MODIFIED,
    SINCE,
    SORT,
    TAGGED,
    WAIT,
)
from dnsregistry.api.watching.seats import WATCHED

FIRST = 1_800_000_000_001
"""The first revision of a registry that starts at the time of the examples."""
LEAST: Mapping[str, object] = {"service": "user-service", "address": "10.0.0.1", "port": 8080}
"""The shortest registration that there is."""
FULL: Mapping[str, object] = {
    "service": "user-service",
    "address": ["10.0.0.1", "fd00::1"],
    "port": 8080,
    "ports": {"admin": 9090},
    "weight": 10,
    "tags": ["v1"],
    "capabilities": ["greet"],
    "metadata": {"version": "2"},
    "ttl": 60,
    "checks": [{"type": "http", "path": "/health", "interval": 5, "timeout": 2, "delay": 1}],
}
"""One that says much of what there is to say."""


def tell(instance_id: str = "web-1", **other: object) -> Mapping[str, object]:
    """What the registry tells of `LEAST` under an id, but for `other` fields."""
    return {
        "id": instance_id,
        "service": "user-service",
        "protocol": "tcp",
        "address": "10.0.0.1",
        "port": 8080,
        "ports": {},
        "priority": 0,
        "weight": 1,
        "tags": [],
        "capabilities": [],
        "metadata": {},
        "version": None,
        "ttl": 30,
        "status": "healthy",
        "health": "healthy",
        "checks": [],
        "registered_at": "2027-01-15T08:00:00.000Z",
        "last_heartbeat": "2027-01-15T08:00:00.000Z",
        "expires_at": "2027-01-15T08:00:30.000Z",
        "revision": FIRST,
        "dns": [
            "user-service.registry.local",
            "_user-service._tcp.registry.local",
            f"{instance_id}.i.registry.local",
            f"{instance_id}._user-service._tcp.registry.local",
        ],
        **other,
    }


PAGE: Mapping[str, object] = {"instances": [tell()], "next_cursor": None, "revision": FIRST}
"""A page with that instance alone."""
_MANY = {
    "instances": [tell("web-8"), tell("web-9", revision=FIRST + 1)],
    "next_cursor": None,
    "revision": FIRST + 1,
}
_DRAINING = tell(status="draining", drained_at="2027-01-15T08:00:05.000Z", revision=FIRST + 1)

_CREATED = Header("The instance's own path.")
_INSTANCE = Media(Instance, {"instance": tell()})
_PAGE = Media(InstanceList, {"one": PAGE})
_SAME = "A registration that changes nothing is a heartbeat."
_EXPECTING = (INVALID_QUERY, INVALID_HEADER, PRECONDITION_FAILED)

_POST = Operation(
    id="registerInstances",
    tag="Instances",
    summary="Register one instance or many",
    description=(
        "An instance without an id is given one. Of an array, all are registered or, where one"
        f" breaks a rule, none; a fault's field then begins with its place: `3.port`. {_SAME}"
    ),
    body=(
        Media(
            Registration | list[Registration],
            {
                "least": {"id": "web-1", **LEAST},
                "full": {"id": "web-7", **FULL},
                "many": [{"id": "web-8", **LEAST}, {"id": "web-9", **LEAST}],
            },
        ),
    ),
    answers=(
        Answer(
            201,
            "Registered: DNS answers with it from now on. An array is answered with a list.",
            (Media(Instance | InstanceList, {"least": tell(), "many": _MANY}),),
            {"Location": Header("The instance's own path; none for an array.", required=False)},
        ),
        Answer(200, "Registered again, under an id that had a lease.", (_INSTANCE,)),
    ),
    problems=(*ANY_CHANGE, *ANY_BODY, INVALID_HEADER),
)
_PUT = Operation(
    id="putInstance",
    tag="Instances",
    summary="Register an instance under an id",
    description=_SAME,
    parameters=(INSTANCE_ID, IF_MATCH, IF_ABSENT),
    body=(Media(Registration, {"least": LEAST, "full": FULL}),),
    answers=(
        Answer(
            201,
            "Registered: DNS answers with it from now on.",
            (_INSTANCE,),
            {"Location": _CREATED},
        ),
        Answer(200, "Registered again, in place of what was there.", (_INSTANCE,)),
    ),
    problems=(*ANY_CHANGE, *ANY_BODY, *_EXPECTING),
)
_GET = Operation(
    id="getInstance",
    tag="Instances",
    summary="One instance",
    parameters=(INSTANCE_ID, IF_NONE_MATCH),
    answers=(Answer(200, "The instance and its lease.", (_INSTANCE,), TAGGED), NOT_MODIFIED),
    problems=(INVALID_QUERY, INVALID_HEADER, UNKNOWN_INSTANCE, STORE_AWAY),
)
_LIST = Operation(
    id="listInstances",
    tag="Instances",
    summary="A page of the instances",
    description=(
        "In the order of their ids unless sorted otherwise. A page may be short or even empty and"
        f" go on: only a `next_cursor` of null is the end. {META}"
    ),
    parameters=(
        Parameter(
            "service",
            "query",
            "Only those of this service.",
        ),
        *FILTERS,
        SORT,
        LIMIT,
        CURSOR,
        WAIT,
        SINCE,
        IF_NONE_MATCH,
    ),
    answers=(Answer(200, "The page.", (_PAGE,), TAGGED), NOT_MODIFIED),
    problems=(INVALID_QUERY, INVALID_HEADER, *WATCHED, STORE_AWAY),
)
_DELETE = Operation(
    id="removeInstance",
    tag="Instances",
    summary="Take an instance away",
    parameters=(INSTANCE_ID, IF_MATCH),
    answers=(Answer(204, "Gone from every answer."),),
    problems=(*ANY_CHANGE, *_EXPECTING, UNKNOWN_INSTANCE),
)
_STATUS = Operation(
    id="setInstanceStatus",
    tag="Instances",
    summary="Give an instance another status",
    description=(
        "`draining` leaves every answer but that for the instance's own host name, `maintenance`"
        " leaves all of them and outlasts a new registration."
    ),
    parameters=(INSTANCE_ID, IF_MATCH),
    body=(Media(StatusChange, {"draining": {"status": "draining"}}),),
    answers=(
        Answer(
            200,
            "The instance as it is now.",
            (Media(Instance, {"draining": _DRAINING}),),
        ),
    ),
    problems=(*ANY_CHANGE, *ANY_BODY, *_EXPECTING, UNKNOWN_INSTANCE),
)


def list_routes(api: Api) -> Sequence[Route]:
    """The routes under /v1/instances but heartbeats and checks."""
    instances = Instances(api)
    one = "/v1/instances/{id}"
    return (
        Route("POST", "/v1/instances", instances.post, _POST),
        Route("GET", "/v1/instances", once_loaded(api, instances.list), _LIST),
        Route("PUT", one, instances.put, _PUT),
        Route("GET", one, once_loaded(api, instances.get), _GET),
        Route("DELETE", one, instances.delete, _DELETE),
        Route("PUT", f"{one}/status", instances.put_status, _STATUS),
    )
