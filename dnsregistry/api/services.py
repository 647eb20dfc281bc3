"""Services: names with counts, and one service with its instances."""

from aiohttp import web

from dnsregistry.api.context import Api
from dnsregistry.api.frames import reply_instances
from dnsregistry.api.pages import Wanted, count_service, read_counts, read_leases
from dnsregistry.api.query import (
    read_instance_cursor,
    read_limit,
    read_query,
    read_service_cursor,
)
from dnsregistry.api.replies import reply
from dnsregistry.api.watching.handlers import WAITING, wait_for_change
from dnsregistry.registry.errors import UnknownService


class Services:
    """The handlers under /v1/services."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(self, request: web.Request) -> web.Response:
        """A page of the services that have a live instance."""
        api = self._api
        query = read_query(request, "limit", "cursor", *WAITING)
        await wait_for_change(api.watching, request, query, None)
        page = read_counts(
            api.registry.catalogue,
            after=read_service_cursor(query),
            limit=read_limit(query),
            now=api.now(),
        )
        return reply(
            {
                "services": [
                    {"name": count.name, "instances": count.instances, "healthy": count.healthy}
                    for count in page.counts
                ],
                "next_cursor": page.next_cursor,
                "revision": api.registry.feed.revision,
            }
        )

    async def get(self, request: web.Request) -> web.Response:
        """One service: its counts, and a page of its instances."""
        api = self._api
        query = read_query(request, "limit", "cursor", *WAITING)
        after, limit = read_instance_cursor(query), read_limit(query)
        name = request.match_info["name"].lower()
        await wait_for_change(api.watching, request, query, name)
        now = api.now()
        count = count_service(api.registry.catalogue, name, now)
        if not count.instances:
            raise UnknownService(name)
        wanted = Wanted(service=name)
        page = read_leases(api.registry.catalogue, wanted, after=after, limit=limit, now=now)
        return await reply_instances(
            api,
            page.leases,
            next_cursor=page.next_cursor,
            revision=api.registry.feed.revision,
            before={"name": name, "count": count.instances, "healthy": count.healthy},
        )
