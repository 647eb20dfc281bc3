"""Services: names with counts, and one service with its instances."""

from aiohttp import web

from dnsregistry.api.conditions import has_tag, not_modified, tag_headers, tag_list
from dnsregistry.api.context import Api
from dnsregistry.api.counts import SORTS, read_counts
from dnsregistry.api.cursors import make_scope
from dnsregistry.api.lists import reply_service
from dnsregistry.api.looks import Look
from dnsregistry.api.query import PAGING, read_limit, read_query, read_sort, read_wanted
from dnsregistry.api.replies import REVISION, reply
from dnsregistry.api.watching.handlers import WAITING, wait_for_change


class Services:
    """The handlers under /v1/services."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(self, request: web.Request) -> web.Response:
        """A page of the services that have a live instance that is asked for."""
        api = self._api
        query = read_query(request, "prefix", "tag", "health", *PAGING, *WAITING)
        sort, wanted, limit = read_sort(query, SORTS), read_wanted(query), read_limit(query)
        scope = make_scope("services", query, sort, api.run)
        place, prefix = scope.read(query.get("cursor")), query.get("prefix", "").lower()
        await wait_for_change(api.watching, request, query, None)
        revision = api.registry.feed.revision
        look = Look(api.registry.catalogue, api.now())
        page = await read_counts(look, wanted, prefix, place, limit, is_falling=sort.is_falling)
        next_cursor = None if page.last is None else scope.write(page.last)
        parts = [f"{count.name} {count.instances} {count.healthy}" for count in page.counts]
        tag = tag_list(api.store.lineage, (next_cursor, *parts))
        headers = {**tag_headers(tag), REVISION: str(revision)}
        if has_tag(request, tag):
            return not_modified(headers)
        services = [
            {"name": count.name, "instances": count.instances, "healthy": count.healthy}
            for count in page.counts
        ]
        body = {"services": services, "next_cursor": next_cursor, "revision": revision}
        return reply(body, headers=headers)

    async def get(self, request: web.Request) -> web.Response:
        """One service: its counts, and a page of its instances."""
        return await reply_service(self._api, request, request.match_info["name"].lower())
