"""Query parameters: which are known, what they may hold, and the cursors of lists."""

import re
from collections.abc import Mapping

from aiohttp import web

from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem, clip
from dnsregistry.registry.check import Health
from dnsregistry.registry.instance import Status

DEFAULT_LIMIT = 500
MOST_LIMIT = 1000
"""Instances a page: with the largest metadata, 16 MiB of answer."""

_STATES = tuple(map(str, dict.fromkeys((*Status, *Health))))
_LIMIT = re.compile(r"[0-9]{1,9}")
_INSTANCE_CURSOR = re.compile(r"i([0-9a-f]{1,16})")
_SERVICE_CURSOR = re.compile(r"s([a-z0-9_-]{1,63})")


def read_query(request: web.Request, *known: str) -> Mapping[str, str]:
    """The parameters that are not empty. Raises Problem for unknown and repeated ones."""
    given: dict[str, str] = {}
    faults: list[Fault] = []
    for name, text in request.query.items():
        if name not in known:
            faults.append(Fault(clip(name), f"is not a parameter here; known: {', '.join(known)}"))
        elif name in given:
            faults.append(Fault(name, "is given twice"))
        given[name] = text
    if faults:
        raise Problem(INVALID_QUERY, faults=faults)
    return {name: text for name, text in given.items() if text}


def read_limit(query: Mapping[str, str]) -> int:
    """How many a page holds at most."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MOST_LIMIT:
        raise _refuse("limit", f"{clip(text)!r} is not between 1 and {MOST_LIMIT}")
    return int(text)


def read_health(query: Mapping[str, str]) -> str | None:
    """The state that is asked for, None for any."""
    text = query.get("health")
    if text is None:
        return None
    if text not in _STATES:
        raise _refuse("health", f"{clip(text)!r} is not one of {', '.join(_STATES)}")
    return text


def read_instance_cursor(query: Mapping[str, str]) -> int:
    """The sequence number that the page goes on from; 0 from the start."""
    text = query.get("cursor")
    return 0 if text is None else int(_read_cursor(_INSTANCE_CURSOR, text), 16)


def write_instance_cursor(sequence: int) -> str:
    """The inverse of `read_instance_cursor`."""
    return f"i{sequence:x}"


def read_service_cursor(query: Mapping[str, str]) -> str:
    """The service name that the page goes on from; empty from the start."""
    text = query.get("cursor")
    return "" if text is None else _read_cursor(_SERVICE_CURSOR, text)


def write_service_cursor(name: str) -> str:
    """The inverse of `read_service_cursor`."""
    return f"s{name}"


def _read_cursor(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.fullmatch(text)
    if match is None:
        raise _refuse("cursor", f"{clip(text)!r} is no cursor of this list")
    return match[1]


def _refuse(name: str, reason: str) -> Problem:
    return Problem(INVALID_QUERY, faults=[Fault(name, reason)])
