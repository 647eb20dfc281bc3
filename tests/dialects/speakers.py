"""A client of each way to register, all with the same few words: a new dialect is a class here."""

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import ClientSession

from tests.program import LOOPBACK, Program

NATIVE = "native"


class Speaker(Protocol):
    """Registers, sees and removes instances at 127.0.0.1 in one dialect.

    `ttl` are the seconds after which what it registers ends without a heartbeat, None where it
    stays. `removes` tells whether its document has a way to remove, `writes` whether it has one
    to register.
    """

    ttl: float | None
    writes: bool
    removes: bool

    def __init__(self, http: ClientSession, url: str) -> None: ...

    async def register(self, service: str, port: int) -> None: ...

    async def renew(self, service: str, port: int) -> None: ...

    async def sees(self, service: str, port: int) -> bool:
        """Whether the instance is told as one that can be called."""
        ...

    async def remove(self, service: str, port: int) -> None:
        """Remove it, whoever registered it."""
        ...


class Asking:
    """The part that all have."""

    writes = True
    removes = True

    def __init__(self, http: ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON, None where it has none or says that there is nothing."""
        async with self._http.request(method, self._url + path, json=body) as response:
            if response.status in (204, 404):
                return None
            answer = await response.json()
            assert response.status in (200, 201), answer
            return answer


class Native(Asking):
    """The registry's own API."""

    ttl: float | None = 20

    async def register(self, service: str, port: int) -> None:
        body = {"service": service, "address": LOOPBACK, "port": port, "ttl": self.ttl}
        await self.ask("PUT", f"/v1/instances/n-{service}-{port}", body)

    async def renew(self, service: str, port: int) -> None:
        [instance] = await self._find(service, port)
        await self.ask("POST", f"/v1/instances/{instance['id']}/heartbeat")

    async def sees(self, service: str, port: int) -> bool:
        return bool(await self._find(service, port))

    async def remove(self, service: str, port: int) -> None:
        [instance] = await self._find(service, port)
        await self.ask("DELETE", f"/v1/instances/{instance['id']}")

    async def _find(self, service: str, port: int) -> list[Any]:
        answer = await self.ask("GET", f"/v1/instances?service={service}&health=healthy")
        found = ((LOOPBACK, port) == (i["address"], i["port"]) for i in answer["instances"])
        return [i for i, here in zip(answer["instances"], found, strict=True) if here]


class Modularity(Asking):
    """The dialect of ids and capabilities."""

    ttl: float | None = None

    async def register(self, service: str, port: int) -> None:
        body = {"id": service, "location": f"http://localhost:{port}", "capabilities": ["c"]}
        await self.ask("POST", "/api/register", body)

    async def renew(self, service: str, port: int) -> None:
        """There is nothing to renew."""

    async def sees(self, service: str, port: int) -> bool:
        return any(item["status"] == "healthy" for item in await self._find(port))

    async def remove(self, service: str, port: int) -> None:
        [item] = await self._find(port)
        await self.ask("DELETE", f"/api/services/{item['id']}")

    async def _find(self, port: int) -> list[Any]:
        listed = (await self.ask("GET", "/api/services"))["services"]
        return [item for item in listed if item["location"].endswith(f":{port}")]


class IpPort(Asking):
    """The dialect of names, IP addresses and ports."""

    ttl: float | None = 10

    async def register(self, service: str, port: int) -> None:
        await self.ask("POST", "/register", {"name": service, "ip": LOOPBACK, "port": port})

    async def renew(self, service: str, port: int) -> None:
        await self.ask("POST", "/heartbeat", {"name": service, "ip": LOOPBACK, "port": port})

    async def sees(self, service: str, port: int) -> bool:
        answer = await self.ask("GET", f"/resolve/{service}")
        instances = answer["instances"] if answer else []
        return (LOOPBACK, port) in [(item["ip"], item["port"]) for item in instances]

    async def remove(self, service: str, port: int) -> None:
        await self.ask("DELETE", f"/services/{service}/instances?ip={LOOPBACK}&port={port}")


class BaseUrl(Asking):
    """The dialect of base URLs."""

    ttl: float | None = 30

    async def register(self, service: str, port: int) -> None:
        body = {"service_name": service, "base_url": f"http://localhost:{port}"}
        await self.ask("POST", "/register", body)

    async def renew(self, service: str, port: int) -> None:
        [item] = await self._find(service, port)
        await self.ask("POST", f"/heartbeat/{item['instance_id']}")

    async def sees(self, service: str, port: int) -> bool:
        return bool(await self._find(service, port))

    async def remove(self, service: str, port: int) -> None:
        [item] = await self._find(service, port)
        await self.ask("DELETE", f"/deregister/{item['instance_id']}")

    async def _find(self, service: str, port: int) -> list[Any]:
        listed = (await self.ask("GET", f"/services/{service}"))["instances"]
        return [item for item in listed if item["base_url"].endswith(f":{port}")]


class Scanner(Asking):
    """The dialect of what a scan finds, which is not told anything."""

    ttl: float | None = None
    writes = False
    removes = False

    async def register(self, service: str, port: int) -> None:
        raise NotImplementedError

    async def renew(self, service: str, port: int) -> None:
        raise NotImplementedError

    async def sees(self, service: str, port: int) -> bool:
        body = {"query_type": "find_by_type", "service_type": service}
        listed = (await self.ask("POST", "/", body))["services"]
        return (LOOPBACK, port) in [(item["ip"], item["port"]) for item in listed]

    async def remove(self, service: str, port: int) -> None:
        raise NotImplementedError


class Agents(Asking):
    """The dialect of agents and actions."""

    ttl: float | None = None
    removes = False

    async def register(self, service: str, port: int) -> None:
        agent = {"agent_id": service, "host": "localhost", "port": port}
        await self.ask("POST", "/", {"action": "register_agent", **agent})

    async def renew(self, service: str, port: int) -> None:
        """There is nothing to renew."""

    async def sees(self, service: str, port: int) -> bool:
        found = await self.ask("POST", "/", {"action": "get_agent_endpoint", "agent_name": service})
        if not found:
            return False
        return found["host"] in (LOOPBACK, "localhost") and found["port"] == port

    async def remove(self, service: str, port: int) -> None:
        raise NotImplementedError


SPEAKERS: Mapping[str, type[Speaker]] = {
    NATIVE: Native,
    "scanner": Scanner,
    "modularity": Modularity,
    "agents": Agents,
    "ip-port": IpPort,
    "base-url": BaseUrl,
}
"""By the dialect's name."""


def make_speakers(program: Program) -> dict[str, Speaker]:
    """A speaker of each way to register with a program that has all dialects on."""
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in program.dialects.items()}
    urls[NATIVE] = program.url
    return {name: made(program.http, urls[name]) for name, made in SPEAKERS.items()}
