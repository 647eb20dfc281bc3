"""What a dialect is: a name, its usual port, the variables of its document, how it is served."""

import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dnsregistry.api.dialects.tally import DialectTally

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from dnsregistry.api.context import Api
    from dnsregistry.api.dialects.settings import DialectSettings

HOST = "its host"
PORT = "its port"
"""What a variable may set beside the settings: a part of the dialect's own entry in DIALECTS."""

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of the document's command line, without the hyphens; a switch takes no value."""

    name: str
    is_switch: bool = False


@dataclass(frozen=True, slots=True)
class Variable:
    """An environment variable of the document.

    `sets` is a field of the settings in lower case, HOST or PORT; None for a variable that is
    known and has no effect here. `read` makes the setting's text of the whole environment where it
    is not the variable's own. `flag` says the same on the command line.
    """

    name: str
    sets: str | None
    read: Callable[[Environment], str] | None = None
    flag: Flag | None = None


class CannotServe(Exception):
    """A dialect cannot be served here; the text is one sentence for the person at the start."""


class Listener(Protocol):
    """What serves a dialect on sockets that are bound already."""

    async def start(self) -> None:
        """Accept from now on."""

    async def stop(self) -> None:
        """Take no more, end what is on its way, close."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a dialect is built from.

    `sock` listens at its place, `others` are those of its `other_ports`, by label. `tally` is
    counted in by the dialect and read by the metrics; `metrics` is the handler of
    `/metrics`, for documents that have one.
    """

    api: "Api"
    settings: "DialectSettings"
    sock: socket.socket
    others: Mapping[str, socket.socket]
    tally: DialectTally
    metrics: "Handler"


@dataclass(frozen=True, slots=True)
class Dialect:
    """One document's registry, declared.

    `port` is the usual one. `other_ports` are further listeners on the same host: a label, and
    the setting, in lower case, that holds the port. `build` makes what serves it, and imports
    what that needs only then; it raises CannotServe where something is missing.
    """

    name: str
    port: int
    variables: tuple[Variable, ...]
    build: Callable[[Context], Listener]
    other_ports: Mapping[str, str] = field(default_factory=dict)
