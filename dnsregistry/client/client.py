"""A client of a registry: everything that its API does for programs, as coroutines."""

import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from time import monotonic
from typing import Any, Self
from urllib.parse import quote

from dnsregistry.client.addresses import Addresses
from dnsregistry.client.description import Description
from dnsregistry.client.errors import RegistryAway
from dnsregistry.client.finding import Finder
from dnsregistry.client.http import REQUEST_SECONDS, Http, make_context
from dnsregistry.client.local import find_local_address
from dnsregistry.client.naming import Dns, find_endpoints, service_name
from dnsregistry.client.rhythm import Rhythm
from dnsregistry.client.secret import check_secret
from dnsregistry.client.values import Endpoint, Event, Instance, Service, Unreadable
from dnsregistry.client.watching import Watching

PAGE = 1000
"""Instances that are asked for at once."""
LISTS = 3
"""Times that a list is begun which one address after the other leaves unfinished."""
MOST_TTL = 1e12
"""Seconds: any registry grants less, and what is more is no number to count with."""
OWNER_HEADER = "X-Registry-Owner"


class Client:
    """Asks one registry, at one or several addresses. Use it as `async with Client() as client`.

    url: base URLs, comma-separated; default: DNSREGISTRY_URL, else http://127.0.0.1:8053. The one
        that works is stayed with; another is taken where it cannot be reached or answers 5xx.
    token: sent as `Authorization: Bearer`; default: none.
    ca_file: certificates, PEM, that https is trusted by; default: DNSREGISTRY_CA_FILE, else the
        system's.
    timeout: seconds for one request at one address.
    keep: seconds for which `find` keeps what the API told.
    stale: seconds more for which that is used while nobody answers.

    Raises ValueError for a URL or a file that is none. Every method raises RegistryAway where no
    registry answers, and Refused where it says no.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca_file: str | None = None,
        timeout: float = REQUEST_SECONDS,
        keep: float = 5.0,
        stale: float = 300.0,
    ) -> None:
        self.addresses = Addresses.read(url)
        check_secret("token", token or "")
        self._token = token
        self._context = make_context(ca_file)
        self._most_timeout = self._timeout = timeout
        self._keep = keep
        self._made: Http | None = None
        self._dns: dict[str | None, Dns] = {}
        self._finder = Finder(monotonic, random.random, stale=stale)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections. The client can be used again afterwards."""
        if self._made is not None:
            made, self._made = self._made, None
            await made.close()

    def hurry(self, seconds: float) -> None:
        """Give a request at one address no longer than this, and no longer than `timeout`."""
        self._timeout = min(self._most_timeout, seconds)
        if self._made is not None:
            self._made.timeout = self._timeout

    async def register(self, description: Description, *, draining: bool = False) -> Instance:
        """Register an instance, or replace it under its id."""

        async def describe(url: str) -> object:
            local = await find_local_address(url) if description.address is None else ""
            return description.body(local, draining=draining)

        path, headers = _path(description.id), _own(description.owner_secret)
        told = await self._http.ask("PUT", path, body_for=describe, headers=headers)
        return self._read(told)

    async def heartbeat(self, instance_id: str, *, owner_secret: str | None = None) -> float | None:
        """Renew a lease; its seconds, None for no end. Raises UnknownInstance."""
        path = f"{_path(instance_id)}/heartbeat"
        told = await self._http.ask("POST", path, headers=_own(owner_secret))
        ttl = told.get("ttl", 0) if isinstance(told, dict) else 0
        if ttl is not None and not (isinstance(ttl, int | float) and 0 < ttl <= MOST_TTL):
            raise RegistryAway(f"what answers at {self.addresses.first} is no registry")
        return ttl

    async def set_status(
        self, instance_id: str, status: str, *, owner_secret: str | None = None
    ) -> Instance:
        """Make an instance `healthy`, `draining` or `maintenance`. Raises UnknownInstance."""
        path, headers = f"{_path(instance_id)}/status", _own(owner_secret)
        told = await self._http.ask("PUT", path, body={"status": status}, headers=headers)
        return self._read(told)

    async def deregister(self, instance_id: str, *, owner_secret: str | None = None) -> None:
        """End a lease. Raises UnknownInstance."""
        await self._http.ask("DELETE", _path(instance_id), headers=_own(owner_secret))

    async def instance(self, instance_id: str) -> Instance:
        """One instance. Raises UnknownInstance."""
        return self._read(await self._http.ask("GET", _path(instance_id)))

    async def instances(
        self,
        service: str | None = None,
        *,
        tag: str | None = None,
        capability: str | None = None,
        health: str | None = None,
    ) -> Sequence[Instance]:
        """All instances that fit, of a service or of all."""
        instances, _ = await self._list(
            service=service, tag=tag, capability=capability, health=health
        )
        return instances

    async def services(self) -> Sequence[Service]:
        """All services that have an instance, in alphabetical order."""
        found: list[Service] = []
        async for page, is_first in self._pages("/v1/services", {}):
            if is_first:
                found.clear()
            for told in self._take(page, "services"):
                try:
                    found.append(Service(told["name"], told["instances"], told["healthy"]))
                except (KeyError, TypeError) as error:
                    raise self._not_readable(error) from None
        return found

    async def stats(self) -> Mapping[str, Any]:
        """The registry's own numbers, as `/v1/stats` tells them."""
        told = await self._http.ask("GET", "/v1/stats")
        if not isinstance(told, dict):
            raise self._not_readable("no numbers")
        return told

    async def explain(self, name: str, rtype: str = "A", **asked: str) -> Mapping[str, Any]:
        """Why a name is answered as it is, as `/v1/dns/explain` tells it.

        `asked` are that route's other parameters: `class`, `client`, `transport`, `bufsize`,
        `limit`.
        """
        query = {"name": name, "type": rtype, **asked}
        told = await self._http.ask("GET", "/v1/dns/explain", query=query)
        if not isinstance(told, dict):
            raise self._not_readable("no explanation")
        return told

    async def find(
        self, service: str, *, tag: str | None = None, capability: str | None = None
    ) -> Sequence[Endpoint]:
        """The endpoints of a service that DNS would answer with, by the API.

        They come in the order in which they are to be tried (RFC 2782): take the first, and the
        next one where that fails. Empty where nobody serves.
        """

        async def ask() -> tuple[list[Endpoint], float]:
            instances, _ = await self._list(service=service, tag=tag, capability=capability)
            serving = [instance.endpoint for instance in instances if instance.is_serving]
            return serving, self._keep

        return await self._finder.find((service.lower(), tag, capability), ask)

    async def find_by_dns(
        self,
        service: str,
        *,
        protocol: str = "tcp",
        zone: str | None = None,
        dns: str | None = None,
    ) -> Sequence[Endpoint]:
        """The same by DNS SRV, kept for as long as its TTL says.

        zone: of the registry; default: DNSREGISTRY_ZONE, else registry.local.
        dns: name servers as host:port, comma-separated; default: those of the system.

        Raises DnsAway.
        """
        if dns not in self._dns:
            self._dns[dns] = Dns(dns)
        name = service_name(service, protocol, zone)

        async def ask() -> tuple[list[Endpoint], float]:
            return await find_endpoints(self._dns[dns], name)

        return await self._finder.find((dns, name.lower()), ask)

    async def watch(
        self, service: str | None = None, *, since: int | None = None
    ) -> AsyncGenerator[Event]:
        """Every change, of a service or of all, for as long as it is iterated.

        Without `since`, a revision, the first event is a `reset` that brings all instances there
        are. It goes on over restarts and other addresses; where changes may have been missed,
        there is another `reset`.
        """

        async def snapshot() -> tuple[Sequence[Instance], int]:
            return await self._list(service=service)

        rhythm = Rhythm(random.random)
        watching = Watching(self._http, snapshot, rhythm, service=service, since=since)
        async with aclosing(watching.follow()) as events:
            async for event in events:
                yield event

    @property
    def _http(self) -> Http:
        # Made at the first use, which is in the event loop that it belongs to.
        if self._made is None:
            self._made = Http(
                self.addresses, token=self._token, context=self._context, timeout=self._timeout
            )
        return self._made

    async def _list(self, **wanted: str | None) -> tuple[Sequence[Instance], int]:
        """The instances, and the revision at which the first page was read."""
        found: dict[str, Instance] = {}
        revision: int | None = None
        query = {name: value for name, value in wanted.items() if value is not None}
        async for page, is_first in self._pages("/v1/instances", query):
            if is_first:
                found.clear()
                revision = page.get("revision")
            for told in self._take(page, "instances"):
                instance = self._read(told)
                found[instance.id] = instance
        if not isinstance(revision, int):
            raise self._not_readable("no revision")
        return list(found.values()), revision

    async def _pages(
        self, path: str, query: Mapping[str, str]
    ) -> AsyncIterator[tuple[Mapping[str, Any], bool]]:
        """The pages of a list, each with whether it is the first, upon which all begins anew.

        All from there on are of one address. Another registry's pages are of another list, and
        so are those of a node that is behind: the first page's revision says nothing of them.
        """
        cursor: dict[str, str] = {}
        address, begun = "", 0
        while begun < LISTS or cursor:
            page = await self._http.ask("GET", path, query={**query, "limit": str(PAGE), **cursor})
            if not isinstance(page, dict):
                raise self._not_readable("no page")
            if cursor and self.addresses.first != address:
                cursor = {}
                continue
            if not cursor:
                address, begun = self.addresses.first, begun + 1
            yield page, not cursor
            if page.get("next_cursor") is None:
                return
            cursor = {"cursor": str(page["next_cursor"])}
        raise RegistryAway(f"no registry at {self.addresses} lists all that it has")

    def _take(self, page: Mapping[str, Any], name: str) -> Sequence[Any]:
        items = page.get(name)
        if not isinstance(items, list):
            raise self._not_readable(f"no {name}")
        return items

    def _read(self, told: object) -> Instance:
        try:
            return Instance.read(told)
        except Unreadable as error:
            raise self._not_readable(error) from None

    def _not_readable(self, reason: object) -> RegistryAway:
        return RegistryAway(f"what answers at {self.addresses.first} is no registry: {reason}")


def _path(instance_id: str) -> str:
    return f"/v1/instances/{quote(instance_id, safe='')}"


def _own(secret: str | None) -> Mapping[str, str] | None:
    return {OWNER_HEADER: secret} if secret is not None else None
