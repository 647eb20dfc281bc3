"""The helper of the base-url document: register at the start, deregister at the end.

    await register_service("users", "http://localhost:8000")
    ...
    await deregister_service()

In between it sends heartbeats by itself. The registry may be away at any time: the program goes
on, and registers again when it is back.
"""

import asyncio
import logging
import os
import random
from asyncio import AbstractEventLoop
from http import HTTPStatus
from weakref import WeakKeyDictionary

from aiohttp import ClientError, ClientSession, ClientTimeout

DEFAULT_URL = "http://localhost:8006"
MOST_INTERVAL = 10.0
"""Seconds between heartbeats: the document says 10 to 15, of a timeout of 30."""
LEAST_INTERVAL = 0.2
BEATS_PER_TIMEOUT = 3
"""Two may be lost."""
JITTER = 0.1
"""The part of an interval by which a heartbeat may come earlier: programs that were started
together shall not stay together."""
REQUEST_SECONDS = 5.0
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)
_AWAY = (ClientError, TimeoutError, OSError)


class RegistrationRefused(ValueError):
    """The registry does not take the registration as it is; the text is its reason."""


class Registration:
    """One instance, registered and kept alive until `stop`."""

    def __init__(self, service_name: str, base_url: str, registry_url: str) -> None:
        self.service_name = service_name
        self.base_url = base_url
        self.instance_id: str | None = None
        self._url = registry_url.rstrip("/")
        self._interval = MOST_INTERVAL
        self._http: ClientSession | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> str | None:
        """Register, and go on from there; the id, or None where the registry is away.

        Raises RegistrationRefused.
        """
        timeout = ClientTimeout(total=REQUEST_SECONDS)
        self._http = ClientSession(timeout=timeout, trust_env=False)
        try:
            await self._register()
        except _AWAY as error:
            _log.warning("the registry at %s is away, trying on: %r", self._url, error)
        except BaseException:
            await self._http.close()
            raise
        self._task = asyncio.create_task(self._beat(), name="base-url heartbeats")
        return self.instance_id

    async def stop(self) -> None:
        """Send no more heartbeats, and deregister; that may fail, and the lease ends by itself."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._http is None:
            return
        try:
            if self.instance_id is not None:
                await self._ask("DELETE", f"/deregister/{self.instance_id}")
        except _AWAY as error:
            _log.warning("could not deregister at %s: %r", self._url, error)
        finally:
            await self._http.close()

    async def _beat(self) -> None:
        while True:
            try:
                if self.instance_id is None:
                    await self._register()
                wait = self._interval * (1 - JITTER * random.random())  # noqa: S311 - no secret
                await asyncio.sleep(wait)
                status, _ = await self._ask("POST", f"/heartbeat/{self.instance_id}")
                if status == HTTPStatus.NOT_FOUND:
                    _log.warning("%s is unknown at %s, registering", self.base_url, self._url)
                    self.instance_id = None
            except _AWAY as error:
                _log.warning("no heartbeat at %s: %r", self._url, error)
                await asyncio.sleep(min(RETRY_SECONDS, self._interval))
            except RegistrationRefused:
                _log.exception("%s refuses what it took before", self._url)
                await asyncio.sleep(self._interval)

    async def _register(self) -> None:
        body = {"service_name": self.service_name, "base_url": self.base_url}
        status, answer = await self._ask("POST", "/register", body)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise OSError(f"status {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise RegistrationRefused(f"status {status}: {answer.get('detail')}")
        instance_id = answer.get("instance_id")
        if not isinstance(instance_id, str):
            # A proxy before a registry that is away, or a page that asks for a login.
            raise OSError(f"status {status} without an instance_id")
        self.instance_id = instance_id
        self._interval = await self._ask_interval()

    async def _ask_interval(self) -> float:
        _, answer = await self._ask("GET", "/status")
        timeout = answer.get("heartbeat_timeout")
        if not isinstance(timeout, int | float):
            return MOST_INTERVAL
        return min(max(timeout / BEATS_PER_TIMEOUT, LEAST_INTERVAL), MOST_INTERVAL)

    async def _ask(
        self, method: str, path: str, body: dict[str, str] | None = None
    ) -> tuple[int, dict[str, object]]:
        assert self._http is not None  # noqa: S101 - start made it
        async with self._http.request(method, self._url + path, json=body) as response:
            try:
                answer = await response.json()
            except ValueError:
                answer = None
            return response.status, answer if isinstance(answer, dict) else {}


# The document's helper is told nothing at the end but that it is the end.
_kept: WeakKeyDictionary[AbstractEventLoop, list[Registration]] = WeakKeyDictionary()


async def register_service(
    service_name: str, base_url: str, registry_url: str | None = None
) -> str | None:
    """Register an instance and send its heartbeats until `deregister_service`.

    The registry is at REGISTRY_URL, else http://localhost:8006. Returns the id of the instance,
    None where the registry is away: then it is tried on. Raises RegistrationRefused.
    """
    url = registry_url or os.environ.get("REGISTRY_URL") or DEFAULT_URL
    registration = Registration(service_name, base_url, url)
    instance_id = await registration.start()
    _kept.setdefault(asyncio.get_running_loop(), []).append(registration)
    return instance_id


async def deregister_service() -> None:
    """Take out what was registered in this event loop. Without any, nothing happens."""
    for registration in _kept.pop(asyncio.get_running_loop(), []):
        await registration.stop()
