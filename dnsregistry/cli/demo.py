"""`serve --demo`: a handful of small services that register themselves and stay alive.

They are clients like any other: each answers HTTP on a port of its own, registers over HTTP,
sends its heartbeats, registers again when told that it is unknown, and leaves at the end.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, web

SERVICES = (("user-service", 3), ("task-service", 2))
LEASE_SECONDS = 10
HEARTBEAT_SECONDS = 3.0
"""A third of the lease: two heartbeats may be lost before it ends."""

log = structlog.get_logger("dnsregistry.demo")


@dataclass(frozen=True, slots=True)
class _Backend:
    name: str
    service: str
    port: int
    runner: web.AppRunner


class Demo:
    """The demo's services, on loopback."""

    def __init__(self, zone: str, dns: tuple[str, int], http: tuple[str, int]) -> None:
        self._zone = zone
        self._dns = dns
        self._url = f"http://{'[' + http[0] + ']' if ':' in http[0] else http[0]}:{http[1]}"
        self._backends: list[_Backend] = []
        self._session = ClientSession(timeout=ClientTimeout(total=5))
        self._heartbeats: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the services and register them."""
        for service, count in SERVICES:
            for number in range(1, count + 1):
                backend = await _start_backend(service, f"{service}-{number}")
                self._backends.append(backend)
                await self._register(backend)
        self._heartbeats = asyncio.create_task(self._keep_alive(), name="demo heartbeats")

    async def stop(self) -> None:
        """Take the services from the registry and end them."""
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.gather(self._heartbeats, return_exceptions=True)
        for backend in self._backends:
            try:
                async with self._session.delete(f"{self._url}/v1/instances/{backend.name}"):
                    pass
            except (ClientError, TimeoutError) as error:
                log.warning("demo instance not removed", id=backend.name, error=str(error))
            await backend.runner.cleanup()
        await self._session.close()

    def describe(self) -> str:
        """The lines to try."""
        host, port = self._dns
        dig = f"dig @{host} -p {port}"
        return "\n".join(
            [
                "",
                "five demo instances are registered; try",
                f"  {dig} _user-service._tcp.{self._zone} SRV",
                f"  {dig} +short task-service.{self._zone}",
                f"  {dig} +short nobody.{self._zone}",
                f"  curl {self._url}/v1/services/user-service",
                f"  curl http://127.0.0.1:{self._backends[0].port}/",
            ]
        )

    async def _keep_alive(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            ids = [backend.name for backend in self._backends]
            try:
                async with self._session.post(
                    f"{self._url}/v1/heartbeats", json={"ids": ids}, raise_for_status=True
                ) as response:
                    unknown: Sequence[str] = (await response.json())["unknown"]
                for backend in self._backends:
                    if backend.name in unknown:
                        await self._register(backend)
            except (ClientError, TimeoutError) as error:
                log.warning("demo heartbeat failed", error=str(error))

    async def _register(self, backend: _Backend) -> None:
        body = {
            "service": backend.service,
            "address": "127.0.0.1",
            "port": backend.port,
            "tags": ["demo"],
            "ttl": LEASE_SECONDS,
        }
        url = f"{self._url}/v1/instances/{backend.name}"
        async with self._session.put(url, json=body, raise_for_status=True):
            pass


async def _start_backend(service: str, name: str) -> _Backend:
    async def greet(_: web.Request) -> web.Response:
        return web.Response(text=f"hello from {name}\n")

    application = web.Application()
    application.router.add_get("/", greet)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    sock = socket.create_server(("127.0.0.1", 0))
    await web.SockSite(runner, sock).start()
    return _Backend(name, service, sock.getsockname()[1], runner)
