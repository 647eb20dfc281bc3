"""Query parameters: which are known, and what they may hold."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_network
from typing import TypeVar

from aiohttp import web

from dnsregistry.api.orders import Sort
from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem, clip
from dnsregistry.api.wanted import STATES, Network, Wanted
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Status
from dnsregistry.registry.names import Address, parse_address

DEFAULT_LIMIT = 500
MOST_LIMIT = 1000
"""Instances a page: with the largest metadata, 16 MiB of answer."""

META = "meta."
"""What begins so names a key of the metadata."""
PAGING = ("sort", "limit", "cursor")
FILTERS = ("tag", "capability", "health", "status", "address")
"""What narrows a list of instances, beside `meta.`."""

_LIMIT = re.compile(r"[0-9]{1,9}")
T = TypeVar("T")


def read_query(request: web.Request, *known: str, meta: bool = False) -> Mapping[str, str]:
    """The parameters that are not empty. Raises Problem for unknown and repeated ones.

    With `meta` those that begin so are known too, and may be empty.
    """
    given: dict[str, str] = {}
    faults: list[Fault] = []
    for name, text in request.query.items():
        if name not in known and not (meta and name.startswith(META)):
            faults.append(Fault(clip(name), f"is not a parameter here; {_list_known(known, meta)}"))
        elif name in given:
            faults.append(Fault(clip(name), "is given twice"))
        given[name] = text
    if faults:
        raise Problem(INVALID_QUERY, faults=faults)
    return {name: text for name, text in given.items() if text or name.startswith(META)}


def refuse_query(request: web.Request) -> None:
    """Raise Problem where a request that takes no parameters has one."""
    if request.query_string:
        read_query(request)


def read_limit(query: Mapping[str, str]) -> int:
    """How many a page holds at most."""
    text = query.get("limit", str(DEFAULT_LIMIT))
    if not _LIMIT.fullmatch(text) or not 1 <= int(text) <= MOST_LIMIT:
        raise _refuse("limit", f"{clip(text)!r} is not between 1 and {MOST_LIMIT}")
    return int(text)


def read_sort(query: Mapping[str, str], names: Sequence[str]) -> Sort:
    """What the list is sorted by; the first of the names where nothing is said."""
    text = query.get("sort", names[0])
    name = text.removeprefix("-")
    if name not in names:
        known = ", ".join(names)
        raise _refuse("sort", f"{clip(text)!r} is not one of {known}, or one of these after a -")
    return Sort(name, is_falling=text != name)


def read_wanted(query: Mapping[str, str], service: str | None = None) -> Wanted:
    """Which instances are asked for, of a service where one is given. Raises Problem."""
    return Wanted(
        service=_lower(query.get("service")) if service is None else service,
        state=_read(query, "health", lambda text: _choose(text, STATES)),
        status=_read(query, "status", lambda text: _choose(text, tuple(map(str, Status)))),
        tag=_lower(query.get("tag")),
        capability=_lower(query.get("capability")),
        address=_read(query, "address", _read_address),
        metadata=tuple(
            (name.removeprefix(META), text) for name, text in query.items() if name.startswith(META)
        ),
    )


def _read(query: Mapping[str, str], name: str, read: Callable[[str], T]) -> T | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise _refuse(name, str(error)) from None
    except InvalidField as fault:
        raise _refuse(name, fault.rule) from None


def _choose(text: str, known: Sequence[str]) -> str:
    if text not in known:
        raise ValueError(f"{clip(text)!r} is not one of {', '.join(known)}")
    return text


def _read_address(text: str) -> Address | Network | str:
    if "/" not in text:
        return parse_address("address", text)
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        whole = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{clip(text)!r} is no network, such as 10.0.0.0/24") from None
    raise ValueError(f"{clip(text)!r} has bits beyond its prefix; write {whole}")


def _list_known(known: Sequence[str], meta: bool) -> str:
    names = [*known, *((f"{META}NAME",) if meta else ())]
    return f"known: {', '.join(names)}" if names else "there are none"


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _refuse(name: str, reason: str) -> Problem:
    return Problem(INVALID_QUERY, faults=[Fault(name, reason)])
