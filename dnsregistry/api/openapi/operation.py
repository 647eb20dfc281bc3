"""What is said of a route: values, of which the document is made.

A schema is any type that pydantic can describe; None stands for octets without a form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp.typedefs import Handler

from dnsregistry.api.problems import Kind

JSON_TYPE = "application/json"

Examples = Mapping[str, object]
"""By a short name."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path, a parameter of the query, or a header."""

    name: str
    where: Literal["path", "query", "header"]
    description: str
    schema: Any = str
    example: object = None
    required: bool = False


@dataclass(frozen=True, slots=True)
class Media:
    """A body in one media type."""

    schema: Any = None
    examples: Examples = field(default_factory=dict)
    type: str = JSON_TYPE


@dataclass(frozen=True, slots=True)
class Header:
    """A header of an answer, which is there always unless it is said to be optional."""

    description: str
    schema: Any = str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no problem."""

    status: int
    description: str
    media: tuple[Media, ...] = ()
    headers: Mapping[str, Header] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `problems` are the kinds that only this operation and its like may answer with; those of every
    request are added to them. `tag` is the heading that it stands under, one of `document.TAGS`.
    """

    id: str
    tag: str
    summary: str
    answers: tuple[Answer, ...]
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: tuple[Media, ...] = ()
    needs_body: bool = True
    problems: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """What is served, and what is said of it.

    `path` is written as OpenAPI has it: `/v1/instances/{id}`. A route that is `open_to_pages`
    takes requests of any page of the web, whatever its method.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler
    operation: Operation
    open_to_pages: bool = False
