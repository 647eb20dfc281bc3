"""Conditional requests (RFC 9110, 13): entity tags, and the revision that a write expects.

Rules:
- Tags are weak. They change with the revisions of what is told, and not with heartbeats or with
  the course of checks, which go on all the time: so they say what was told, not its times.
- A write compares revisions. If-Match takes the tag of an instance, weak as it is, and a revision
  alone in quotes, as bodies have it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from aiohttp import hdrs, web

from dnsregistry.api.problems import INVALID_HEADER, Fault, Problem, clip
from dnsregistry.registry.expected import ABSENT, ANY, Expected
from dnsregistry.registry.lease import Lease

_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_LIST = re.compile(rf"[ \t,]*{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*")
_OPAQUE = re.compile(r'"([^"]*)"')
_REVISION = re.compile(r"([0-9]{1,18})(?:-([0-9a-z]+))?")
_NO_REVISION = frozenset({0})
"""What no instance has: revisions begin with 1."""


def tag_instance(lease: Lease, lineage: str) -> str:
    """The entity tag of an instance. `lineage` is the store's."""
    return f'W/"{lease.revision}-{lineage}"'


def tag_list(lineage: str, parts: Iterable[object]) -> str:
    """The entity tag of a list, by what tells its state: revisions, counts, a cursor."""
    text = " ".join(map(str, (lineage, *parts)))
    return f'W/"{blake2b(text.encode(), digest_size=9).hexdigest()}"'


def has_tag(request: web.Request, tag: str) -> bool:
    """Whether the client says that it holds what has this tag. Raises Problem."""
    if hdrs.IF_NONE_MATCH not in request.headers:
        return False
    held = _read_tags(request, hdrs.IF_NONE_MATCH)
    return held is None or _OPAQUE.findall(tag)[0] in held


def tag_headers(tag: str) -> Mapping[str, str]:
    """What an answer with a tag has: whoever keeps it asks each time whether it still holds."""
    return {hdrs.ETAG: tag, hdrs.CACHE_CONTROL: "no-cache"}


def not_modified(headers: Mapping[str, str]) -> web.Response:
    """304: the client holds it already. The headers are those of the answer that it holds."""
    return web.Response(status=304, headers=headers)


def read_expected(
    request: web.Request, lineage: str, *, may_create: bool = False
) -> Expected | None:
    """What a write expects to be held, None for anything. Raises Problem."""
    headers = request.headers
    if hdrs.IF_NONE_MATCH in headers:
        return _read_absence(request, may_create=may_create)
    if hdrs.IF_MATCH not in headers:
        return None
    tags = _read_tags(request, hdrs.IF_MATCH)
    if tags is None:
        return ANY
    revisions = (_read_revision(tag, lineage) for tag in tags)
    return Expected(frozenset(filter(None, revisions)) or _NO_REVISION)


def refuse_conditions(request: web.Request) -> None:
    """Raise Problem where a request that takes no condition has one: it would be overlooked."""
    for name in (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH):
        if name in request.headers:
            raise _refuse(name, "is not looked at here; PUT /v1/instances/{id} does")


def _read_absence(request: web.Request, *, may_create: bool) -> Expected:
    name = hdrs.IF_NONE_MATCH
    if hdrs.IF_MATCH in request.headers:
        raise _refuse(name, "cannot stand beside If-Match")
    if not may_create:
        raise _refuse(name, "is for the PUT that registers; this takes If-Match")
    if _read_tags(request, name) is not None:
        raise _refuse(name, "must be * here, which registers and replaces nothing")
    return ABSENT


def _read_revision(tag: str, lineage: str) -> int | None:
    """The revision that a tag names, None where it can be none of now."""
    match = _REVISION.fullmatch(tag)
    if match is None or match[2] not in (None, lineage):
        return None
    return int(match[1])


def _read_tags(request: web.Request, name: str) -> Sequence[str] | None:
    """The tags of a header without their quotes, None for the asterisk. Raises Problem."""
    text = ", ".join(request.headers.getall(name)).strip()
    if text == "*":
        return None
    if not _LIST.fullmatch(text):
        raise _refuse(name, f'{clip(text)!r} must be * or tags in double quotes, such as "7"')
    tags: list[str] = _OPAQUE.findall(text)
    return tags


def _refuse(name: str, reason: str) -> Problem:
    return Problem(INVALID_HEADER, faults=[Fault(name, reason)])
