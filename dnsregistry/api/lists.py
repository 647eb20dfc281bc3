"""A list of instances as an answer: of all, or of one service, with its counts before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from dnsregistry.api.conditions import has_tag, not_modified, tag_headers, tag_list
from dnsregistry.api.context import Api
from dnsregistry.api.counts import count_service
from dnsregistry.api.cursors import Scope, make_scope
from dnsregistry.api.frames import reply_instances
from dnsregistry.api.looks import Look
from dnsregistry.api.orders import Sort
from dnsregistry.api.pages import SORTS, read_page
from dnsregistry.api.query import FILTERS, PAGING, read_limit, read_query, read_sort, read_wanted
from dnsregistry.api.replies import REVISION
from dnsregistry.api.wanted import Wanted
from dnsregistry.api.watching.handlers import WAITING, wait_for_change
from dnsregistry.registry.errors import UnknownService


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks of a list of instances."""

    wanted: Wanted
    sort: Sort
    scope: Scope
    limit: int
    query: Mapping[str, str]


def read_asked(request: web.Request, run: str, service: str | None = None) -> Asked:
    """The request's parameters, for a list of one service where it is given. Raises Problem."""
    first = ("service",) if service is None else ()
    query = read_query(request, *first, *FILTERS, *PAGING, *WAITING, meta=True)
    sort = read_sort(query, SORTS)
    # The service of a path is a filter too: a cursor of one is none of another.
    path = "instances" if service is None else f"services/{service}"
    return Asked(
        wanted=read_wanted(query, service),
        sort=sort,
        scope=make_scope(path, query, sort, run),
        limit=read_limit(query),
        query=query,
    )


async def reply_list(api: Api, request: web.Request) -> web.Response:
    """A page of the instances that are asked for."""
    asked = read_asked(request, api.run)
    await wait_for_change(api.watching, request, asked.query, asked.wanted.service)
    revision = api.registry.feed.revision
    return await _reply(api, request, asked, Look(api.registry.catalogue, api.now()), {}, revision)


async def reply_service(api: Api, request: web.Request, name: str) -> web.Response:
    """One service, by its name in lower case: its counts, and a page of its instances."""
    asked = read_asked(request, api.run, name)
    await wait_for_change(api.watching, request, asked.query, name)
    catalogue, now = api.registry.catalogue, api.now()
    revision = api.registry.feed.revision
    count = await count_service(Look(catalogue, now), name)
    if not count.instances:
        raise UnknownService(name)
    counts = {"name": name, "count": count.instances, "healthy": count.healthy}
    return await _reply(api, request, asked, Look(catalogue, now), counts, revision)


async def _reply(
    api: Api,
    request: web.Request,
    asked: Asked,
    look: Look,
    before: dict[str, object],
    revision: int,
) -> web.Response:
    cursor = asked.query.get("cursor")
    page = await read_page(look, asked.wanted, asked.sort, asked.scope, cursor, asked.limit)
    revisions = [lease.revision for lease in page.leases]
    tag = tag_list(api.store.lineage, (*before.values(), page.next_cursor, *revisions))
    headers = tag_headers(tag)
    if has_tag(request, tag):
        return not_modified({**headers, REVISION: str(revision)})
    return await reply_instances(
        api,
        page.leases,
        next_cursor=page.next_cursor,
        # Of the beginning: whoever follows the changes from there misses none that came meanwhile.
        revision=revision,
        headers=headers,
        before=before,
    )
