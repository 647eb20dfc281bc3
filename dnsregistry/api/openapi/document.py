"""The document: OpenAPI 3.1 of all that is routed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dnsregistry.api.door import OWNER_HEADER, Need, need_of
from dnsregistry.api.models.forms import Secret
from dnsregistry.api.models.problem import Problem
from dnsregistry.api.openapi.operation import Answer, Header, Media, Operation, Parameter, Route
from dnsregistry.api.openapi.refusals import ANY_CALLER, ANY_REQUEST, describe_refusals
from dnsregistry.api.openapi.schemas import Schemas
from dnsregistry.api.problems import INVALID_FIELD, NOT_OWNER

TAGS: Mapping[str, str] = {
    "Instances": "Registering, renewing, reading and taking away.",
    "Services": "Names with counts, and one service with its instances.",
    "Watching": "Changes as they come.",
    "Checks": "What the checks of instances found, and the guard against many failures at once.",
    "DNS": "Questions over HTTPS, answered as over UDP.",
    "Program": "Alive, ready, numbers, and this description.",
}
"""The headings, in their order."""

_ABOUT = """\
Services register themselves and renew their leases; whoever looks for them asks DNS.

- Bodies are JSON in UTF-8, of at most 1 MiB, arrays of at most 64 MiB, unless set otherwise.
- Errors are problem documents (RFC 9457): `type` is a stable word, `field` and `reason` tell
  the fault.
- Every answer has the header `X-Registry-Revision`: all changes up to it are in the answer.
- `HEAD` is answered wherever `GET` is, without the body.
- Times are ISO 8601 in UTC, durations are seconds.
- Ids, names of services, tags and capabilities compare without regard to case.
"""

TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "Of `dnsregistry token create`: `read`, `write:` and a service, or `admin`.",
}
OWNER = Parameter(
    OWNER_HEADER,
    "header",
    "The owner's secret of an instance that was registered with one.",
    Secret,
)
Document = dict[str, Any]


def build_document(routes: Sequence[Route], version: str) -> Document:
    """The document of the routes, as JSON can have it."""
    operations = [route.operation for route in routes]
    schemas = Schemas(
        _types_read(operations), [Problem, *(schema for op in operations for schema in _told(op))]
    )
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        described = _describe_route(route, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dnsregistry",
            "summary": "A service registry whose query language is DNS",
            "description": _ABOUT,
            "version": version,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.components.items())),
            "securitySchemes": {"token": TOKEN},
        },
    }


def _types_read(operations: Iterable[Operation]) -> Iterable[Any]:
    for operation in operations:
        yield from (parameter.schema for parameter in operation.parameters)
        yield OWNER.schema
        yield from (media.schema for media in operation.body if media.schema is not None)


def _told(operation: Operation) -> Iterable[Any]:
    for answer in operation.answers:
        yield from (header.schema for header in answer.headers.values())
        yield from (media.schema for media in answer.media if media.schema is not None)


def _describe_route(route: Route, schemas: Schemas) -> Document:
    operation, need = route.operation, need_of(route.method, route.path)
    if need is Need.NOTHING:
        return {**_describe_operation(operation, schemas), "security": []}
    problems = (*operation.problems, *ANY_CALLER)
    parameters = operation.parameters
    if need is Need.WRITE:
        problems, parameters = (*problems, NOT_OWNER, INVALID_FIELD), (*parameters, OWNER)
    operation = replace(operation, problems=problems, parameters=parameters)
    # Without TOKENS_FILE nobody is asked.
    return {**_describe_operation(operation, schemas), "security": [{"token": []}, {}]}


def _describe_operation(operation: Operation, schemas: Schemas) -> Document:
    told: Document = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
    }
    if operation.description:
        told["description"] = operation.description
    if operation.parameters:
        told["parameters"] = [_describe_parameter(each, schemas) for each in operation.parameters]
    if operation.body:
        content = {m.type: _describe_media(m, schemas, read=True) for m in operation.body}
        told["requestBody"] = {"required": operation.needs_body, "content": content}
    told["responses"] = _describe_responses(operation, schemas)
    return told


def _describe_responses(operation: Operation, schemas: Schemas) -> Document:
    kinds = (*ANY_REQUEST, *operation.problems)
    responses = describe_refusals(kinds, schemas.of(Problem, "serialization"))
    for answer in operation.answers:
        described = _describe_answer(answer, schemas)
        refused = responses.get(str(answer.status))
        if refused is not None:
            described["description"] += f" {refused['description']}"
            described["content"] = {**described.get("content", {}), **refused["content"]}
        responses[str(answer.status)] = described
    return dict(sorted(responses.items()))


def _describe_parameter(parameter: Parameter, schemas: Schemas) -> Document:
    told: Document = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.description,
        "required": parameter.where == "path" or parameter.required,
        "schema": schemas.of(parameter.schema, "validation"),
    }
    if parameter.example is not None:
        told["example"] = parameter.example
    return told


def _describe_media(media: Media, schemas: Schemas, *, read: bool) -> Document:
    told: Document = {}
    if media.schema is not None:
        told["schema"] = schemas.of(media.schema, "validation" if read else "serialization")
    if media.examples:
        told["examples"] = {name: {"value": value} for name, value in media.examples.items()}
    return told


def _describe_answer(answer: Answer, schemas: Schemas) -> Document:
    told: Document = {"description": answer.description}
    if answer.headers:
        told["headers"] = {
            name: _describe_header(header, schemas) for name, header in answer.headers.items()
        }
    if answer.media:
        content = {m.type: _describe_media(m, schemas, read=False) for m in answer.media}
        told["content"] = content
    return told


def _describe_header(header: Header, schemas: Schemas) -> Document:
    return {
        "description": header.description,
        "required": header.required,
        "schema": schemas.of(header.schema, "serialization"),
    }
