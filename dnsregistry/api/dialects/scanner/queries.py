"""The queries of the scanner's document, and how they are answered."""

from collections.abc import Iterable

from dnsregistry.api.awaited import check_loaded
from dnsregistry.api.context import Api
from dnsregistry.api.dialects.listing import walk, write_leases
from dnsregistry.api.dialects.location import write_host
from dnsregistry.api.dialects.times import write_naive_seconds
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.problems import INVALID_FIELD, Fault, Problem, clip
from dnsregistry.api.replies import encode
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.registry.lease import Lease


class Queries:
    """Answers queries about the services that may be called."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def answer(self, body: bytes | bytearray) -> bytes:
        """The answer to a query, as JSON with a newline behind it. Raises Problem, StoreAway."""
        query = parse_object(body)
        check_loaded(self._api)
        kind = query.get("query_type")
        catalogue = self._api.registry.catalogue
        if kind == "list_all":
            return await self._list(lease for _, lease in walk(catalogue))
        if kind == "find_by_type":
            name = _read_text(query, "service_type").lower()
            return await self._list(tuple(catalogue.of_service(name)))
        if kind == "find_by_id":
            return await self._find(_read_text(query, "service_id"))
        if kind is None:
            raise _fault("query_type", "is missing")
        raise _fault(
            "query_type",
            f"unknown query type {clip(str(kind))!r}; there are list_all, find_by_type, find_by_id",
        )

    async def _list(self, leases: Iterable[Lease]) -> bytes:
        array, count = await write_leases(self._api, leases, self._show)
        return b'{"services":' + array + f',"count":{count}}}\n'.encode()

    async def _find(self, instance_id: str) -> bytes:
        try:
            lease = self._api.registry.find(instance_id, self._api.now())
            shown = self._show(lease)
        except UnknownInstance:
            shown = None
        if shown is None:
            return encode({"found": False, "services": [], "count": 0})
        # The document shows no answer to this one. Its clients read `found` and `service`.
        return encode({"found": True, "service": shown, "services": [shown], "count": 1})

    def _show(self, lease: Lease) -> dict[str, object] | None:
        """A service as the document has it, and what it leaves to the future where there is any."""
        if not lease.is_answered(self._api.now()):
            return None
        instance = lease.instance
        shown: dict[str, object] = {
            "service_id": instance.id,
            "type": instance.service,
            "ip": write_host(instance),
            "port": instance.port,
            "last_seen": write_naive_seconds(lease.renewed_at),
            "metadata": instance.metadata,
        }
        if instance.ports:
            shown["ports"] = dict(instance.ports)
        if instance.weight != 1:
            shown["weight"] = instance.weight
        return shown


def _read_text(query: dict[str, object], name: str) -> str:
    value = query.get(name)
    if not isinstance(value, str):
        raise _fault(name, "is missing" if value is None else "must be text")
    return value


def _fault(name: str, reason: str) -> Problem:
    return Problem(INVALID_FIELD, faults=[Fault(name, reason)])
