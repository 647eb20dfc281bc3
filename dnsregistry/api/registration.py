"""A registration as JSON has it: its shape by pydantic, its meaning by the core's admission."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from dnsregistry.api.context import Api
from dnsregistry.api.door import check_secret, check_service
from dnsregistry.api.models.checks import Check
from dnsregistry.api.models.forms import (
    Address,
    Capabilities,
    Id,
    MetadataForm,
    Port,
    Ports,
    Protocol,
    Secret,
    Service,
    Share,
    Tags,
    Ttl,
    Version,
    forget_defaults,
)
from dnsregistry.api.problems import INVALID_FIELD, MOST_FAULTS, Fault, Problem, clip
from dnsregistry.registry.admission import admit
from dnsregistry.registry.check_admission import MOST_CHECKS, admit_checks
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.warrant import ANYONE, Warrant, seal

DEEPEST_METADATA = 32
"""Levels of objects and arrays: what is written down must be readable without recursion limits."""

_STATUSES = ", ".join(Status)
_REASONS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is not a field here",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "enum": f"must be one of {_STATUSES}",
}


def _list_address(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return value
    raise PydanticCustomError("address_type", "must be text or a list of texts")


def _check_depth(value: object) -> object:
    level = [value]
    for _ in range(DEEPEST_METADATA + 1):
        nested: list[object] = []
        for item in level:
            if isinstance(item, dict):
                nested.extend(item.values())
            elif isinstance(item, list):
                nested.extend(item)
        if not nested:
            return value
        level = nested
    raise PydanticCustomError("depth", f"is nested deeper than {DEEPEST_METADATA} levels")


Metadata = Annotated[dict[str, object], BeforeValidator(_check_depth), MetadataForm]
"""A registration's metadata, of bounded depth."""

# JSON has no enum: text is what is given, and strictness would ask for the member.
_StatusText = Annotated[Status, Field(strict=False)]


Checks = Annotated[list[Check], Field(max_length=MOST_CHECKS)]


class Registration(BaseModel):
    """The body of a registration. A `ttl` that is absent and one that is null differ."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, json_schema_extra=forget_defaults
    )

    id: Id | None = Field(
        None,
        description="Unique in the whole registry; made up if left out.",
    )
    service: Service = Field(description="The service that it belongs to: one DNS label.")
    address: Annotated[
        list[str], BeforeValidator(_list_address, json_schema_input_type=Address)
    ] = Field(description="An IP address or host name, or a list of addresses.")
    port: Port = Field(description="Its main port.")
    protocol: Protocol = Field("tcp", description="What it speaks; tcp if left out.")
    ports: Ports = Field(default_factory=dict, description="Other ports by name.")
    priority: Share = Field(0, description="As in an SRV record: the lowest, 0, is asked first.")
    weight: Share = Field(
        1, description="As in an SRV record: its share in its priority; 1 if left out."
    )
    tags: Tags = Field(
        default_factory=list, description="Labels that narrow a question for the service."
    )
    capabilities: Capabilities = Field(
        default_factory=list, description="Labels under which it is found in any service."
    )
    metadata: Metadata = Field(default_factory=dict, description="Up to 16 KiB of anything.")
    version: Version | None = Field(None, description="Its version, in any words.")
    ttl: Ttl | None = Field(
        None,
        description="Seconds of its lease; null: without end. Left out: as set for the registry.",
    )
    status: _StatusText = Field(
        Status.HEALTHY, description="What its owner says of it; healthy if left out."
    )
    checks: (
        Annotated[list[object], BeforeValidator(_check_depth, json_schema_input_type=Checks)] | None
    ) = Field(
        None,
        description="What is asked of it, how often. Left out: as set for the service.",
    )
    owner_secret: Secret | None = Field(
        None,
        repr=False,
        description="With this alone the instance is changed, renewed and taken away. Never told.",
    )


class StatusChange(BaseModel):
    """The body that gives an instance another status."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    status: _StatusText = Field(description="What its owner says of it.")


M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the body something stands: nowhere in particular, or an element of an array."""

    prefix: str = ""

    def field(self, name: str) -> str:
        """The full name of a field of what stands here."""
        return f"{self.prefix}{name}"


WHOLE_BODY = Place()


def element(number: int) -> Place:
    """The place of an array's element."""
    return Place(f"{number}.")


def read_fields(model: type[M], value: object, place: Place = WHOLE_BODY) -> M:
    """The model made from parsed JSON. Raises Problem 422 with every fault of shape."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [_read_fault(detail, place) for detail in details[:MOST_FAULTS]]
        raise Problem(INVALID_FIELD, faults=faults) from None


def admit_registration(
    api: Api,
    registration: Registration,
    instance_id: str,
    by: Warrant = ANYONE,
    place: Place = WHOLE_BODY,
) -> Instance:
    """The instance that it describes, under an id.

    Its owner is whoever knows the secret that it brings, or the first that `by` shows. Raises
    InvalidField, and Problem 403 for a service that `by` does not reach.
    """
    given, defaults = registration.checks, api.default_checks(registration.service)
    check_service(by, registration.service, place.field("service"))
    ttl = registration.ttl if "ttl" in registration.model_fields_set else api.lease_ttl
    try:
        instance = admit(
            id=instance_id,
            service=registration.service,
            address=registration.address,
            port=registration.port,
            protocol=registration.protocol,
            ports=registration.ports,
            priority=registration.priority,
            weight=registration.weight,
            tags=registration.tags,
            capabilities=registration.capabilities,
            metadata=registration.metadata,
            version=registration.version,
            ttl=ttl,
            status=registration.status,
            checks=defaults if given is None else admit_checks(given),
        )
        owner = _find_owner(registration, instance_id, by)
        if owner is not None:
            instance = replace(instance, owner=owner)
        api.check(instance, api.now())
    except InvalidField as fault:
        raise InvalidField(place.field(fault.field), fault.rule) from None
    return instance


def _find_owner(registration: Registration, instance_id: str, by: Warrant) -> str | None:
    if registration.owner_secret is not None:
        return seal(check_secret(registration.owner_secret, "owner_secret"), instance_id)
    if by.secrets:
        return seal(by.secrets[0], instance_id)
    return None


def _read_fault(detail: ErrorDetails, place: Place) -> Fault:
    path = ".".join(clip(str(step)) for step in detail["loc"])
    return Fault(place.field(path), _REASONS.get(detail["type"], detail["msg"]))
