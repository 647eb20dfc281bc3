"""Requests to a registry of one or several addresses.

Rules:
- Each request is asked of the address that worked last; where that cannot be reached, does not
  answer in time or answers 5xx, of the next one, each once. So every request must be one that
  does no harm when it comes twice.
- What answers without being a registry (a proxy's page, a login) is a registry that is away.
"""

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from time import time
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientOSError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ServerDisconnectedError,
    TCPConnector,
)
from aiohttp import ClientError as AiohttpError
from yarl import URL

from dnsregistry.client.addresses import Addresses
from dnsregistry.client.errors import Refused, RegistryAway, UnknownInstance, UnknownService
from dnsregistry.client.hosts import RememberingResolver

CA_VARIABLE = "DNSREGISTRY_CA_FILE"
REQUEST_SECONDS = 5.0
MOST_ANSWER = 64 * 1024 * 1024
"""Octets: a page of a list is a thousandth of that."""
MOST_DETAIL = 300
"""Characters of a refusal that are told."""
MOST_CONNECTIONS = 32
"""Of one client; further requests wait for one of them."""

_AWAY = (AiohttpError, TimeoutError, OSError)
_REFUSALS = {"unknown-instance": UnknownInstance, "unknown-service": UnknownService}


@dataclass(frozen=True, slots=True)
class _Failure:
    reason: str
    retry_after: float | None = None


class Http:
    """The requests of one client. Made in the event loop that it is used in."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        token: str | None = None,
        context: ssl.SSLContext | bool = True,
        timeout: float = REQUEST_SECONDS,
    ) -> None:
        self.addresses = addresses
        self.timeout = timeout
        connector = TCPConnector(
            resolver=RememberingResolver(), limit=MOST_CONNECTIONS, ssl=context
        )
        headers = {"Accept": "application/json", "User-Agent": "dnsregistry-client"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        # No proxy of the environment: a registry is in the house.
        self._session = ClientSession(connector=connector, headers=headers, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: object = None,
        body_for: Callable[[str], Awaitable[object]] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of the answer, None where it has no body.

        `body_for` makes the body for one of the addresses; where it raises RegistryAway, that
        one is passed over. Raises Refused, and RegistryAway once every address has failed.
        """
        failures: dict[str, _Failure] = {}
        for url in self.addresses.in_turn():
            try:
                if body_for is not None:
                    async with asyncio.timeout(self.timeout):
                        body = await body_for(url)
                outcome = await self._ask_one(
                    url, method, path, json=body, params=query, headers=headers
                )
            except TimeoutError:
                outcome = _Failure("its host has no address in time")
            except RegistryAway as away:
                outcome = _Failure(str(away))
            except Refused:
                self.addresses.keep(url)
                raise
            if not isinstance(outcome, _Failure):
                self.addresses.keep(url)
                return outcome.value
            failures[url] = outcome
        raise _away(failures)

    @asynccontextmanager
    async def stream(
        self, path: str, *, query: Mapping[str, str], headers: Mapping[str, str], idle: float
    ) -> AsyncIterator[ClientResponse]:
        """An answer that goes on, from the first address that gives one.

        `idle` is the longest silence in it, in seconds. Raises Refused and RegistryAway.
        """
        failures: dict[str, _Failure] = {}
        timeout = ClientTimeout(total=None, sock_connect=self.timeout, sock_read=idle)
        for url in self.addresses.in_turn():
            try:
                # Not wait_for: until Python 3.12 it forgets to be cancelled where the answer has
                # just come.
                async with asyncio.timeout(self.timeout):
                    response = await self._session.get(
                        URL(url + path, encoded=True),
                        params=query,
                        headers=headers,
                        timeout=timeout,
                        allow_redirects=False,
                    )
            except _AWAY as error:
                failures[url] = _Failure(_tell(error))
                continue
            async with response:
                if response.status == HTTPStatus.OK:
                    self.addresses.keep(url)
                    yield response
                    return
                outcome = await _judge(response)
                failures[url] = (
                    outcome
                    if isinstance(outcome, _Failure)
                    else _Failure(f"status {response.status}")
                )
        raise _away(failures)

    async def _ask_one(
        self, url: str, method: str, path: str, **asked: Any
    ) -> "_Answer | _Failure":
        for attempt in range(2):
            try:
                async with self._session.request(
                    method,
                    URL(url + path, encoded=True),
                    timeout=ClientTimeout(total=self.timeout),
                    allow_redirects=False,
                    **asked,
                ) as response:
                    return await _judge(response)
            except (ClientConnectorError, ClientConnectorCertificateError) as error:
                return _Failure(_tell(error))
            except (ServerDisconnectedError, ClientOSError) as error:
                # A kept connection that a restarted server no longer knows; a new one may do.
                if attempt:
                    return _Failure(_tell(error))
            except _AWAY as error:
                return _Failure(_tell(error))
        raise AssertionError("the second attempt returns")


def make_context(ca_file: str | None) -> ssl.SSLContext | bool:
    """What https is trusted by. Raises ValueError for a file that holds no certificates."""
    ca_file = ca_file or os.environ.get(CA_VARIABLE)
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        reason = "no certificate in it" if isinstance(error, ssl.SSLError) else error.strerror
        raise ValueError(f"the CA file {ca_file} cannot be used: {reason}") from None


@dataclass(frozen=True, slots=True)
class _Answer:
    value: Any


async def _judge(response: ClientResponse) -> _Answer | _Failure:
    """The answer, or why it is none. Raises Refused."""
    status = response.status
    retry_after = _read_retry_after(response.headers.get("Retry-After"))
    if status == HTTPStatus.NO_CONTENT:
        return _Answer(None)
    document = await _read_json(response)
    if status < HTTPStatus.MULTIPLE_CHOICES:
        if document is None:
            return _Failure(f"what answers there is no registry (status {status} without JSON)")
        return _Answer(document)
    if status < HTTPStatus.BAD_REQUEST:
        place = response.headers.get("Location", "nowhere")
        return _Failure(f"it sends us on to {_clean(place)}; give that address instead")
    told = document if isinstance(document, dict) else {}
    kind = told.get("type")
    detail = _clean(str(told.get("detail") or told.get("title") or f"status {status}"))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in (
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.REQUEST_TIMEOUT,
    ):
        return _Failure(f"status {status}, {detail}" if told else detail, retry_after)
    if not isinstance(kind, str):
        return _Failure(f"what answers there is no registry (status {status})")
    field = told.get("field")
    refusal = _REFUSALS.get(kind, Refused)
    raise refusal(status, kind, detail, field if isinstance(field, str) else None)


def _clean(text: str) -> str:
    """What a stranger says, without what would move the cursor of a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text[:MOST_DETAIL])


async def _read_json(response: ClientResponse) -> Any:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > MOST_ANSWER:
            return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _read_retry_after(text: str | None) -> float | None:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if text is None:
        return None
    try:
        return max(0.0, float(int(text)))
    except OverflowError:
        return None
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None


def _tell(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ClientConnectorCertificateError):
        return f"its certificate is not trusted ({_read_reason(error.certificate_error)})"
    if isinstance(error, ClientConnectorSSLError):
        return f"no TLS there ({_read_reason(error.os_error)})"
    if isinstance(error, ClientConnectorError):
        number = error.os_error.errno
        return (os.strerror(number) if number else str(error.os_error)).lower()
    return str(error) or type(error).__name__


def _read_reason(error: Exception) -> str:
    return str(getattr(error, "verify_message", None) or getattr(error, "reason", None) or error)


def _away(failures: Mapping[str, _Failure]) -> RegistryAway:
    reasons = "; ".join(f"{url}: {failure.reason}" for url, failure in failures.items())
    waits = [failure.retry_after for failure in failures.values()]
    asked = [wait for wait in waits if wait is not None]
    # Who did not ask for a wait may be tried at once.
    return RegistryAway(
        f"no registry at {reasons}", min(asked) if len(asked) == len(waits) else None
    )
