"""`dnsregistry serve` as a process, and what the tests do to it over HTTP."""

import json
from dataclasses import dataclass
from typing import Any

from tests.machine import require
from tests.resolvers.foreign import Foreign
from tests.resolvers.place import Place

ZONE = "registry.test"
DNS_TTL = 2
NEGATIVE_TTL = 1
"""Seconds, both: short enough to be waited for."""


@dataclass(frozen=True, slots=True)
class Served:
    """A registry that answers for `registry.test`."""

    place: Place
    program: Foreign
    port: int
    url: str

    async def register(self, instance: dict[str, object]) -> dict[str, Any]:
        """Register an instance; returns it as it was granted."""
        text = await self._send("PUT", f"/v1/instances/{instance['id']}", instance)
        granted: dict[str, Any] = json.loads(text)
        return granted

    async def register_all(self, *instance: dict[str, object]) -> None:
        await self._send("POST", "/v1/instances", list(instance))

    async def remove(self, id: str) -> None:
        await self._send("DELETE", f"/v1/instances/{id}")

    async def _send(self, method: str, path: str, body: object = None) -> str:
        data = () if body is None else ("--data", json.dumps(body))
        head = (require("curl"), "--silent", "--show-error", "--fail-with-body", "--noproxy", "*")
        return await self.place.run(*head, "--request", method, *data, f"{self.url}{path}")


def describe(id: str, **fields: object) -> dict[str, object]:
    """An instance of `web` whose lease does not end, as the API takes it."""
    whole = {"id": id, "service": "web", "address": "10.0.0.1", "port": 8080, "ttl": None}
    return {**whole, **fields}
